//! The handlers of the public listener: each a few steps, each refusal logged once, without body or token.
//! Knows nothing of how a step is done.

use actix_web::http::ConnectionType;
use actix_web::{HttpRequest, HttpResponse, ResponseError, rt, web};
use tokio::time::Instant;

use super::accept::Accepted;
use super::admission::Permit;
use super::identity::Claims;
use super::members::Origin;
use super::parse::Parsed;
use super::prefer::Preference;
use super::reading::Asked;
use super::refusal::Refusal;
use super::{Ingest, answer, handshake};
use crate::domain::{EventId, EventRecord, EventStatus, SenderName};
use crate::ledger::LedgerError;

/// What was taken of a request that is not refused as a whole.
enum Taken {
    One(Box<Accepted>),
    /// Of each event in order.
    Batch(Vec<Result<Accepted, Refusal>>),
}

impl Taken {
    fn changes(&self) -> usize {
        match self {
            Self::One(accepted) => accepted.record.changes.len(),
            Self::Batch(results) => results.iter().flatten().map(|accepted| 1 + accepted.record.changes.len()).sum(),
        }
    }
}

/// So many changes are waited for without a permit.
const FEW: usize = 64;

/// `POST /v1/events`
pub(super) async fn post(request: HttpRequest, payload: web::Payload, ingest: web::Data<Ingest>) -> HttpResponse {
    let (received, preference) = (Instant::now(), Preference::of(request.headers()));
    let mut sender = None;
    // Boxed, so that its memory is free again before anybody waits.
    let (taken, _permit) = match Box::pin(ingest.read(&request, payload, &mut sender)).await {
        Ok(asked) => carry_out(asked, ingest.clone(), preference.waits()).await,
        Err(refusal) => (Err(refusal), None),
    };
    ingest.count(&taken);
    let until = received + preference.wait.unwrap_or_default();
    match taken {
        Ok(Taken::One(mut accepted)) => {
            ingest.wait(&mut accepted, until).await;
            answer::accepted(&accepted, &preference)
        }
        Ok(Taken::Batch(mut results)) => {
            results
                .iter()
                .filter_map(|result| result.as_ref().err())
                .for_each(|refusal| say(refusal, sender, &request));
            ingest.wait_for_all(&mut results, until).await;
            answer::batch(&results, &preference)
        }
        Err(refusal) => refuse(&refusal, sender, &request),
    }
}

/// `GET /v1/events/{id}`
pub(super) async fn get(request: HttpRequest, ingest: web::Data<Ingest>) -> HttpResponse {
    let (sender, found) = match ingest.reader(&request).await {
        Ok(sender) => (Some(&sender.name), ingest.find(&sender.name, request.match_info().get("id")).await),
        Err(refusal) => (None, Err(refusal)),
    };
    found.map_or_else(|refusal| refuse(&refusal, sender, &request), |record| answer::found(&record))
}

/// `OPTIONS /v1/events`: the handshake of CloudEvents webhooks, and nothing else.
pub(super) async fn options(request: HttpRequest, ingest: web::Data<Ingest>) -> HttpResponse {
    let rates = ingest.rules.senders().iter().map(|sender| sender.rate);
    match handshake::answer(request.headers(), rates) {
        Some(permission) => permission,
        None => wrong_method("POST", request).await,
    }
}

/// Any path that does not exist.
pub(super) async fn nothing_here(request: HttpRequest) -> HttpResponse {
    refuse(&Refusal::NotFound, None, &request)
}

/// Any method that a path does not have.
pub(super) async fn wrong_method(allowed: &'static str, request: HttpRequest) -> HttpResponse {
    refuse(&Refusal::WrongMethod { allowed }, None, &request)
}

/// On a task of its own: a caller who hangs up frees neither the memory that waits for the ledger, nor its key.
///
/// With what was taken comes the permit, where so much is left of it that it must be paid for while the caller waits.
async fn carry_out(asked: Asked, ingest: web::Data<Ingest>, urgent: bool) -> (Result<Taken, Refusal>, Option<Permit>) {
    let task = rt::spawn(async move {
        let Asked { sender, parsed, origin, claims, permit } = asked;
        let taken = ingest.take(&sender, (parsed, origin), claims, urgent).await;
        let large = taken.as_ref().is_ok_and(|taken| taken.changes() > FEW);
        (taken, (urgent && large).then_some(permit))
    });
    task.await.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => (Err(LedgerError::Closed.into()), None),
    })
}

impl Ingest {
    async fn take(
        &self,
        sender: &SenderName,
        (parsed, origin): (Parsed, Origin),
        claims: Claims,
        urgent: bool,
    ) -> Result<Taken, Refusal> {
        let sender = self.known(sender)?;
        match parsed {
            Parsed::One(event) => {
                self.accept(sender, (event, origin), claims, urgent).await.map(Box::new).map(Taken::One)
            }
            Parsed::Batch(_) if claims.idempotency_key.is_some() => Err(Refusal::KeyForBatch),
            Parsed::Batch(events) => self.accept_all(sender, events, &claims.keys, urgent).await.map(Taken::Batch),
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

fn refuse(refusal: &Refusal, sender: Option<&SenderName>, request: &HttpRequest) -> HttpResponse {
    say(refusal, sender, request);
    let mut response = refusal.problem().error_response();
    if sender.is_none() {
        // Strangers keep no connection: there are only so many.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// One line for each request, or event of a batch, that is refused.
fn say(refusal: &Refusal, sender: Option<&SenderName>, request: &HttpRequest) {
    let problem = refusal.problem();
    tracing::info!(
        target: "usher::refused",
        status = problem.kind().status().as_u16(),
        problem = problem.kind().slug(),
        sender = sender.map(SenderName::as_str),
        client = request.peer_addr().map(|peer| tracing::field::display(peer.ip())),
        reason = %refusal,
        "request refused"
    );
}
