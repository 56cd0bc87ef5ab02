//! Why a request is refused, and the one place where each reason becomes a problem document.
//! Knows nothing of how the reasons are found; no text here repeats a value of a body.

use actix_web::http::header::{self, HeaderName};

use super::answer;
use super::authenticate::CredentialsError;
use super::body::BodyError;
use super::identity::IdentityError;
use super::json::JsonError;
use super::media_type::{MediaTypeError, TAKEN};
use super::parse::ParseError;
use crate::domain::{EventId, Role, RuleFailure};
use crate::http::problem::{Kind, Mistake, Problem};
use crate::ledger::LedgerError;
use crate::rules::Refusal as Ceiling;

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
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("the sender may not send this type")]
    TypeNotAllowed,
    #[error("the sender may not send from this source")]
    SourceNotAllowed,
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

impl Refusal {
    /// What the caller is told.
    pub(super) fn problem(&self) -> Problem {
        match self {
            Self::Credentials(error) => credentials(*error),
            Self::MediaType(error) => media_type(*error),
            Self::Body(error) => body(error),
            Self::Identity(error) => Problem::new(Kind::InvalidEvent, format!("{error}.")),
            Self::Parse(error) => parse(error),
            Self::TypeNotAllowed => Problem::new(Kind::TypeNotAllowed, TYPE_NOT_ALLOWED),
            Self::SourceNotAllowed => Problem::new(Kind::SourceNotAllowed, SOURCE_NOT_ALLOWED),
            Self::AboveCeiling { rule, role, ceiling } => above_ceiling(rule, role.as_ref(), *ceiling),
            Self::Conflict => Problem::new(Kind::IdentityConflict, CONFLICT),
            Self::KeyTaken => Problem::new(Kind::IdentityConflict, KEY_TAKEN),
            Self::KeyInUse => Problem::new(Kind::KeyInUse, KEY_IN_USE).with_header(header::RETRY_AFTER, "1"),
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

const TYPE_NOT_ALLOWED: &str = "The type of this event is not among the event types of this sender. \
    Check the type, or ask the operator of usher to add it to `events` of the sender.";
const SOURCE_NOT_ALLOWED: &str = "The source of this event is not among the sources of this sender. \
    Check the source, or ask the operator of usher to add it to `sources` of the sender.";
const KEY_TAKEN: &str = "The Idempotency-Key, or the webhook-id of the signed message, came before with another event; \
    nothing has changed. Send each event under a key of its own, and the same one again only when you repeat it.";
const KEY_IN_USE: &str = "A request with the same Idempotency-Key is still being handled. \
    Send the same request again after `Retry-After` seconds; that is safe.";
const KEY_FOR_BATCH: &str = "A batch takes no Idempotency-Key: each of its events has an identity of its own. \
    Leave the header out; a repeated batch changes nothing.";
const CONFLICT: &str = "An event with this source and id, and with another content, was accepted before; nothing has \
    changed. Send a new event under a new id.";
const NOT_FOUND: &str = "There is nothing at this path, or nothing that this sender may see.";

fn credentials(error: CredentialsError) -> Problem {
    let challenge = match error {
        CredentialsError::Missing => "Bearer realm=\"usher\"",
        CredentialsError::Malformed | CredentialsError::InUrl => "Bearer realm=\"usher\", error=\"invalid_request\"",
        CredentialsError::Unknown => "Bearer realm=\"usher\", error=\"invalid_token\"",
    };
    Problem::new(Kind::NotAuthenticated, format!("{error}.")).with_header(header::WWW_AUTHENTICATE, challenge)
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
    }
}

fn parse(error: &ParseError) -> Problem {
    match error {
        ParseError::Empty => Problem::new(Kind::MalformedJson, "The body is empty. Send an event as JSON."),
        ParseError::Json(error) => json(error),
        ParseError::NoContentType => media_type(MediaTypeError::Missing),
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

const NO_IDENTITY: &str = "Without an identity the event cannot be sent twice safely. Give it an `id` in the body, or \
    an Idempotency-Key or webhook-id header, and send the same one again when you repeat it.";

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

const NOT_RECORDED: &str = "Nothing of the event was recorded. \
    If it should be allowed, the operator of usher can raise the ceiling of the sender.";

fn rule_failed(event: EventId, failure: &RuleFailure, replayed: bool) -> Problem {
    let RuleFailure { rule, part, expression, message } = failure;
    let what =
        format!("The rule `{rule}` cannot be evaluated on this event: `{part}`, which is `{expression}`: {message}.");
    let problem =
        Problem::new(Kind::RuleFailed, format!("{what} {DEAD_LETTER}")).with_instance(answer::location(event));
    if replayed { problem.with_header(REPLAYED, "true") } else { problem }
}

const DEAD_LETTER: &str = "The event is kept as a dead letter: an operator can mend the rule and replay it; \
    sending it again changes nothing.";

fn ledger(error: &LedgerError) -> Problem {
    let (kind, detail, after) = match error {
        LedgerError::Full => (Kind::LedgerFull, "Nothing was recorded: the ledger has no room.", "30"),
        LedgerError::Unavailable(_) => (Kind::LedgerUnavailable, "The ledger does not answer as it should.", "5"),
        LedgerError::Closed => (Kind::LedgerUnavailable, "usher is shutting down.", "1"),
    };
    Problem::new(kind, format!("{detail} Send the same request again after `Retry-After` seconds; that is safe."))
        .with_header(header::RETRY_AFTER, after)
}
