//! The embedded ledger: one SQLite file of one process, with a thread that writes and one that reads.
//! Knows nothing of other stores.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;

use super::error::{LedgerError, OpenError};
use super::prepare::Prepared;
use super::types::{
    ClaimRequest, Claimed, Cursor, Finished, HeldChange, HeldFilter, LetterFilter, LetterId, Page, Preview,
    Reconsidered, Recorded, Replay, Replayed, Settled, Settlement, Sighting, Standing, Statistics, Subscriber, Ticket,
};
use super::worker::{self, Queue};
use super::{claim, find, held, keys, letters, open, replay, settle, sqlite};
use crate::domain::{Change, ChangeId, EventId, EventRecord, KeyId, RuleFailure};

/// Clones share one writer and one reader.
#[derive(Debug, Clone)]
pub(super) struct Embedded {
    pub(super) writer: Queue,
    pub(super) reader: Queue,
    /// Told of every change of what holds for all.
    pub(super) standing: watch::Sender<()>,
}

impl Embedded {
    pub(super) fn open(folder: &Path, observe: impl Fn(Duration, usize) + Send + 'static) -> Result<Self, OpenError> {
        let opened = open::open(folder)?;
        let (writer, reader) = worker::start(opened, Box::new(observe)).map_err(OpenError::thread(folder))?;
        Ok(Self { writer, reader, standing: watch::Sender::default() })
    }

    pub(super) async fn record(&self, prepared: Prepared) -> Result<Recorded, LedgerError> {
        self.writer.offer(move |store| sqlite::record(store, prepared)).await
    }

    pub(super) async fn record_all(&self, prepared: Vec<Prepared>) -> Result<Vec<Recorded>, LedgerError> {
        self.writer.offer(move |store| sqlite::record_all(store, prepared)).await
    }

    pub(super) async fn recall_all(&self, sightings: Vec<Sighting>) -> Result<Vec<Option<Recorded>>, LedgerError> {
        self.writer.offer(move |store| sightings.iter().map(|sighting| keys::recall(store, sighting)).collect()).await
    }

    pub(super) async fn knows(&self, key: KeyId) -> Result<bool, LedgerError> {
        self.reader.ask(move |store| Ok(store.seq_of_key(key)?.is_some())).await
    }

    pub(super) async fn claim(&self, request: ClaimRequest) -> Result<Claimed, LedgerError> {
        self.writer.ask(move |store| claim::claim(store, request)).await
    }

    pub(super) async fn settle(&self, settlement: Arc<Settlement>) -> Result<Settled, LedgerError> {
        self.writer.ask(move |store| settle::settle(store, &settlement)).await
    }

    pub(super) async fn release(&self, ticket: Ticket, lease: u64, due_at: Timestamp) -> Result<Settled, LedgerError> {
        self.writer.ask(move |store| claim::release(store, ticket, lease, due_at)).await
    }

    pub(super) async fn standing(&self) -> Result<Standing, LedgerError> {
        let paused = self.reader.ask(|store| sqlite::is_paused(store)).await?;
        Ok(Standing { paused, ..Standing::default() })
    }

    pub(super) async fn pause(&self, pause: bool) -> Result<bool, LedgerError> {
        let news = self.writer.ask(move |store| sqlite::pause(store, pause)).await?;
        self.standing.send_replace(());
        Ok(news)
    }

    pub(super) async fn held(&self, filter: HeldFilter, limit: usize) -> Result<Vec<HeldChange>, LedgerError> {
        self.reader.ask(move |store| held::list(store, &filter, limit)).await
    }

    pub(super) async fn release_held(&self, filter: HeldFilter, limit: usize) -> Result<usize, LedgerError> {
        self.writer.ask(move |store| held::release(store, &filter, limit)).await
    }

    pub(super) async fn dead_letters(
        &self,
        filter: LetterFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, LedgerError> {
        self.reader.ask(move |store| letters::page(store, &filter, after, limit)).await
    }

    pub(super) async fn preview(&self, filter: LetterFilter, limit: usize) -> Result<Vec<Preview>, LedgerError> {
        self.reader.ask(move |store| replay::preview(store, &filter, limit)).await
    }

    pub(super) async fn replay(&self, change: ChangeId, force: bool) -> Result<Replay, LedgerError> {
        self.writer.ask(move |store| replay::replay(store, change, force)).await
    }

    pub(super) async fn replay_all(&self, filter: LetterFilter, limit: usize) -> Result<Replayed, LedgerError> {
        self.writer.ask(move |store| replay::replay_all(store, &filter, limit)).await
    }

    pub(super) async fn discard(&self, letter: LetterId, reason: String) -> Result<Option<Vec<Finished>>, LedgerError> {
        self.writer.ask(move |store| replay::discard(store, &letter, &reason)).await
    }

    pub(super) async fn reconsider(
        &self,
        event: EventId,
        verdict: Result<Vec<Change>, RuleFailure>,
    ) -> Result<Reconsidered, LedgerError> {
        self.writer.ask(move |store| replay::reconsider(store, event, verdict)).await
    }

    pub(super) async fn find(&self, id: EventId) -> Result<Option<EventRecord>, LedgerError> {
        self.reader.ask(move |store| find::event(store, id)).await
    }

    pub(super) async fn next_due(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.reader.ask(|store| find::next_due(store)).await
    }

    pub(super) async fn statistics(&self) -> Result<Statistics, LedgerError> {
        self.reader.ask(|store| find::statistics(store)).await
    }

    pub(super) async fn purge(&self, received_before: Timestamp, limit: usize) -> Result<usize, LedgerError> {
        // Looking is the slow part when many dead letters are kept, so the reader does it; the writer looks again.
        let candidates = self.reader.ask(move |store| find::purgeable(store, received_before, limit)).await?;
        if candidates.is_empty() {
            return Ok(0);
        }
        self.writer.ask(move |store| sqlite::purge(store, received_before, &candidates)).await
    }

    /// Nobody else writes here, so there is nothing to be told.
    pub(super) fn subscribe(&self, _subscriber: Subscriber) {}

    pub(super) fn is_behind(&self) -> bool {
        self.writer.is_behind()
    }

    pub(super) async fn check(&self) -> Result<(), LedgerError> {
        self.writer.offer(|store| sqlite::beat(store)).await
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Nobody else can have the folder.
    pub(super) fn may_call(&self, _asked: Instant) -> bool {
        true
    }

    pub(super) async fn close(self) {
        // The reader first: the last connection to go is the one that tidies up, and it must be able to write.
        self.reader.close().await;
        self.writer.close().await;
    }
}
