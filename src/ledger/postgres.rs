//! The ledger in PostgreSQL: a thread of its own that talks to the database for everybody in this process.
//! Knows nothing of who else uses the same database but what it reads there.

mod address;
mod alone;
mod apart;
mod bout;
mod claim;
mod clock;
mod error;
mod events;
mod flights;
mod flush;
mod leases;
mod load;
mod notice;
mod operators;
mod pool;
mod purge;
mod read;
mod recall;
mod record;
mod replica;
mod schema;
mod session;
mod set;
mod share;
mod tables;
mod text;
mod thread;
mod tls;
mod transaction;
pub(super) mod transfer;
mod works;

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::watch;

pub use address::Address;
use thread::Thread;

use super::error::{LedgerError, OpenError};
use super::options::Options;
use super::prepare::Prepared;
use super::types::{
    ClaimRequest, Claimed, Cursor, Finished, HeldChange, HeldFilter, LetterFilter, LetterId, Page, Preview,
    Reconsidered, Recorded, Replay, Replayed, Settled, Settlement, Sighting, Slice, SliceAsk, Standing, Statistics,
    Subscriber, Ticket,
};
use crate::domain::{Change, ChangeId, EventId, EventRecord, KeyId, RuleFailure};

/// Clones share one thread.
#[derive(Debug, Clone)]
pub(super) struct Postgres(Arc<Thread>);

impl Postgres {
    pub(super) fn open(address: &Address, options: Options) -> Result<Self, OpenError> {
        Thread::start(address.clone(), options).map(|thread| Self(Arc::new(thread)))
    }

    pub(super) async fn record(&self, prepared: Prepared) -> Result<Recorded, LedgerError> {
        let mut recorded = self.record_all(vec![prepared]).await?;
        recorded.pop().ok_or(LedgerError::Closed)
    }

    pub(super) async fn record_all(&self, prepared: Vec<Prepared>) -> Result<Vec<Recorded>, LedgerError> {
        if prepared.is_empty() {
            return Ok(Vec::new());
        }
        self.0.record(prepared).await
    }

    pub(super) async fn recall_all(&self, sightings: Vec<Sighting>) -> Result<Vec<Option<Recorded>>, LedgerError> {
        self.0.ask(move |core| async move { recall::recall_all(&core, sightings).await }).await
    }

    pub(super) async fn knows(&self, key: KeyId) -> Result<bool, LedgerError> {
        self.0.ask(move |core| async move { recall::knows(&core, key).await }).await
    }

    pub(super) async fn claim(&self, request: ClaimRequest) -> Result<Claimed, LedgerError> {
        self.0.ask(move |core| async move { claim::claim(&core, request).await }).await
    }

    pub(super) async fn settle(&self, settlement: Arc<Settlement>) -> Result<Settled, LedgerError> {
        self.0.settle(works::Work::Settle(settlement)).await
    }

    pub(super) async fn release(&self, ticket: Ticket, lease: u64, due_at: Timestamp) -> Result<Settled, LedgerError> {
        self.0.settle(works::Work::Release { ticket, lease, due_at }).await
    }

    pub(super) async fn held(&self, filter: HeldFilter, limit: usize) -> Result<Vec<HeldChange>, LedgerError> {
        self.0.ask(move |core| async move { operators::held(&core, &filter, limit).await }).await
    }

    pub(super) async fn release_held(&self, filter: HeldFilter, limit: usize) -> Result<usize, LedgerError> {
        self.0.ask(move |core| async move { operators::release_held(&core, &filter, limit).await }).await
    }

    pub(super) async fn dead_letters(
        &self,
        filter: LetterFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, LedgerError> {
        self.0.ask(move |core| async move { operators::dead_letters(&core, &filter, after, limit).await }).await
    }

    pub(super) async fn preview(&self, filter: LetterFilter, limit: usize) -> Result<Vec<Preview>, LedgerError> {
        self.0.ask(move |core| async move { operators::preview(&core, &filter, limit).await }).await
    }

    pub(super) async fn replay(&self, change: ChangeId, force: bool) -> Result<Replay, LedgerError> {
        self.0.ask(move |core| async move { operators::replay(&core, change, force).await }).await
    }

    pub(super) async fn replay_all(&self, filter: LetterFilter, limit: usize) -> Result<Replayed, LedgerError> {
        self.0.ask(move |core| async move { operators::replay_all(&core, &filter, limit).await }).await
    }

    pub(super) async fn discard(&self, letter: LetterId, reason: String) -> Result<Option<Vec<Finished>>, LedgerError> {
        self.0.ask(move |core| async move { operators::discard(&core, letter, reason).await }).await
    }

    pub(super) async fn reconsider(
        &self,
        event: EventId,
        verdict: Result<Vec<Change>, RuleFailure>,
    ) -> Result<Reconsidered, LedgerError> {
        self.0.ask(move |core| async move { operators::reconsider(&core, event, verdict).await }).await
    }

    pub(super) async fn find(&self, id: EventId) -> Result<Option<EventRecord>, LedgerError> {
        self.0.ask(move |core| async move { events::find(&core, id).await }).await
    }

    pub(super) async fn next_due(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.0.ask(move |core| async move { read::next_due(&core).await }).await
    }

    pub(super) async fn statistics(&self) -> Result<Statistics, LedgerError> {
        self.0.ask(move |core| async move { read::statistics(&core).await }).await
    }

    pub(super) async fn purge(&self, received_before: Timestamp, limit: usize) -> Result<usize, LedgerError> {
        self.0.ask(move |core| async move { purge::purge(&core, received_before, limit).await }).await
    }

    pub(super) async fn slice(&self, ask: SliceAsk) -> Result<Slice, LedgerError> {
        self.0.ask(move |core| async move { share::slice(&core, ask).await }).await
    }

    pub(super) async fn standing(&self) -> Result<Standing, LedgerError> {
        self.0.ask(move |core| async move { share::standing(&core).await }).await
    }

    pub(super) async fn standing_heard(&self) -> Result<watch::Receiver<()>, LedgerError> {
        self.0.ask(move |core| async move { share::standing_heard(&core).await }).await
    }

    pub(super) async fn close_gate(&self, time: Duration) -> Result<(), LedgerError> {
        self.0.ask(move |core| async move { share::close_gate(&core, time).await }).await
    }

    pub(super) async fn halt(&self, why: String) -> Result<(), LedgerError> {
        self.0.ask(move |core| async move { share::halt(&core, &why).await }).await
    }

    pub(super) async fn unhalt(&self) -> Result<(), LedgerError> {
        self.0.ask(move |core| async move { share::unhalt(&core).await }).await
    }

    pub(super) async fn pause(&self, pause: bool) -> Result<bool, LedgerError> {
        self.0.ask(move |core| async move { share::pause(&core, pause).await }).await
    }

    pub(super) fn subscribe(&self, subscriber: Subscriber) {
        self.0.tell(|core| core.notices.subscribe(subscriber));
    }

    pub(super) fn is_behind(&self) -> bool {
        self.0.is_behind()
    }

    pub(super) async fn check(&self) -> Result<(), LedgerError> {
        self.0.ask(move |core| async move { replica::check(&core).await }).await
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock().now()
    }

    pub(super) fn may_call(&self, asked: Instant) -> bool {
        self.0.clock().may_call(asked)
    }

    pub(super) async fn close(self) {
        self.0.close().await;
    }
}
