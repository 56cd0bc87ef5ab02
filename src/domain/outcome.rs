//! What came of a change, and the states on the way there.
//! Knows nothing of how an outcome is reached.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ParseError;

/// The end of a change. Dead ones are dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The membership was created.
    Granted,
    /// The role of an existing membership was changed.
    Updated,
    /// The membership was deleted.
    Revoked,
    /// It was already so, or the rule keeps what is there.
    Unchanged,
    /// The user was invited.
    Invited,
    /// A later change took its place.
    Superseded,
    /// It can never be, or was not within the time allowed.
    Dead,
}

impl Outcome {
    /// All of them, for closed label sets.
    pub const ALL: [Self; 7] =
        [Self::Granted, Self::Updated, Self::Revoked, Self::Unchanged, Self::Invited, Self::Superseded, Self::Dead];

    /// The word for storage, logs, metrics and the representation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Updated => "updated",
            Self::Revoked => "revoked",
            Self::Unchanged => "unchanged",
            Self::Invited => "invited",
            Self::Superseded => "superseded",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Outcome {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == text).ok_or(ParseError { expected: "an outcome" })
    }
}

/// Where a change is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// For its time, or for an earlier change of its membership.
    Waiting,
    /// Claimed under a lease.
    InFlight,
    /// Kept back until an operator says so.
    Held,
    /// It has its outcome.
    Settled,
}

impl ChangeState {
    /// All of them, for closed sets.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::InFlight, Self::Held, Self::Settled];
}

/// Where an event is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    /// A change is not settled yet.
    Pending,
    /// Every change is settled and none is dead.
    Done,
    /// No rule matched.
    Ignored,
    /// A change is dead, or a rule could not be evaluated.
    Failed,
}

impl EventStatus {
    /// All of them, for closed sets.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Done, Self::Ignored, Self::Failed];

    /// The word for logs, metrics and the representation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

/// One BAPI call for a change, as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the call began.
    pub at: Timestamp,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// Clerk's error code, or usher's word for an answer that never came.
    pub code: Option<AttemptCode>,
    /// From the start of the call to its end.
    pub duration_ms: u32,
    /// Clerk's trace id.
    pub trace_id: Option<String>,
}

/// A short word that came with an attempt: Clerk's error code, `timeout`, `connection_failed`, …
///
/// Clerk decides what it sends, so it is cut to 64 characters of `[A-Za-z0-9_.-]` before it is stored or logged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptCode(String);

impl AttemptCode {
    /// Keeps what is harmless of `text`.
    pub fn new(text: &str) -> Self {
        let harmless = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        Self(text.chars().filter(harmless).take(64).collect())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttemptCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
