//! The kinds of problem as a closed list, each with its status, its name and its title in one table.
//! Knows nothing of how a problem came about.

use actix_web::http::StatusCode;

/// What every problem type URI begins with.
const URN: &str = "urn:usher:problem:";

/// What kind of problem it is; callers branch on this, so a kind is never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request could not be read as HTTP that makes sense here.
    MalformedRequest,
    /// The body is not JSON, or not JSON of the strict sort.
    MalformedJson,
    /// The body is JSON, but not an event.
    InvalidEvent,
    /// The event cannot be told from another one.
    MissingIdentity,
    /// Nobody we know sent it.
    NotAuthenticated,
    /// The sender may not send events of this type.
    TypeNotAllowed,
    /// The sender may not send events of this source.
    SourceNotAllowed,
    /// A rule asks for what the sender may not ask for.
    AboveCeiling,
    /// There is nothing, or nothing of this sender, at this path.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body did not arrive in time.
    TooSlow,
    /// The first request with this key is not answered yet.
    KeyInUse,
    /// The body is larger than what is taken.
    TooLarge,
    /// More events in one batch than the sender may send.
    BatchTooLarge,
    /// The path and query are longer than any that exists here.
    UriTooLong,
    /// The body is in a form that is not taken.
    UnsupportedMediaType,
    /// The identity belongs to an event with another content.
    IdentityConflict,
    /// A rule could not be evaluated on the event.
    RuleFailed,
    /// The sender sends faster than it may.
    RateLimited,
    /// The headers are larger, or more, than what is taken.
    HeadersTooLarge,
    /// A mistake of ours.
    Internal,
    /// More is waiting than can be taken on.
    Overloaded,
    /// The ledger has no room.
    LedgerFull,
    /// The ledger takes nothing at the moment.
    LedgerUnavailable,
}

impl Kind {
    /// All of them, in the order of their status.
    pub const ALL: [Self; 24] = [
        Self::MalformedRequest,
        Self::MalformedJson,
        Self::InvalidEvent,
        Self::MissingIdentity,
        Self::NotAuthenticated,
        Self::TypeNotAllowed,
        Self::SourceNotAllowed,
        Self::AboveCeiling,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooSlow,
        Self::KeyInUse,
        Self::TooLarge,
        Self::BatchTooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::IdentityConflict,
        Self::RuleFailed,
        Self::RateLimited,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Overloaded,
        Self::LedgerFull,
        Self::LedgerUnavailable,
    ];

    /// The HTTP status of this kind.
    pub fn status(self) -> StatusCode {
        self.row().0
    }

    /// The short name for logs; the type URI is `urn:usher:problem:{slug}`.
    pub fn slug(self) -> &'static str {
        self.row().1
    }

    /// The type URI (RFC 9457 3.1.1).
    pub fn urn(self) -> String {
        [URN, self.slug()].concat()
    }

    /// The title: the same for every problem of this kind.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// Whether it passes by itself: such a problem says when to come back, in `Retry-After`.
    pub fn passes(self) -> bool {
        use Kind as K;
        matches!(self, K::KeyInUse | K::RateLimited | K::Overloaded | K::LedgerFull | K::LedgerUnavailable)
    }

    fn row(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::MalformedRequest => (S::BAD_REQUEST, "malformed-request", "The request is malformed"),
            Self::MalformedJson => (S::BAD_REQUEST, "malformed-json", "The body is not the JSON that is taken"),
            Self::InvalidEvent => (S::BAD_REQUEST, "invalid-event", "The body is not a valid event"),
            Self::MissingIdentity => (S::BAD_REQUEST, "missing-identity", "The event has no identity"),
            Self::NotAuthenticated => (S::UNAUTHORIZED, "not-authenticated", "The sender is not authenticated"),
            Self::TypeNotAllowed => (S::FORBIDDEN, "type-not-allowed", "The sender may not send this type"),
            Self::SourceNotAllowed => (S::FORBIDDEN, "source-not-allowed", "The sender may not send from this source"),
            Self::AboveCeiling => (S::FORBIDDEN, "above-ceiling", "The sender may not ask for this change"),
            Self::NotFound => (S::NOT_FOUND, "not-found", "There is nothing here"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed"),
            Self::TooSlow => (S::REQUEST_TIMEOUT, "too-slow", "The body took too long"),
            Self::KeyInUse => (S::CONFLICT, "key-in-use", "The first request with this key is still being handled"),
            Self::TooLarge => (S::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::BatchTooLarge => (S::PAYLOAD_TOO_LARGE, "batch-too-large", "The batch has too many events"),
            Self::UriTooLong => (S::URI_TOO_LONG, "uri-too-long", "The path is too long"),
            Self::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is in a form that is not taken")
            }
            Self::IdentityConflict => {
                (S::UNPROCESSABLE_ENTITY, "identity-conflict", "The identity belongs to another content")
            }
            Self::RuleFailed => (S::UNPROCESSABLE_ENTITY, "rule-failed", "A rule could not be evaluated on this event"),
            Self::RateLimited => (S::TOO_MANY_REQUESTS, "rate-limited", "The sender is over its rate"),
            Self::HeadersTooLarge => {
                (S::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "The headers are too large")
            }
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "usher made a mistake"),
            Self::Overloaded => (S::SERVICE_UNAVAILABLE, "overloaded", "More is waiting than can be taken on"),
            Self::LedgerFull => (S::SERVICE_UNAVAILABLE, "ledger-full", "The ledger cannot take more"),
            Self::LedgerUnavailable => (S::SERVICE_UNAVAILABLE, "ledger-unavailable", "The ledger is unavailable"),
        }
    }
}
