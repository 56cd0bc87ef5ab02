//! The durable record of events, of the changes they ask for and of the attempts made for them.
//! It stores when a change is due and never chooses it; it knows no HTTP, no rules and nothing of Clerk.

mod applied;
mod brake;
mod cell;
mod claim;
mod codec;
mod embedded;
mod ending;
mod error;
mod find;
mod held;
mod identities;
mod keys;
mod letters;
mod location;
mod open;
mod options;
mod place;
mod postgres;
mod prepare;
mod queue;
mod replay;
mod schedule;
mod schema;
mod settle;
mod sqlite;
mod standing;
mod store;
#[cfg(test)]
mod tests;
pub mod transfer;
mod types;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use error::{LedgerError, OpenError};
pub use location::{BadLocation, Location};
pub use options::Options;
pub use postgres::Address;
pub use types::{
    Claim, ClaimRequest, Claimed, ClaimedEvent, Cursor, DeadLetter, Entry, Finished, Halted, HeldChange, HeldFilter,
    LetterFilter, LetterId, LetterKind, Next, Page, Preview, Reconsidered, Recorded, Replay, Replayed, Settled,
    Settlement, Sighting, Slice, SliceAsk, Standing, Statistics, Subscriber, Ticket,
};

use crate::domain::{Change, ChangeId, EventId, EventRecord, KeyId, RuleFailure};
use embedded::Embedded;
use postgres::Postgres;

/// A cheap handle on the ledger; clones share what is behind it.
#[derive(Debug, Clone)]
pub struct Ledger(Store);

/// Where the record is kept.
#[derive(Debug, Clone)]
enum Store {
    /// In a folder of this process alone.
    Embedded(Embedded),
    /// In a database that several processes share.
    Postgres(Postgres),
}

/// Asks whichever store there is.
macro_rules! ask {
    ($ledger:expr, $store:ident => $question:expr) => {
        match &$ledger.0 {
            Store::Embedded($store) => $question,
            Store::Postgres($store) => $question,
        }
    };
}

impl Ledger {
    /// Opens the ledger in `folder`, creating both where they do not exist; whatever was leased before is due again.
    ///
    /// Blocks on the disk. Nobody else can open the same folder until every handle is gone.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_with(folder, |_, _| {})
    }

    /// As [`Ledger::open`]; `observe` gets how long each commit took and how many callers it answered.
    pub fn open_with(folder: &Path, observe: impl Fn(Duration, usize) + Send + 'static) -> Result<Self, OpenError> {
        Ok(Self(Store::Embedded(Embedded::open(folder, observe)?)))
    }

    /// Opens the ledger wherever it is; in a database it is shared with whoever else opens it there.
    ///
    /// Blocks until it is open, its tables are of this version, or it is clear that neither can be.
    pub fn open_at(location: &Location, options: Options) -> Result<Self, OpenError> {
        Ok(Self(match location {
            Location::Folder(folder) => Store::Embedded(Embedded::open(folder, options.observe)?),
            Location::Postgres(address) => Store::Postgres(Postgres::open(address, options)?),
        }))
    }

    /// Writes an event and its changes; the answer means that they are on disk.
    ///
    /// `Busy` at once when too much waits to be written already: the sender is told instead of kept.
    pub async fn record(&self, entry: Entry) -> Result<Recorded, LedgerError> {
        let prepared = prepare::prepare(entry)?;
        ask!(self, store => store.record(prepared).await)
    }

    /// As [`Ledger::record`] for several, in one commit and in this order: all are written, or none is. Where several share the
    /// ledger, one that shares a name with an earlier one of them comes in a commit after it.
    pub async fn record_all(&self, entries: Vec<Entry>) -> Result<Vec<Recorded>, LedgerError> {
        let prepared = entries.into_iter().map(prepare::prepare).collect::<Result<Vec<_>, _>>()?;
        ask!(self, store => store.record_all(prepared).await)
    }

    /// What [`Ledger::record`] would say of an event that is there already, or that cannot be written; else `None`.
    ///
    /// Keys that were unknown name the event from now on, as when it is recorded again.
    pub async fn recall(&self, sighting: Sighting) -> Result<Option<Recorded>, LedgerError> {
        Ok(self.recall_all(vec![sighting]).await?.pop().flatten())
    }

    /// As [`Ledger::recall`] for several, in one commit and in this order.
    pub async fn recall_all(&self, sightings: Vec<Sighting>) -> Result<Vec<Option<Recorded>>, LedgerError> {
        ask!(self, store => store.recall_all(sightings).await)
    }

    /// Whether a key names an event already.
    pub async fn knows(&self, key: KeyId) -> Result<bool, LedgerError> {
        ask!(self, store => store.knows(key).await)
    }

    /// Takes up to `limit` due changes under a lease that lapses at `now + lease`, sender by sender in turn.
    ///
    /// Of the changes of one membership only one is ever taken: the one that stands for as many of the oldest as it can.
    /// One whose lease lapsed is due again.
    pub async fn claim(&self, request: ClaimRequest) -> Result<Claimed, LedgerError> {
        ask!(self, store => store.claim(request).await)
    }

    /// Writes what an attempt came to, and lets the next change of the key pass when this one is done.
    pub async fn settle(&self, settlement: impl Into<Arc<Settlement>>) -> Result<Settled, LedgerError> {
        let settlement = settlement.into();
        ask!(self, store => store.settle(settlement).await)
    }

    /// Gives a claimed change back without an attempt: no call was made, nothing is counted.
    pub async fn release(&self, ticket: Ticket, lease: u64, due_at: Timestamp) -> Result<Settled, LedgerError> {
        ask!(self, store => store.release(ticket, lease, due_at).await)
    }

    /// Up to `limit` of the changes that wait for an operator, the oldest first.
    pub async fn held(&self, filter: HeldFilter, limit: usize) -> Result<Vec<HeldChange>, LedgerError> {
        ask!(self, store => store.held(filter, limit).await)
    }

    /// Lets these pass the brake, and says how many they were.
    pub async fn release_held(&self, filter: HeldFilter, limit: usize) -> Result<usize, LedgerError> {
        ask!(self, store => store.release_held(filter, limit).await)
    }

    /// Up to `limit` of the dead letters that fit, the latest first, from where a page ended.
    pub async fn dead_letters(
        &self,
        filter: LetterFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, LedgerError> {
        ask!(self, store => store.dead_letters(filter, after, limit).await)
    }

    /// What a replay of up to `limit` dead changes that fit would come to now, the latest first.
    pub async fn preview(&self, filter: LetterFilter, limit: usize) -> Result<Vec<Preview>, LedgerError> {
        ask!(self, store => store.preview(filter, limit).await)
    }

    /// Tries a dead change again from its beginning; `force` where a later change took effect.
    pub async fn replay(&self, change: ChangeId, force: bool) -> Result<Replay, LedgerError> {
        ask!(self, store => store.replay(change, force).await)
    }

    /// Tries up to `limit` dead changes that fit again, the latest first, in one commit.
    pub async fn replay_all(&self, filter: LetterFilter, limit: usize) -> Result<Replayed, LedgerError> {
        ask!(self, store => store.replay_all(filter, limit).await)
    }

    /// Takes a dead letter off the list, so that it can be purged, or ends a held change; says what ended with it.
    ///
    /// `None` where it is neither dead nor held.
    pub async fn discard(&self, letter: LetterId, reason: String) -> Result<Option<Vec<Finished>>, LedgerError> {
        ask!(self, store => store.discard(letter, reason).await)
    }

    /// Puts what the rules of today make of an event in the place of what they failed to make of it before.
    pub async fn reconsider(
        &self,
        event: EventId,
        verdict: Result<Vec<Change>, RuleFailure>,
    ) -> Result<Reconsidered, LedgerError> {
        let verdict = match verdict {
            Ok(changes) => Ok(prepare::in_order(event, changes)?),
            Err(failure) => Err(failure),
        };
        ask!(self, store => store.reconsider(event, verdict).await)
    }

    /// What is known of an event.
    pub async fn find(&self, id: EventId) -> Result<Option<EventRecord>, LedgerError> {
        ask!(self, store => store.find(id).await)
    }

    /// When the next change is due or the next lease lapses; it may be in the past.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, LedgerError> {
        ask!(self, store => store.next_due().await)
    }

    /// The backlog and the dead letters; costs what is unfinished or dead, not what is settled.
    pub async fn statistics(&self) -> Result<Statistics, LedgerError> {
        ask!(self, store => store.statistics().await)
    }

    /// Deletes up to `limit` events received before the given time, the oldest first, and says how many went.
    ///
    /// An event with a change that is unfinished or dead, or with a rule failure, stays.
    pub async fn purge(&self, received_before: Timestamp, limit: usize) -> Result<usize, LedgerError> {
        ask!(self, store => store.purge(received_before, limit).await)
    }

    /// Has this one told what other processes do to the same ledger; the latest counts.
    ///
    /// A notice may be lost: whoever waits for it looks by itself now and then.
    pub fn subscribe(&self, subscriber: Subscriber) {
        ask!(self, store => store.subscribe(subscriber));
    }

    /// Whether so much waits to be written that newcomers had better come later.
    pub fn is_behind(&self) -> bool {
        ask!(self, store => store.is_behind())
    }

    /// Makes a tiny durable write: an answer means that events could be recorded now.
    pub async fn check(&self) -> Result<(), LedgerError> {
        ask!(self, store => store.check().await)
    }

    /// The time by the clock that leases and due times are compared with.
    pub fn now(&self) -> Timestamp {
        ask!(self, store => store.now())
    }

    /// Whether a call may begin now for what was claimed no earlier than `asked`: not when others may take this process for
    /// gone, or did since then.
    pub fn may_call(&self, asked: Instant) -> bool {
        ask!(self, store => store.may_call(asked))
    }

    /// Finishes what waits, folds the log into the file and lets go of the folder; other handles get `Closed`.
    pub async fn close(self) {
        match self.0 {
            Store::Embedded(store) => store.close().await,
            Store::Postgres(store) => store.close().await,
        }
    }
}
