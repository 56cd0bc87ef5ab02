//! Which event an id names: the ids of the latest events are kept in memory, those of older ones in a table.
//! They are random, so an index written event by event costs a page for each; here they move in order, many to a page.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::EventId;

/// How many are in memory before they are moved; few under test, so that every test moves some.
const BATCH: usize = if cfg!(test) { 8 } else { 16_384 };
/// How many a group moves at least: a page takes several, and no commit is slow for it.
const SLICE: usize = if cfg!(test) { 3 } else { 256 };

/// The ids of the latest events; the reader's shares the memory of the writer's.
#[derive(Default)]
pub(super) struct Identities {
    recent: Arc<Mutex<HashMap<EventId, i64>>>,
    /// What the running group adds, and what it takes away: nobody else may know before its commit.
    pending: RefCell<HashMap<EventId, Option<i64>>>,
    batch: Batch,
}

/// Those that are being moved, in memory until they are in the table.
#[derive(Default)]
struct Batch {
    /// The largest first, so that the next are at the end.
    ids: Vec<EventId>,
    /// How many of them the running group has moved.
    moved: usize,
    /// No event up to this one is left to move after them.
    up_to: i64,
}

const UNMOVED: &str = "SELECT id, seq FROM events WHERE seq > (SELECT seq FROM identities_moved)";
const FIND: &str = "SELECT seq FROM identities WHERE id = ?1";
// What a batch had moved before a crash is moved again.
const MOVE: &str = "INSERT INTO identities (id, seq) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
const MOVED: &str = "UPDATE identities_moved SET seq = ?1";
const REMOVE: &str = "DELETE FROM identities WHERE id = ?1";

impl Identities {
    /// Reads the ids that are not known to be in the table.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare(UNMOVED)?;
        let rows = statement.query_map([], |row| Ok((EventId::from_bytes(row.get(0)?), row.get(1)?)))?;
        let recent = rows.collect::<Result<HashMap<_, _>, _>>()?;
        // The pages of the events it went through are of no more use.
        connection.execute_batch("PRAGMA shrink_memory")?;
        Ok(Self { recent: Arc::new(Mutex::new(recent)), ..Self::default() })
    }

    /// The same, as far as it is committed.
    pub(super) fn shared(&self) -> Self {
        Self { recent: Arc::clone(&self.recent), ..Self::default() }
    }

    fn recent(&self) -> MutexGuard<'_, HashMap<EventId, i64>> {
        // Nothing that panics is done under the lock.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the event with this id.
    ///
    /// In a transaction that only reads it comes first: an id may leave the memory for a table of which an earlier look
    /// at the file knows nothing.
    pub(super) fn find(&self, connection: &Connection, id: EventId) -> rusqlite::Result<Option<i64>> {
        if let Some(pending) = self.pending.borrow().get(&id) {
            return Ok(*pending);
        }
        let recent = self.recent().get(&id).copied();
        if recent.is_some() {
            return Ok(recent);
        }
        connection.prepare_cached(FIND)?.query_row([id.as_bytes()], |row| row.get(0)).optional()
    }

    /// Notes an event that the running group wrote.
    pub(super) fn add(&self, id: EventId, seq: i64) {
        self.pending.borrow_mut().insert(id, Some(seq));
    }

    /// Forgets an event that the running group deleted.
    pub(super) fn remove(&self, connection: &Connection, id: EventId) -> rusqlite::Result<()> {
        connection.prepare_cached(REMOVE)?.execute([id.as_bytes()])?;
        self.pending.borrow_mut().insert(id, None);
        Ok(())
    }

    /// A group begins; what the one before it noted and did not commit never was.
    pub(super) fn begin(&mut self) {
        self.pending.get_mut().clear();
        self.batch.moved = 0;
    }

    /// Moves some more, at least as many as the group added; the last step of its transaction.
    pub(super) fn advance(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let added = self.pending.get_mut().len();
        if added == 0 || self.batch.ids.is_empty() {
            return Ok(());
        }
        let moved = SLICE.max(added).min(self.batch.ids.len());
        for (id, seq) in self.next(moved) {
            connection.prepare_cached(MOVE)?.execute(params![id.as_bytes(), seq])?;
        }
        if moved == self.batch.ids.len() {
            connection.prepare_cached(MOVED)?.execute([self.batch.up_to])?;
        }
        self.batch.moved = moved;
        Ok(())
    }

    /// The next of the batch, without those that were purged meanwhile.
    fn next(&self, count: usize) -> Vec<(EventId, i64)> {
        let (recent, pending) = (self.recent(), self.pending.borrow());
        let next = self.batch.ids.iter().rev().take(count).filter(|id| !pending.contains_key(id));
        next.filter_map(|id| Some((*id, *recent.get(id)?))).collect()
    }

    /// The group is committed.
    pub(super) fn commit(&mut self) {
        if self.pending.get_mut().is_empty() {
            return;
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.batch.ids.len() - self.batch.moved;
        for id in self.batch.ids.drain(left..) {
            recent.remove(&id);
        }
        for (id, pending) in self.pending.get_mut().drain() {
            match pending {
                Some(seq) => recent.insert(id, seq),
                None => recent.remove(&id),
            };
        }
        if self.batch.ids.is_empty() && recent.len() >= BATCH {
            self.batch.ids = recent.keys().copied().collect();
            self.batch.up_to = recent.values().copied().max().unwrap_or(0);
            drop(recent);
            self.batch.ids.sort_unstable_by_key(|id| Reverse(*id));
        }
    }
}
