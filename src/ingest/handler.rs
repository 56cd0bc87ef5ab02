//! The handlers of the public listener: each a few steps, each refusal logged once, without body or token.
//! Knows nothing of how a step is done.

use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use tokio::time::Instant;

use super::accept::Accepted;
use super::authenticate::CredentialsError;
use super::parse::Parsed;
use super::prefer::Preference;
use super::refusal::Refusal;
use super::{Ingest, answer, body, identity, media_type, parse};
use crate::domain::{EventId, EventRecord, EventStatus, SenderName};
use crate::rules::Sender;

/// What was taken of a request that is not refused as a whole.
enum Taken {
    One(Box<Accepted>),
    /// Of each event in order.
    Batch(Vec<Result<Accepted, Refusal>>),
}

/// `POST /v1/events`
pub(super) async fn post(request: HttpRequest, payload: web::Payload, ingest: web::Data<Ingest>) -> HttpResponse {
    let (received, preference) = (Instant::now(), Preference::of(request.headers()));
    let (sender, taken) = match ingest.sender_of(&request) {
        // Its memory is free again before anybody waits.
        Ok(sender) => {
            let taking = Box::pin(ingest.take(sender, &request, payload, preference.waits()));
            (Some(&sender.name), taking.await)
        }
        Err(refusal) => (None, Err(refusal)),
    };
    ingest.count(&taken);
    let until = received + preference.wait.unwrap_or_default();
    match taken {
        Ok(Taken::One(mut accepted)) => {
            ingest.wait(&mut accepted, until).await;
            answer::accepted(&accepted, &preference)
        }
        Ok(Taken::Batch(mut results)) => {
            results.iter().filter_map(|result| result.as_ref().err()).for_each(|refusal| say(refusal, sender));
            ingest.wait_for_all(&mut results, until).await;
            answer::batch(&results, &preference)
        }
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

    async fn take(
        &self,
        sender: &Sender,
        request: &HttpRequest,
        payload: web::Payload,
        urgent: bool,
    ) -> Result<Taken, Refusal> {
        let headers = request.headers();
        let mode = media_type::mode_of(headers)?;
        let body = body::read(headers, payload, self.body_limit).await?;
        let mut claims = identity::claims(headers, &sender.name, None)?;
        let identity = claims.identity.take();
        match parse::read(mode, &body, &sender.name, headers, identity, sender.max_batch)? {
            Parsed::One(event) => Ok(Taken::One(Box::new(self.accept(sender, event, claims, urgent).await?))),
            Parsed::Batch(_) if claims.idempotency_key.is_some() => Err(Refusal::KeyForBatch),
            Parsed::Batch(events) => self.accept_all(sender, events, urgent).await.map(Taken::Batch),
        }
    }

    fn count(&self, taken: &Result<Taken, Refusal>) {
        match taken {
            Ok(Taken::One(accepted)) => self.metrics.event(verdict(Ok(accepted))),
            Ok(Taken::Batch(results)) => results.iter().for_each(|one| self.metrics.event(verdict(one.as_ref()))),
            Err(refusal) => self.metrics.event(verdict(Err(refusal))),
        }
    }

    /// Another sender's event, an unknown one and an id that is none are answered alike: nobody learns what exists.
    async fn find(&self, sender: &SenderName, id: Option<&str>) -> Result<EventRecord, Refusal> {
        let id: EventId = id.and_then(|id| id.parse().ok()).ok_or(Refusal::NotFound)?;
        let record = self.ledger.find(id).await?;
        record.filter(|record| record.event.sender == *sender).ok_or(Refusal::NotFound)
    }
}

/// The label under which an event is counted.
fn verdict(taken: Result<&Accepted, &Refusal>) -> &'static str {
    match taken {
        Ok(Accepted { replayed: true, .. }) | Err(Refusal::RuleFailed { replayed: true, .. }) => "repeated",
        Ok(accepted) if accepted.record.status() == EventStatus::Ignored => "ignored",
        Ok(_) => "accepted",
        Err(Refusal::RuleFailed { .. }) => "failed",
        Err(_) => "refused",
    }
}

fn refuse(refusal: &Refusal, sender: Option<&SenderName>) -> HttpResponse {
    say(refusal, sender);
    refusal.problem().error_response()
}

/// One line for each request, or event of a batch, that is refused.
fn say(refusal: &Refusal, sender: Option<&SenderName>) {
    let problem = refusal.problem();
    tracing::info!(
        target: "usher::refused",
        status = problem.kind().status().as_u16(),
        problem = problem.kind().slug(),
        sender = sender.map(SenderName::as_str),
        reason = %refusal,
        "request refused"
    );
}
