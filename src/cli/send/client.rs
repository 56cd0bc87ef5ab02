//! One request over HTTP: its answer, or why there is none.
//! Knows nothing of repeats and of what the answer means.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::time::timeout;
use awc::http::header::{ACCEPT, HeaderMap, RETRY_AFTER, USER_AGENT};
use awc::{ClientRequest, Connector};
use jiff::Timestamp;

use super::answer::Answer;
use super::no_answer::{Face, NoAnswer};
use super::proof::Proof;
use super::template::Message;

const CONNECT: Duration = Duration::from_secs(10);
/// For an answer, beside what the service is asked to wait.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer read: a large batch with all of its changes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// A sender.
pub(super) struct Client {
    http: awc::Client,
    url: String,
    proof: Proof,
    face: Face,
}

impl Client {
    /// Makes no connection yet.
    pub(super) fn new(url: String, proof: Proof, tls: rustls::ClientConfig) -> Self {
        let face = face(&url, &tls);
        let connector =
            Connector::new().timeout(CONNECT).handshake_timeout(CONNECT).rustls_0_23(Arc::new(tls)).limit(0);
        let http = awc::Client::builder()
            .connector(connector)
            .disable_redirects()
            // The timeout of a request is its own, and covers the body as well.
            .disable_timeout()
            .add_default_header((USER_AGENT, concat!("usher-send/", env!("CARGO_PKG_VERSION"))))
            .add_default_header((ACCEPT, "application/json, application/problem+json"))
            .finish();
        Self { http, url, proof, face }
    }

    /// Where it posts.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Posts a message; with `wait` the service is asked to answer when the event has its end.
    pub(super) async fn post(
        &self,
        message: &Message,
        webhook_id: &str,
        wait: Option<Duration>,
    ) -> Result<Answer, NoAnswer> {
        let seconds = wait.map(|wait| wait.as_secs_f64().ceil() as u64);
        let patience = PATIENCE + Duration::from_secs(seconds.unwrap_or_default());
        let mut request = self.request(message, webhook_id);
        if let Some(seconds) = seconds {
            request = request.insert_header(("prefer", format!("wait={seconds}")));
        }
        let exchange = exchange(request, message.body.clone(), self.face);
        timeout(patience, exchange).await.unwrap_or_else(|_elapsed| Err(NoAnswer::too_slow()))
    }

    fn request(&self, message: &Message, webhook_id: &str) -> ClientRequest {
        let mut request = self.http.post(&self.url);
        for (name, value) in &message.headers {
            request = request.append_header((name.as_str(), value.as_str()));
        }
        // Signed anew for each attempt: the time is part of it, and the bytes are those that are sent.
        for (name, value) in self.proof.headers(webhook_id, Timestamp::now(), &message.body) {
            request = request.insert_header((name, value));
        }
        request
    }
}

async fn exchange(request: ClientRequest, body: Vec<u8>, face: Face) -> Result<Answer, NoAnswer> {
    let mut response = request.send_body(body).await.map_err(|error| NoAnswer::of(&error, face))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.body().limit(MAX_BODY).await.map_err(NoAnswer::lost)?;
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    let replayed = text(&headers, "idempotent-replayed") == Some("true");
    Ok(Answer { status, replayed, retry_after: retry_after(&headers), body })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Seconds; a date, which only something in between would send, is as good as a second.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = text(headers, RETRY_AFTER.as_str())?.trim().parse().unwrap_or(1);
    Some(Duration::from_secs(seconds))
}

fn face(url: &str, tls: &rustls::ClientConfig) -> Face {
    match url.starts_with("https:") {
        false => Face::Plain,
        true if tls.client_auth_cert_resolver.has_certs() => Face::Certified,
        true => Face::Anonymous,
    }
}
