//! Requests and answers as they are: a test sends the first and compares what comes with the second.
//! Knows nothing of what the shipped rules say.

use serde_json::Value;

use crate::http::problem::Kind;

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

/// A problem of this kind, for those that a single request can meet.
pub(super) fn problem(kind: Kind) -> Option<Value> {
    Some(match kind {
        Kind::MalformedJson => example!("malformed-json"),
        Kind::InvalidEvent => example!("invalid-event"),
        Kind::NotAuthenticated => example!("not-authenticated"),
        Kind::TypeNotAllowed => example!("type-not-allowed"),
        Kind::AboveCeiling => example!("above-ceiling"),
        Kind::NotFound => example!("not-found"),
        Kind::UnsupportedMediaType => example!("unsupported-media-type"),
        Kind::IdentityConflict => example!("identity-conflict"),
        _ => return None,
    })
}
