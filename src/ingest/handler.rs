//! The handlers of the public listener: each a few steps, each refusal logged once, without body or token.
//! Knows nothing of how a step is done.

use std::time::Instant;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use super::accept::Accepted;
use super::admission::Permit;
use super::authenticate::CredentialsError;
use super::refusal::{Overload, Refusal};
use super::{Ingest, answer, body, handshake, media_type, parse};
use crate::domain::{EventId, EventRecord, EventStatus, SenderName};
use crate::rules::Sender;

/// `POST /v1/events`
pub(super) async fn post(request: HttpRequest, payload: web::Payload, ingest: web::Data<Ingest>) -> HttpResponse {
    let (sender, taken) = match ingest.sender_of(&request) {
        Ok(sender) => (Some(&sender.name), ingest.take(sender, &request, payload).await),
        Err(refusal) => (None, Err(refusal)),
    };
    ingest.metrics.event(verdict(&taken));
    match taken {
        Ok(Accepted { record, replayed }) => answer::accepted(&record, replayed),
        Err(refusal) => refuse(&refusal, sender),
    }
}

/// `GET /v1/events/{id}`
pub(super) async fn get(request: HttpRequest, ingest: web::Data<Ingest>) -> HttpResponse {
    let (sender, found) = match ingest.sender_of(&request) {
        Ok(sender) => (Some(&sender.name), ingest.find(&sender.name, request.match_info().get("id")).await),
        Err(refusal) => (None, Err(refusal)),
    };
    found.map_or_else(|refusal| refuse(&refusal, sender), |record| answer::found(&record))
}

/// `OPTIONS /v1/events`: the handshake of CloudEvents webhooks, and nothing else.
pub(super) async fn options(request: HttpRequest, ingest: web::Data<Ingest>) -> HttpResponse {
    let rates = ingest.rules.senders().iter().map(|sender| sender.rate);
    match handshake::answer(request.headers(), rates) {
        Some(permission) => permission,
        None => wrong_method("POST").await,
    }
}

/// Any path that does not exist.
pub(super) async fn nothing_here() -> HttpResponse {
    refuse(&Refusal::NotFound, None)
}

/// Any method that a path does not have.
pub(super) async fn wrong_method(allowed: &'static str) -> HttpResponse {
    refuse(&Refusal::WrongMethod { allowed }, None)
}

impl Ingest {
    fn sender_of(&self, request: &HttpRequest) -> Result<&Sender, Refusal> {
        let name = self.tokens.authenticate(request.headers(), request.query_string())?;
        // A token whose sender the rules do not know proves nobody.
        let known = self.rules.senders().iter().find(|sender| sender.name == *name);
        known.ok_or(Refusal::Credentials(CredentialsError::Unknown))
    }

    async fn take(&self, sender: &Sender, request: &HttpRequest, payload: web::Payload) -> Result<Accepted, Refusal> {
        let format = media_type::format_of(request.headers())?;
        let (body, _permit) = self.body(request, payload).await?;
        self.slow_down(sender)?;
        let event = parse::event(format, &body, &sender.name, request.headers())?;
        // What waits for the ledger is the event; its bytes need not wait as well.
        drop(body);
        self.accept(sender, event).await
    }

    /// The body, and the permit that pays for it until the event is durable.
    async fn body(&self, request: &HttpRequest, mut payload: web::Payload) -> Result<(Bytes, Permit), Refusal> {
        let announced = body::announced(request.headers(), self.body_limit)?;
        let mut permit = match self.limits.admit(announced, &self.ledger) {
            Ok(permit) => permit,
            Err(overload) => {
                body::skip(&mut payload, announced).await;
                return Err(Refusal::Overloaded(overload));
            }
        };
        let body = body::read(payload, announced, self.body_limit, &mut permit).await?;
        if permit.cover_parsed(&body) { Ok((body, permit)) } else { Err(Refusal::Overloaded(Overload::Bodies)) }
    }

    fn slow_down(&self, sender: &Sender) -> Result<(), Refusal> {
        match (sender.rate, self.limits.rates.take(&sender.name, 1, Instant::now())) {
            (Some(rate), Err(wait)) => Err(Refusal::TooFast { rate, wait }),
            _ => Ok(()),
        }
    }

    /// Another sender's event, an unknown one and an id that is none are answered alike: nobody learns what exists.
    async fn find(&self, sender: &SenderName, id: Option<&str>) -> Result<EventRecord, Refusal> {
        let id: EventId = id.and_then(|id| id.parse().ok()).ok_or(Refusal::NotFound)?;
        let record = self.ledger.find(id).await?;
        record.filter(|record| record.event.sender == *sender).ok_or(Refusal::NotFound)
    }
}

/// The label under which a POST is counted.
fn verdict(taken: &Result<Accepted, Refusal>) -> &'static str {
    match taken {
        Ok(Accepted { replayed: true, .. }) | Err(Refusal::RuleFailed { replayed: true, .. }) => "repeated",
        Ok(accepted) if accepted.record.status() == EventStatus::Ignored => "ignored",
        Ok(_) => "accepted",
        Err(Refusal::RuleFailed { .. }) => "failed",
        Err(_) => "refused",
    }
}

fn refuse(refusal: &Refusal, sender: Option<&SenderName>) -> HttpResponse {
    let problem = refusal.problem();
    tracing::info!(
        target: "usher::refused",
        status = problem.kind().status().as_u16(),
        problem = problem.kind().slug(),
        sender = sender.map(SenderName::as_str),
        reason = %refusal,
        "request refused"
    );
    problem.error_response()
}
