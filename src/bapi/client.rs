//! One method per BAPI call; each makes one request and says what came of it.
//! Knows nothing of what a change wants.

use awc::http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::domain::{AttemptCode, EventId, Member, Role, Step};

use super::config::{ClientConfig, ConfigError};
use super::error::{Answered, BapiError, Kind};
use super::reply::{Membership, Reply};
use super::transport::{Exchange, Transport};
use super::wire::{self, NewMembership, NewRole, Provenance};

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

    /// Makes the user a member, with the event in the membership's private metadata.
    pub async fn create(&self, member: &Member, role: &Role, event: EventId) -> Reply<Membership> {
        let body = NewMembership {
            user_id: member.user.as_str(),
            role: role.as_str(),
            private_metadata: Provenance { usher_event: event.to_string() },
        };
        self.call(Step::Create, Method::POST, &self.memberships(member), Some(&body), wire::membership).await
    }

    /// Reads the user's membership. There is no call for one: this is a list of at most one.
    pub async fn inspect(&self, member: &Member) -> Reply<Option<Membership>> {
        let url = format!("{}?user_id={}&limit=1", self.memberships(member), member.user);
        self.call(Step::Inspect, Method::GET, &url, NO_BODY, |body| wire::listed(body, member.user.as_str())).await
    }

    /// Changes the role of the user's membership.
    pub async fn update(&self, member: &Member, role: &Role) -> Reply<Membership> {
        let body = NewRole { role: role.as_str() };
        self.call(Step::Update, Method::PATCH, &self.membership(member), Some(&body), wire::membership).await
    }

    /// Ends the user's membership; the answer is what it was.
    pub async fn delete(&self, member: &Member) -> Reply<Membership> {
        self.call(Step::Delete, Method::DELETE, &self.membership(member), NO_BODY, wire::membership).await
    }

    async fn call<T>(
        &self,
        step: Step,
        method: Method,
        url: &str,
        body: Option<&impl Serialize>,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Reply<T> {
        match self.transport.exchange(method, url, body).await {
            Ok(exchange) => answered(step, exchange, read),
            Err(kind) => failed(BapiError { step, kind }, None),
        }
    }

    // The ids are parsed: they hold nothing that means anything in a URL.
    fn memberships(&self, member: &Member) -> String {
        format!("{}/organizations/{}/memberships", self.base, member.organization)
    }

    fn membership(&self, member: &Member) -> String {
        format!("{}/{}", self.memberships(member), member.user)
    }
}

const NO_BODY: Option<&()> = None;

fn answered<T>(step: Step, exchange: Exchange, read: impl FnOnce(&Value) -> Option<T>) -> Reply<T> {
    let status = exchange.status.as_u16();
    let kind = if exchange.status.is_success() {
        match read(&exchange.body) {
            Some(answer) => return succeeded(answer, exchange.status, exchange.trace_id),
            None => Kind::Unreadable { status },
        }
    } else {
        let (code, about_role) = wire::error(&exchange.body);
        let code = code.map(|code| AttemptCode::new(code).as_str().to_owned());
        Kind::Answered(Answered { status, code, about_role, retry_after: exchange.retry_after })
    };
    failed(BapiError { step, kind }, exchange.trace_id)
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
