//! Why a request is refused, and the one place where each reason becomes a problem document.
//! Knows nothing of how the reasons are found; no text here repeats a value of a body.

mod words;

use std::time::Duration;

use actix_web::http::header::{self, HeaderName};

use super::answer;
use super::authenticate::{CredentialsError, Told};
use super::body::BodyError;
use super::identity::IdentityError;
use super::json::JsonError;
use super::media_type::{MediaTypeError, TAKEN};
use super::parse::ParseError;
use crate::domain::{EventId, EventRate, Role, RuleFailure};
use crate::http::problem::{Kind, Mistake, Place, Problem};
use crate::ledger::LedgerError;
use crate::rules::Refusal as Ceiling;
use words::*;

pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// One reason to refuse a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    MediaType(#[from] MediaTypeError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("over its rate of {} events in {} s", .rate.events, .rate.per.as_secs_f64())]
    TooFast { rate: EventRate, wait: Duration },
    #[error("{0}")]
    Overloaded(#[from] Overload),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("the sender may not send this type")]
    TypeNotAllowed { at: Place },
    #[error("the sender may not send from this source")]
    SourceNotAllowed { at: Place },
    #[error("the rule `{rule}` asks for more than the sender may")]
    AboveCeiling { rule: String, role: Option<Role>, ceiling: Ceiling },
    #[error("the identity belongs to another content")]
    Conflict,
    #[error("a key of the request belongs to another event")]
    KeyTaken,
    #[error("a request with the same Idempotency-Key is still being handled")]
    KeyInUse,
    #[error("a batch came with an Idempotency-Key")]
    KeyForBatch,
    #[error("the rule `{}` cannot be evaluated on this event", .failure.rule)]
    RuleFailed { event: EventId, failure: RuleFailure, replayed: bool },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("there is nothing here")]
    NotFound,
    #[error("the method is not allowed")]
    WrongMethod { allowed: &'static str },
}

/// What there is too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Overload {
    #[error("too many bodies are in the house")]
    Bodies,
    #[error("too much waits for the ledger")]
    Ledger,
    #[error("the backlog is at its limit")]
    Backlog,
}

impl Refusal {
    /// What the caller is told.
    pub(super) fn problem(&self) -> Problem {
        match self {
            Self::Credentials(error) => credentials(*error),
            Self::MediaType(error) => media_type(*error),
            Self::Body(error) => body(error),
            Self::Identity(error) => identity(*error),
            Self::TooFast { rate, wait } => too_fast(*rate, *wait),
            Self::Overloaded(overload) => overloaded(*overload),
            Self::Parse(error) => parse(error),
            Self::TypeNotAllowed { at } => not_among(Kind::TypeNotAllowed, TYPE_NOT_ALLOWED, at, "events"),
            Self::SourceNotAllowed { at } => not_among(Kind::SourceNotAllowed, SOURCE_NOT_ALLOWED, at, "sources"),
            Self::AboveCeiling { rule, role, ceiling } => above_ceiling(rule, role.as_ref(), *ceiling),
            Self::Conflict => Problem::new(Kind::IdentityConflict, CONFLICT),
            Self::KeyTaken => Problem::new(Kind::IdentityConflict, KEY_TAKEN),
            Self::KeyInUse => Problem::new(Kind::KeyInUse, KEY_IN_USE).with_retry_after(Duration::from_secs(1)),
            Self::KeyForBatch => Problem::new(Kind::MalformedRequest, KEY_FOR_BATCH),
            Self::RuleFailed { event, failure, replayed } => rule_failed(*event, failure, *replayed),
            Self::Ledger(error) => ledger(error),
            Self::NotFound => Problem::new(Kind::NotFound, NOT_FOUND),
            Self::WrongMethod { allowed } => {
                let problem = Problem::new(Kind::MethodNotAllowed, "Use one of the methods in the Allow header.");
                problem.with_header(header::ALLOW, allowed)
            }
        }
    }
}

/// One answer for all that is well-formed and not accepted: the reason is for the log.
fn credentials(error: CredentialsError) -> Problem {
    let (detail, challenge) = match error.told() {
        Told::Missing => (SEND_PROOF, "Bearer realm=\"usher\""),
        Told::InUrl => (NOT_IN_URL, INVALID_REQUEST),
        Told::MalformedToken => (ONE_TOKEN, INVALID_REQUEST),
        Told::MalformedSignature => (WHOLE_SIGNATURE, INVALID_REQUEST),
        Told::NotAccepted => (NOT_ACCEPTED, "Bearer realm=\"usher\", error=\"invalid_token\""),
    };
    Problem::new(Kind::NotAuthenticated, detail).with_header(header::WWW_AUTHENTICATE, challenge)
}

fn media_type(error: MediaTypeError) -> Problem {
    let detail = format!("{error}. Taken are {TAKEN}, and JSON data with the attributes in ce- headers; all in UTF-8.");
    Problem::new(Kind::UnsupportedMediaType, detail).with_header(header::ACCEPT, TAKEN)
}

fn body(error: &BodyError) -> Problem {
    match error {
        BodyError::TooLarge { limit } => {
            Problem::new(Kind::TooLarge, format!("A body may have at most {limit} bytes. Send less data in the event."))
        }
        BodyError::TooSlow => Problem::new(Kind::TooSlow, "The body did not arrive in time. Send it again."),
        BodyError::Broken(_) => Problem::new(
            Kind::MalformedRequest,
            "The body did not arrive whole. Check its length and transfer encoding.",
        ),
        BodyError::NoRoom => overloaded(Overload::Bodies),
    }
}

fn not_among(kind: Kind, detail: &'static str, at: &Place, what: &'static str) -> Problem {
    let detail_there = format!("expected one of the `{what}` of this sender");
    Problem::new(kind, detail).with_errors(vec![Mistake { place: at.clone(), detail: detail_there.into() }])
}

fn identity(error: IdentityError) -> Problem {
    let mistake = Mistake {
        place: Place::Header(error.header.to_owned()),
        detail: "expected once, with 1 to 255 visible ASCII characters, quoted or bare".into(),
    };
    Problem::new(Kind::MalformedRequest, format!("{error}.")).with_errors(vec![mistake])
}

fn too_fast(rate: EventRate, wait: Duration) -> Problem {
    let EventRate { events, per } = rate;
    let detail = format!(
        "This sender may send {events} events every {}, and was faster. Send the same request again after \
         `Retry-After` seconds; the operator of usher can raise `rate` of the sender.",
        span(per)
    );
    Problem::new(Kind::RateLimited, detail).with_retry_after(wait)
}

/// As a person says it: rates are told per second, minute or hour.
fn span(per: Duration) -> String {
    match per.as_secs_f64() {
        1.0 => "second".to_owned(),
        60.0 => "minute".to_owned(),
        3600.0 => "hour".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

fn overloaded(overload: Overload) -> Problem {
    let (detail, after) = match overload {
        Overload::Bodies => ("More requests are being handled than there is memory for.", 1),
        Overload::Ledger => ("More events wait to be written than the disk keeps up with.", 1),
        Overload::Backlog => {
            ("As many changes wait, or are dead letters, as the operator allows; nothing was recorded.", 30)
        }
    };
    let problem = Problem::new(Kind::Overloaded, format!("{detail} {AGAIN}"));
    problem.with_retry_after(Duration::from_secs(after))
}

fn parse(error: &ParseError) -> Problem {
    match error {
        ParseError::Empty => Problem::new(Kind::MalformedJson, "The body is empty. Send an event as JSON."),
        ParseError::Json(error) => json(error),
        ParseError::TooMany { limit } => Problem::new(
            Kind::BatchTooLarge,
            format!(
                "A batch of this sender may have at most {limit} events, and nothing of it was recorded. Send smaller ones."
            ),
        ),
        ParseError::NoIdentity => {
            let mistake = Mistake::at("#/id", "required, and missing");
            Problem::new(Kind::MissingIdentity, NO_IDENTITY).with_errors(vec![mistake])
        }
        ParseError::Invalid(mistakes) => {
            Problem::new(Kind::InvalidEvent, "Mend what `errors` names and send the event again.")
                .with_errors(mistakes.clone())
        }
    }
}

fn json(error: &JsonError) -> Problem {
    let problem = Problem::new(Kind::MalformedJson, format!("The body is not taken: {error}."));
    match error {
        JsonError::Syntax { .. } => problem,
        JsonError::Duplicate { pointer, .. } => {
            problem.with_errors(vec![Mistake::at(pointer, "there twice; name it once")])
        }
        JsonError::TooDeep { pointer, .. } => problem.with_errors(vec![Mistake::at(pointer, "nested too deeply")]),
    }
}

fn above_ceiling(rule: &str, role: Option<&Role>, ceiling: Ceiling) -> Problem {
    let asked = match (ceiling, role) {
        (Ceiling::Role, Some(role)) => format!("gives the role {role}, which this sender may not give"),
        (Ceiling::Role, None) => "gives a role that this sender may not give".to_owned(),
        (Ceiling::Organization, _) => "changes an organization that this sender may not change".to_owned(),
        (Ceiling::Action, _) => "makes a change of a kind that this sender may not ask for".to_owned(),
    };
    Problem::new(Kind::AboveCeiling, format!("The rule `{rule}` {asked}. {NOT_RECORDED}"))
}

fn rule_failed(event: EventId, failure: &RuleFailure, replayed: bool) -> Problem {
    let RuleFailure { rule, part, expression, message } = failure;
    let what =
        format!("The rule `{rule}` cannot be evaluated on this event: `{part}`, which is `{expression}`: {message}.");
    let problem =
        Problem::new(Kind::RuleFailed, format!("{what} {DEAD_LETTER}")).with_instance(answer::location(event));
    if replayed { problem.with_header(REPLAYED, "true") } else { problem }
}

fn ledger(error: &LedgerError) -> Problem {
    let (kind, detail, after) = match error {
        LedgerError::Busy => return overloaded(Overload::Ledger),
        LedgerError::Full => (Kind::LedgerFull, "Nothing was recorded: the ledger has no room.", 30),
        LedgerError::Unavailable(_) => (Kind::LedgerUnavailable, "The ledger does not answer as it should.", 5),
        LedgerError::Closed => (Kind::LedgerUnavailable, "usher is shutting down.", 1),
    };
    Problem::new(kind, format!("{detail} {AGAIN}")).with_retry_after(Duration::from_secs(after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError;

    fn passing() -> Vec<Refusal> {
        let rate = EventRate { events: 100, per: Duration::from_secs(60) };
        let overloads = [Overload::Bodies, Overload::Ledger, Overload::Backlog].map(Refusal::Overloaded);
        let ledger = [
            LedgerError::Busy,
            LedgerError::Full,
            LedgerError::Closed,
            LedgerError::Unavailable("hush: /data/ledger.db".to_owned()),
        ];
        let mut all = vec![Refusal::TooFast { rate, wait: Duration::from_millis(1200) }, BodyError::NoRoom.into()];
        all.extend(overloads.into_iter().chain(ledger.map(Refusal::Ledger)));
        all
    }

    #[test]
    fn what_passes_by_itself_says_when_to_come_back_and_why() {
        for refusal in passing() {
            let problem = refusal.problem();
            assert!(problem.kind().passes(), "{refusal}");
            let response = problem.error_response();
            let after = response.headers().get(header::RETRY_AFTER).unwrap().to_str().unwrap();
            assert!(after.parse::<u64>().is_ok_and(|seconds| (1..=30).contains(&seconds)), "{refusal}: {after}");
            assert!(!problem.to_string().contains("hush"), "{problem}");
        }
    }

    #[test]
    fn who_is_too_fast_learns_its_rate() {
        let text = passing()[0].problem().to_string();
        assert!(text.contains("100 events every minute"), "{text}");
        assert_eq!(span(Duration::from_secs(10)), "10 seconds");
    }
}
