//! What an operator asks of the ledger: held changes, dead letters, replays.
//! Knows no SQL and no threads.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::ClaimedEvent;
use crate::domain::{
    Change, ChangeId, EventId, EventRecord, EventType, OrganizationRef, ParseError, RuleFailure, SenderName,
};

/// Which held changes; those that fit every part that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldFilter {
    /// Of this sender.
    pub sender: Option<SenderName>,
    /// In this organization.
    pub organization: Option<OrganizationRef>,
    /// This one.
    pub change: Option<ChangeId>,
}

/// A change that waits for an operator.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldChange {
    /// The change as decided.
    pub change: Change,
    /// Where it came from.
    pub event: ClaimedEvent,
    /// Why, in words for an operator.
    pub reason: Option<String>,
}

/// Which dead letters; those that fit every part that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Of this sender.
    pub sender: Option<SenderName>,
    /// Of the rule of this name.
    pub rule: Option<String>,
    /// Of events of this type.
    pub event_type: Option<EventType>,
    /// In this organization, as its sender named it or as it was looked up; fits no failed event.
    pub organization: Option<OrganizationRef>,
    /// Of events accepted at this time or later.
    pub received_from: Option<Timestamp>,
    /// Of events accepted before this time.
    pub received_before: Option<Timestamp>,
    /// Of this kind.
    pub kind: Option<LetterKind>,
}

/// What is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterKind {
    /// A change.
    Change,
    /// An event that a rule could not be evaluated on.
    Event,
}

/// Names a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterId {
    /// A change.
    Change(ChangeId),
    /// An event that a rule could not be evaluated on.
    Event(EventId),
}

/// A change that is dead, or an event that a rule could not be evaluated on.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its name.
    pub id: LetterId,
    /// Where it came from.
    pub event: ClaimedEvent,
    /// The change, where it is one.
    pub change: Option<Change>,
    /// The failure, where it is an event.
    pub failure: Option<RuleFailure>,
    /// How many attempts were counted.
    pub attempts: u32,
    /// Why, in words for an operator.
    pub reason: Option<String>,
}

/// A part of the dead letters, the latest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The letters.
    pub letters: Vec<DeadLetter>,
    /// What gets the next page; none on the last.
    pub next: Option<Cursor>,
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub(in crate::ledger) i64);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cursor {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse().map(Self).or(Err(ParseError { expected: "a cursor as usher gave it" }))
    }
}

/// What a replay comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// It is tried again.
    Retried,
    /// Refused: something later took effect.
    Superseded {
        /// That; none where its event is purged.
        by: Option<ChangeId>,
    },
    /// Refused: it is not dead.
    NotDead,
    /// There is no such change.
    Unknown,
}

/// What a replay would come to now.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The change as decided.
    pub change: Change,
    /// Where it came from.
    pub event: ClaimedEvent,
    /// What would become of it.
    pub would: Replay,
}

/// What became of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// So many are tried again.
    pub retried: usize,
    /// So many are refused, because something later took effect.
    pub superseded: usize,
}

/// What became of an event whose rules had failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Reconsidered {
    /// What the rules make of it now is recorded.
    Recorded(Box<EventRecord>),
    /// Its rules had not failed; nothing is written.
    NotFailed,
    /// There is no such event.
    Unknown,
}
