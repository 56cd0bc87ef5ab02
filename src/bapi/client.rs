//! Clerk's Backend API: each method makes one request and says what came of it.
//! Knows nothing of what a change wants.

mod invitations;
mod lookups;
mod memberships;

use awc::http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::domain::{AttemptCode, OrganizationId};

use super::call::Call;
use super::config::{ClientConfig, ConfigError};
use super::error::{Answered, BapiError, Kind};
use super::reply::Reply;
use super::transport::{Exchange, Transport};
use super::wire;

/// A client of Clerk's Backend API. It stays on the thread that built it.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
    base: String,
}

impl Client {
    /// Builds a client; makes no call.
    pub fn new(config: ClientConfig) -> Result<Self, ConfigError> {
        Ok(Self { base: config.base()?, transport: Transport::new(&config)? })
    }

    /// How long a call may take at most.
    pub fn timeout(&self) -> std::time::Duration {
        self.transport.timeout()
    }

    /// Reads the secret key again where it came from a file, for this client and its clones; whether it is another one.
    ///
    /// The old key stays where the file cannot be read or holds no key of the same kind of instance.
    pub fn refresh_key(&self) -> bool {
        self.transport.refresh_key()
    }

    async fn get<T>(&self, call: Call, url: &str, read: impl FnOnce(&Value) -> Option<T>) -> Reply<T> {
        self.call(call, Method::GET, url, NO_BODY, read).await
    }

    async fn call<T>(
        &self,
        call: Call,
        method: Method,
        url: &str,
        body: Option<&impl Serialize>,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Reply<T> {
        match self.transport.exchange(method, url, body).await {
            Ok(exchange) => answered(call, exchange, read),
            Err(kind) => failed(BapiError { call, kind }, None),
        }
    }

    // Ids and slugs are parsed: they hold nothing that means anything in a path.
    fn organization_url(&self, organization: &OrganizationId) -> String {
        format!("{}/organizations/{organization}", self.base)
    }
}

const NO_BODY: Option<&()> = None;

fn answered<T>(call: Call, exchange: Exchange, read: impl FnOnce(&Value) -> Option<T>) -> Reply<T> {
    let status = exchange.status.as_u16();
    let kind = if exchange.status.is_success() {
        match read(&exchange.body) {
            Some(answer) => return succeeded(answer, exchange.status, exchange.trace_id),
            None => Kind::Unreadable { status },
        }
    } else {
        let (code, subject) = wire::error(&exchange.body);
        let code = code.map(|code| AttemptCode::new(code).as_str().to_owned());
        Kind::Answered(Answered { status, code, subject, retry_after: exchange.retry_after })
    };
    failed(BapiError { call, kind }, exchange.trace_id)
}

fn succeeded<T>(answer: T, status: StatusCode, trace_id: Option<String>) -> Reply<T> {
    Reply { result: Ok(answer), status: Some(status.as_u16()), code: None, trace_id }
}

fn failed<T>(error: BapiError, trace_id: Option<String>) -> Reply<T> {
    let (status, code) = (error.status(), error.code().map(str::to_owned));
    Reply { result: Err(error), status, code, trace_id }
}

#[cfg(test)]
mod tests;
