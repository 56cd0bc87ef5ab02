//! Requests and answers as they are: a test sends the first and compares what comes with the second.
//! Knows nothing of what the shipped rules say.

use std::time::Duration;

use serde_json::Value;

use super::super::BODY_LIMIT;
use super::super::body::BodyError;
use super::super::parse::ParseError;
use super::super::refusal::{Overload, Refusal};
use super::bodies::MAX_BATCH;
use crate::domain::{EventId, EventRate, RuleFailure};
use crate::http::problem::{Kind, Place, Problem};
use crate::http::{heads, panics};
use crate::ledger::LedgerError;

/// Reads an example; that each can be read is tested.
macro_rules! example {
    ($file:literal) => {
        serde_json::from_str(include_str!(concat!("examples/", $file, ".json"))).unwrap_or_default()
    };
}

pub(super) fn plain() -> Value {
    example!("plain")
}

pub(super) fn cloud_event() -> Value {
    example!("cloud_event")
}

pub(super) fn batch() -> Value {
    example!("batch")
}

/// What is answered to [`plain`] at once.
pub(super) fn accepted() -> Value {
    example!("accepted")
}

/// What is answered to it when its change is made.
pub(super) fn settled() -> Value {
    example!("settled")
}

/// What is answered to [`batch`].
pub(super) fn results() -> Value {
    example!("results")
}

/// A problem of this kind: as a test meets it, or as the code makes it where no single request can meet it.
pub(super) fn problem(kind: Kind) -> Value {
    match kind {
        Kind::MalformedRequest => of(&Refusal::KeyForBatch),
        Kind::MalformedJson => example!("malformed-json"),
        Kind::InvalidEvent => example!("invalid-event"),
        Kind::MissingIdentity => of(&ParseError::NoIdentity.into()),
        Kind::NotAuthenticated => example!("not-authenticated"),
        Kind::TypeNotAllowed => example!("type-not-allowed"),
        Kind::SourceNotAllowed => of(&Refusal::SourceNotAllowed { at: Place::Pointer("#/source".to_owned()) }),
        Kind::AboveCeiling => example!("above-ceiling"),
        Kind::NotFound => example!("not-found"),
        Kind::MethodNotAllowed => of(&Refusal::WrongMethod { allowed: "POST" }),
        Kind::TooSlow => of(&BodyError::TooSlow.into()),
        Kind::KeyInUse => of(&Refusal::KeyInUse),
        Kind::TooLarge => of(&BodyError::TooLarge { limit: BODY_LIMIT }.into()),
        Kind::BatchTooLarge => of(&ParseError::TooMany { limit: MAX_BATCH }.into()),
        Kind::UriTooLong => written(&heads::uri_too_long()),
        Kind::UnsupportedMediaType => example!("unsupported-media-type"),
        Kind::IdentityConflict => example!("identity-conflict"),
        Kind::RuleFailed => of(&rule_failed()),
        Kind::RateLimited => of(&Refusal::TooFast { rate: RATE, wait: RATE.per }),
        Kind::HeadersTooLarge => written(&heads::headers_too_large()),
        Kind::Internal => written(&panics::problem()),
        Kind::Overloaded => of(&Refusal::Overloaded(Overload::Ledger)),
        Kind::LedgerFull => of(&LedgerError::Full.into()),
        Kind::LedgerUnavailable => of(&LedgerError::Closed.into()),
    }
}

const RATE: EventRate = EventRate { events: 1000, per: Duration::from_secs(1) };

fn rule_failed() -> Refusal {
    let failure = RuleFailure {
        rule: "plan purchased".to_owned(),
        part: "grant.user".to_owned(),
        expression: "data.user_id".to_owned(),
        message: "`user_id` is not there".to_owned(),
    };
    Refusal::RuleFailed { event: EventId::from_bytes([0x42; 16]), failure, replayed: false }
}

fn of(refusal: &Refusal) -> Value {
    written(&refusal.problem())
}

fn written(problem: &Problem) -> Value {
    serde_json::to_value(problem).unwrap_or_default()
}
