//! What goes into the ledger and comes out of it, in words that fit any store.
//! Knows no SQL and no threads.

mod operator;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use operator::{
    Cursor, DeadLetter, HeldChange, HeldFilter, LetterFilter, LetterId, LetterKind, Page, Preview, Reconsidered,
    Replay, Replayed,
};
pub use shared::{Halted, Slice, SliceAsk, Standing};

use crate::domain::{
    Attempt, Brakes, Change, Digest, Event, EventId, EventRecord, EventType, KeyId, MembershipKey, Outcome,
    RuleFailure, SenderName, Step, Turns,
};
use crate::wake::{Outcomes, Wake};

/// An event to record, with what the rules made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The event as accepted.
    pub event: Event,
    /// When it was accepted; kept to the millisecond.
    pub received_at: Timestamp,
    /// Set when no changes could be derived.
    pub failure: Option<RuleFailure>,
    /// What it asks for; each carries the event's id and an index of its own.
    pub changes: Vec<Change>,
    /// Whoever sent it waits for its outcome: its changes go before others of the same sender.
    pub urgent: bool,
    /// Further claims on its identity; each names this event from now on.
    pub keys: Vec<KeyId>,
}

/// The names and the content of an event that may have been recorded earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Its id.
    pub event: EventId,
    /// Its content.
    pub content: Digest,
    /// Further claims on its identity.
    pub keys: Vec<KeyId>,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// It is recorded now.
    New(EventRecord),
    /// The same event with the same content was there before: its state of now.
    Repeated(EventRecord),
    /// An event of the same identity with another content was there before; nothing is written.
    Conflict,
    /// One of its keys names another event; nothing is written.
    ///
    /// Where its id is unknown, the event that its keys name counts as the same as long as the content is.
    KeyTaken,
}

/// What is asked of a claim.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// The time of now.
    pub now: Timestamp,
    /// How many changes at most.
    pub limit: usize,
    /// For how long they are the caller's.
    pub lease: Duration,
    /// Whose turn it is among the senders.
    pub turns: Turns,
    /// What is counted for the brake, and how far.
    pub brakes: Arc<Brakes>,
}

/// What a claim comes to.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The changes taken, in the order of their turns.
    pub claims: Vec<Claim>,
    /// The turns, for the next claim.
    pub turns: Turns,
    /// Changes that ended because a later one had taken effect before them.
    pub finished: Vec<Finished>,
}

/// Where the ledger finds a claimed change again, without a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ticket(pub(super) i64);

/// A change taken under a lease.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The change as decided.
    pub change: Change,
    /// Where it came from.
    pub event: ClaimedEvent,
    /// What settles it, with the lease.
    pub ticket: Ticket,
    /// The number that settles it; a later claim of the same change has a higher one.
    pub lease: u64,
    /// The call it needs next.
    pub step: Step,
    /// How many attempts were counted so far.
    pub attempts: u32,
    /// When the first counted attempt began.
    pub first_attempt_at: Option<Timestamp>,
    /// An earlier attempt is of unknown outcome, or an earlier lease lapsed.
    pub answer_lost: bool,
    /// It stands for an earlier revoke of its key as well: whatever role is there gives way to the granted one.
    pub replaces: bool,
    /// How many memberships of this organization this sender has ended or lowered within the brake's window, or is about
    /// to, this one included; counted up to one more than the brake's limit. 0 for a change that can do neither.
    pub removals: u32,
    /// An operator let it pass the brake.
    pub released: bool,
}

/// What a claim tells of its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedEvent {
    /// Who sent it.
    pub sender: SenderName,
    /// Its type.
    pub kind: EventType,
    /// When it was accepted.
    pub received_at: Timestamp,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The claimed change.
    pub ticket: Ticket,
    /// The claim's number.
    pub lease: u64,
    /// The call that was made, where one was.
    pub attempt: Option<Attempt>,
    /// Whether it counts towards giving up.
    pub counted: bool,
    /// It was seen that the change lowers a role: it counts for the brake.
    pub lowers: bool,
    /// How it goes on.
    pub next: Next,
}

/// How a change goes on after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Not at all.
    Done {
        /// Its end.
        outcome: Outcome,
        /// Clerk's id of the membership, where one was seen.
        membership_id: Option<String>,
        /// Why, in words for an operator.
        reason: Option<String>,
    },
    /// With another attempt.
    Again {
        /// Its call.
        step: Step,
        /// Its time; kept to the millisecond.
        due_at: Timestamp,
        /// Why, in words for an operator.
        reason: Option<String>,
        /// This attempt is of unknown outcome; the ledger remembers it for good.
        answer_lost: bool,
    },
    /// With another key, now that it was looked up: it joins the changes of that key in the order of acceptance.
    Found {
        /// Both as ids, or one of them still to be looked up.
        key: MembershipKey,
    },
    /// When an operator says so.
    Held {
        /// Why, in words for an operator.
        reason: String,
    },
}

/// What became of a settlement or a release.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// It is written.
    Recorded {
        /// Other changes of the key that ended with it.
        finished: Vec<Finished>,
    },
    /// The lease is no longer the caller's; nothing is written.
    Stale,
}

/// A change that ended without a call of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The change; `superseded_by` says which one took its place.
    pub change: Change,
    /// Where it came from.
    pub event: ClaimedEvent,
    /// Its end.
    pub outcome: Outcome,
    /// How many attempts were counted.
    pub attempts: u32,
    /// Why, in words for an operator.
    pub reason: Option<String>,
}

/// Who is told what other processes do to the same ledger.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// Rings when there may be changes to claim.
    pub wake: Wake,
    /// Told of events of which something is new.
    pub outcomes: Outcomes<EventId>,
}

/// The backlog and the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Changes without an outcome.
    pub unfinished: u64,
    /// When the event of the oldest of them was accepted.
    pub oldest_received_at: Option<Timestamp>,
    /// Dead changes, and events that no rule could evaluate.
    pub dead: u64,
}
