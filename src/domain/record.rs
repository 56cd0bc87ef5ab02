//! An event with its changes and their attempts, as the ledger holds it and as callers see it.
//! Knows nothing of where it is kept.

use jiff::Timestamp;

use super::{Attempt, Change, ChangeState, Digest, Event, EventStatus, Outcome};

/// A rule that could not be evaluated on an event: where to look, never a value of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFailure {
    /// The rule's name.
    pub rule: String,
    /// The part of the rule, such as `grant.role`.
    pub part: String,
    /// The expression as the operator wrote it.
    pub expression: String,
    /// What went wrong.
    pub message: String,
}

/// What the ledger knows of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// The event as accepted.
    pub event: Event,
    /// Its content, to tell a repeat from a conflict.
    pub content: Digest,
    /// When usher accepted it.
    pub received_at: Timestamp,
    /// Set when no changes could be derived: the event is a dead letter.
    pub failure: Option<RuleFailure>,
    /// In the order of their index.
    pub changes: Vec<ChangeRecord>,
}

/// What the ledger knows of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRecord {
    /// The change as decided.
    pub change: Change,
    /// Where it is.
    pub state: ChangeState,
    /// Once settled.
    pub outcome: Option<Outcome>,
    /// In order of time.
    pub attempts: Vec<Attempt>,
    /// While waiting and at the head of its membership key.
    pub next_attempt_at: Option<Timestamp>,
    /// Clerk's id of the membership, where one was seen.
    pub membership_id: Option<String>,
    /// Why it ended or waits, in words for an operator.
    pub reason: Option<String>,
}

impl EventRecord {
    /// The status that follows from the changes. A revoke that is scheduled for later does not keep an event open.
    pub fn status(&self) -> EventStatus {
        let any = |wanted: fn(&ChangeRecord) -> bool| self.changes.iter().any(wanted);
        if self.failure.is_some() {
            EventStatus::Failed
        } else if self.changes.is_empty() {
            EventStatus::Ignored
        } else if any(|change| change.outcome.is_none() && change.change.schedule.is_none()) {
            EventStatus::Pending
        } else if any(|change| change.outcome == Some(Outcome::Dead)) {
            EventStatus::Failed
        } else {
            EventStatus::Done
        }
    }
}
