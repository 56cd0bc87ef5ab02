//! The handlers of the public listener: each a few steps, each refusal logged once, without body or token.
//! Knows nothing of how a step is done.

use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use jiff::Timestamp;

use super::accept::Accepted;
use super::authenticate::{CredentialsError, Proved};
use super::media_type::MediaTypeError;
use super::parse::Parsed;
use super::refusal::Refusal;
use super::{Ingest, answer, body, identity, media_type, parse};
use crate::domain::{EventId, EventRecord, EventStatus, SenderName};
use crate::rules::Sender;

/// `POST /v1/events`
pub(super) async fn post(request: HttpRequest, payload: web::Payload, ingest: web::Data<Ingest>) -> HttpResponse {
    let mut sender = None;
    let taken = ingest.take(&request, payload, &mut sender).await;
    ingest.metrics.event(verdict(&taken));
    match taken {
        Ok(Accepted { record, replayed }) => answer::accepted(&record, replayed),
        Err(refusal) => refuse(&refusal, sender),
    }
}

/// `GET /v1/events/{id}`
pub(super) async fn get(request: HttpRequest, ingest: web::Data<Ingest>) -> HttpResponse {
    let (sender, found) = match ingest.reader(&request).await {
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
    /// Who posts what; `sender` is known before the event is, for the log.
    async fn take<'i>(
        &'i self,
        request: &HttpRequest,
        payload: web::Payload,
        sender: &mut Option<&'i SenderName>,
    ) -> Result<Accepted, Refusal> {
        let headers = request.headers();
        let proved = self.proofs.by_header(headers, request.query_string()).await?;
        let known = proved.map(|proved| self.known(&proved)).transpose()?;
        *sender = known.map(|known| &known.name);
        let mode = media_type::mode_of(headers)?;
        let body = body::read(headers, payload, self.body_limit).await?;
        let known = match known {
            Some(known) => known,
            None => self.known(&self.proofs.by_signature(headers, &body, Timestamp::now())?)?,
        };
        *sender = Some(&known.name);
        let identity = identity::claimed(headers)?;
        match parse::read(mode, &body, &known.name, headers, identity, known.max_batch)? {
            Parsed::One(event) => self.accept(known, event).await,
            // No answer of one event fits a batch.
            Parsed::Batch(events) => {
                let refused = events.into_iter().find_map(Result::err);
                Err(refused.map_or(MediaTypeError::Other.into(), Refusal::from))
            }
        }
    }

    /// Who asks; a signature covers an empty body then, so that one over an event opens nothing.
    async fn reader(&self, request: &HttpRequest) -> Result<&Sender, Refusal> {
        let proved = match self.proofs.by_header(request.headers(), request.query_string()).await? {
            Some(proved) => proved,
            None => self.proofs.by_signature(request.headers(), b"", Timestamp::now())?,
        };
        self.known(&proved)
    }

    /// A proof whose sender the rules do not know proves nobody.
    fn known(&self, proved: &Proved) -> Result<&Sender, Refusal> {
        let known = self.rules.senders().iter().find(|sender| sender.name == proved.sender);
        known.ok_or(Refusal::Credentials(CredentialsError::NoSuchSender))
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
