//! The handlers of the public listener: each a few steps, each refusal logged once, without body or token.
//! Knows nothing of how a step is done.

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, ResponseError, rt, web};
use jiff::Timestamp;
use tokio::time::Instant;

use super::accept::Accepted;
use super::admission::Permit;
use super::authenticate::CredentialsError;
use super::identity::{self, Claims};
use super::parse::Parsed;
use super::prefer::Preference;
use super::refusal::{Overload, Refusal};
use super::{Ingest, answer, body, handshake, media_type, parse};
use crate::domain::{EventId, EventRecord, EventStatus, SenderName};
use crate::ledger::LedgerError;
use crate::rules::Sender;

/// What a request asks for, and the permit that pays for it until it is on disk.
struct Asked {
    sender: SenderName,
    parsed: Parsed,
    claims: Claims,
    permit: Permit,
}

/// What was taken of a request that is not refused as a whole.
enum Taken {
    One(Box<Accepted>),
    /// Of each event in order.
    Batch(Vec<Result<Accepted, Refusal>>),
}

/// `POST /v1/events`
pub(super) async fn post(request: HttpRequest, payload: web::Payload, ingest: web::Data<Ingest>) -> HttpResponse {
    let (received, preference) = (Instant::now(), Preference::of(request.headers()));
    let mut sender = None;
    // Boxed, so that its memory is free again before anybody waits.
    let taken = match Box::pin(ingest.read(&request, payload, &mut sender)).await {
        Ok(asked) => carry_out(asked, ingest.clone(), preference.waits()).await,
        Err(refusal) => Err(refusal),
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
    let (sender, found) = match ingest.reader(&request).await {
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

/// On a task of its own: a caller who hangs up frees neither the memory that waits for the ledger, nor its key.
async fn carry_out(asked: Asked, ingest: web::Data<Ingest>, urgent: bool) -> Result<Taken, Refusal> {
    let task = rt::spawn(async move {
        let Asked { sender, parsed, claims, permit } = asked;
        let taken = ingest.take(&sender, parsed, claims, urgent).await;
        drop(permit);
        taken
    });
    task.await.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(LedgerError::Closed.into()),
    })
}

impl Ingest {
    /// Reads what a request holds; `sender` is known before its events are, for the log.
    async fn read<'i>(
        &'i self,
        request: &HttpRequest,
        payload: web::Payload,
        sender: &mut Option<&'i SenderName>,
    ) -> Result<Asked, Refusal> {
        let headers = request.headers();
        let mut proved = self.proofs.by_header(headers, request.query_string()).await?;
        if let Some(proved) = &proved {
            *sender = Some(&self.known(&proved.sender)?.name);
        }
        let mode = media_type::mode_of(headers)?;
        let (body, permit) = self.body(request, payload).await?;
        let proved = match proved.take() {
            Some(proved) => proved,
            None => self.proofs.by_signature(headers, &body, Timestamp::now())?,
        };
        let known = self.known(&proved.sender)?;
        *sender = Some(&known.name);
        self.slow_down(known, 1)?;
        let mut claims = identity::claims(headers, &known.name, proved.signed_id.as_deref())?;
        let identity = claims.identity.take();
        let parsed = parse::read(mode, &body, &known.name, headers, identity, known.max_batch)?;
        if let Parsed::Batch(events) = &parsed {
            self.slow_down(known, events.len().saturating_sub(1))?;
        }
        Ok(Asked { sender: known.name.clone(), parsed, claims, permit })
    }

    async fn take(&self, sender: &SenderName, parsed: Parsed, claims: Claims, urgent: bool) -> Result<Taken, Refusal> {
        let sender = self.known(sender)?;
        match parsed {
            Parsed::One(event) => self.accept(sender, event, claims, urgent).await.map(Box::new).map(Taken::One),
            Parsed::Batch(_) if claims.idempotency_key.is_some() => Err(Refusal::KeyForBatch),
            Parsed::Batch(events) => self.accept_all(sender, events, urgent).await.map(Taken::Batch),
        }
    }

    /// Who asks; a signature covers an empty body then, so that one over an event opens nothing.
    async fn reader(&self, request: &HttpRequest) -> Result<&Sender, Refusal> {
        let proved = match self.proofs.by_header(request.headers(), request.query_string()).await? {
            Some(proved) => proved,
            None => self.proofs.by_signature(request.headers(), b"", Timestamp::now())?,
        };
        self.known(&proved.sender)
    }

    /// A proof whose sender the rules do not know proves nobody.
    fn known(&self, proved: &SenderName) -> Result<&Sender, Refusal> {
        let known = self.rules.senders().iter().find(|sender| sender.name == *proved);
        known.ok_or(Refusal::Credentials(CredentialsError::NoSuchSender))
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

    /// Lets so many more events of a sender pass, where its rate allows them.
    fn slow_down(&self, sender: &Sender, events: usize) -> Result<(), Refusal> {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        match (sender.rate, self.limits.rates.take(&sender.name, events, Instant::now().into_std())) {
            (Some(rate), Err(wait)) => Err(Refusal::TooFast { rate, wait }),
            _ => Ok(()),
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
