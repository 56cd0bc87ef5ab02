//! What a call came back with, free of HTTP.
//! Knows nothing of what it means for a change.

use crate::domain::{InvitationId, UserId};

use super::BapiError;

/// A membership, as much of it as usher needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Membership {
    /// Clerk's id of it.
    pub id: Option<String>,
    /// Always there in the answer of an inspection.
    pub role: Option<String>,
    /// The event that created it, from its private metadata.
    pub usher_event: Option<String>,
    /// Whether its private metadata was shown at all: without an event in it, usher did not create the membership.
    pub shows_metadata: bool,
}

/// Who carries a name that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundUser {
    /// Nobody.
    None,
    /// This user alone.
    One(UserId),
    /// More than one, or more than can be told apart.
    Several,
}

/// An organization that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Organization {
    /// How many members it has, where Clerk says so.
    pub members: Option<u64>,
}

/// A pending invitation to an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Clerk's id of it.
    pub id: InvitationId,
    /// With this role.
    pub role: Option<String>,
    /// The event that made it, from its private metadata.
    pub usher_event: Option<String>,
}

/// What a call came back with, and what an operator needs to find it at Clerk's.
#[derive(Debug)]
pub struct Reply<T> {
    /// The answer or the failure.
    pub result: Result<T, BapiError>,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// Clerk's error code, or usher's word for an answer that never came.
    pub code: Option<String>,
    /// Clerk's trace id.
    pub trace_id: Option<String>,
}

impl<T> Reply<T> {
    /// The same reply with another answer.
    pub fn map<U>(self, answer: impl FnOnce(T) -> U) -> Reply<U> {
        self.map_result(|result| result.map(answer))
    }

    /// The same reply with another answer or failure.
    pub(super) fn map_result<U>(self, read: impl FnOnce(Result<T, BapiError>) -> Result<U, BapiError>) -> Reply<U> {
        Reply { result: read(self.result), status: self.status, code: self.code, trace_id: self.trace_id }
    }
}
