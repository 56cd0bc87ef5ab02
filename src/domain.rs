//! The words of usher as types: parsed once at the edge, legal by construction afterwards.
//! Knows no HTTP, no SQL, no CEL, no clock and no environment.

mod attribute;
mod brake;
mod change;
mod coalesce;
mod digest;
mod event;
mod key;
mod membership;
mod outcome;
mod rate;
mod record;
mod step;
mod trace;
mod turns;

pub use attribute::{Extensions, is_attribute_name};
pub use brake::{Brake, Brakes};
pub use change::{Action, Change, ChangeId, Existing, Grant, Metadata, MissingUser, Schedule};
pub use coalesce::{Plan, Waiting, plan};
pub use digest::Digest;
pub use event::{Event, EventId, EventType, KeyId, SenderName};
pub use key::{EmailAddress, Member, MembershipKey, OrganizationRef, UserRef};
pub use membership::{ExternalId, InvitationId, OrganizationId, Role, Slug, UserId};
pub use outcome::{Attempt, AttemptCode, ChangeState, EventStatus, Outcome};
pub use rate::EventRate;
pub use record::{ChangeRecord, EventRecord, RuleFailure};
pub use step::Step;
pub use trace::TraceContext;
pub use turns::Turns;

/// Why a text is not the thing it claims to be: what was expected, never the text itself (it may be personal data).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct ParseError {
    /// The form that is accepted, in words.
    pub expected: &'static str,
}
