//! The words of usher as types: parsed once at the edge, legal by construction afterwards.
//! Knows no HTTP, no SQL, no CEL, no clock and no environment.

mod change;
mod digest;
mod event;
mod membership;
mod outcome;
mod record;
mod turns;

pub use change::{Action, Change, ChangeId, Existing, Step};
pub use digest::Digest;
pub use event::{Event, EventId, EventType, SenderName};
pub use membership::{MembershipKey, OrganizationId, Role, UserId};
pub use outcome::{Attempt, AttemptCode, ChangeState, EventStatus, Outcome};
pub use record::{ChangeRecord, EventRecord, RuleFailure};
pub use turns::Turns;

/// Why a text is not the thing it claims to be: what was expected, never the text itself (it may be personal data).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct ParseError {
    /// The form that is accepted, in words.
    pub expected: &'static str,
}
