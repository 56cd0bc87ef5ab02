//! Which event an id or a key names: those of the latest events are kept in memory, those of older ones in a table.
//! They are random, so an index written event by event costs a page for each; here they move in order, many to a page.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

/// An event's id, or a key.
type Name = [u8; 16];

/// How many are in memory before they are moved; few under test, so that every test moves some.
const BATCH: usize = if cfg!(test) { 8 } else { 16_384 };
/// How many a group moves at least: a page takes several, and no commit is slow for it.
const SLICE: usize = if cfg!(test) { 3 } else { 256 };

/// Where names of one kind are kept.
pub(super) struct Table {
    /// The names in the rows of the events that are not known to be in the table, each with its event; several together.
    unmoved: &'static str,
    find: &'static str,
    /// What a batch had moved before a crash is moved again.
    insert: &'static str,
    moved: &'static str,
    remove: &'static str,
}

/// The ids of events: each has one.
pub(super) const IDS: Table = Table {
    unmoved: "SELECT id, seq FROM events WHERE seq > (SELECT seq FROM identities_moved)",
    find: "SELECT seq FROM identities WHERE id = ?1",
    insert: "INSERT INTO identities (id, seq) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING",
    moved: "UPDATE identities_moved SET seq = ?1",
    remove: "DELETE FROM identities WHERE id = ?1",
};

/// Further claims on events: most have none.
pub(super) const KEYS: Table = Table {
    unmoved: "SELECT keys, seq FROM events INDEXED BY event_keyed \
        WHERE keys IS NOT NULL AND seq > (SELECT seq FROM keys_moved)",
    find: "SELECT seq FROM keys WHERE id = ?1",
    insert: "INSERT INTO keys (id, seq) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING",
    moved: "UPDATE keys_moved SET seq = ?1",
    remove: "DELETE FROM keys WHERE id = ?1",
};

/// The names of the latest events; the reader's shares the memory of the writer's.
pub(super) struct Identities {
    table: &'static Table,
    recent: Arc<Mutex<HashMap<Name, i64>>>,
    /// What the running group adds, and what it takes away: nobody else may know before its commit.
    pending: RefCell<HashMap<Name, Option<i64>>>,
    batch: Batch,
}

/// Those that are being moved, in memory until they are in the table.
#[derive(Default)]
struct Batch {
    /// The largest first, so that the next are at the end.
    ids: Vec<Name>,
    /// How many of them the running group has moved.
    moved: usize,
    /// No event up to this one is left to move after them.
    up_to: i64,
}

impl Identities {
    /// None known.
    pub(super) fn new(table: &'static Table) -> Self {
        Self { table, recent: Arc::default(), pending: RefCell::default(), batch: Batch::default() }
    }

    /// Reads the names that are not known to be in the table.
    pub(super) fn load(table: &'static Table, connection: &Connection) -> rusqlite::Result<Self> {
        let (mut statement, mut recent) = (connection.prepare(table.unmoved)?, HashMap::new());
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let seq = row.get(1)?;
            let names = row.get_ref(0)?.as_blob()?.as_chunks().0;
            recent.extend(names.iter().map(|name| (*name, seq)));
        }
        // The pages of the events it went through are of no more use.
        connection.execute_batch("PRAGMA shrink_memory")?;
        Ok(Self { recent: Arc::new(Mutex::new(recent)), ..Self::new(table) })
    }

    /// The same, as far as it is committed.
    pub(super) fn shared(&self) -> Self {
        Self { recent: Arc::clone(&self.recent), ..Self::new(self.table) }
    }

    fn recent(&self) -> MutexGuard<'_, HashMap<Name, i64>> {
        // Nothing that panics is done under the lock.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the event of this name.
    ///
    /// In a transaction that only reads it comes first: a name may leave the memory for a table of which an earlier look
    /// at the file knows nothing.
    pub(super) fn find(&self, connection: &Connection, name: &Name) -> rusqlite::Result<Option<i64>> {
        if let Some(pending) = self.pending.borrow().get(name) {
            return Ok(*pending);
        }
        let recent = self.recent().get(name).copied();
        if recent.is_some() {
            return Ok(recent);
        }
        connection.prepare_cached(self.table.find)?.query_row([name], |row| row.get(0)).optional()
    }

    /// Notes a name that the running group wrote in the row of its event.
    pub(super) fn add(&self, name: Name, seq: i64) {
        self.pending.borrow_mut().insert(name, Some(seq));
    }

    /// Puts a name of an earlier event into the table: from the row of its event it may have been moved already.
    pub(super) fn add_late(&self, connection: &Connection, name: Name, seq: i64) -> rusqlite::Result<()> {
        connection.prepare_cached(self.table.insert)?.execute(params![name, seq])?;
        self.add(name, seq);
        Ok(())
    }

    /// Forgets a name of an event that the running group deleted.
    pub(super) fn remove(&self, connection: &Connection, name: Name) -> rusqlite::Result<()> {
        connection.prepare_cached(self.table.remove)?.execute([name])?;
        self.pending.borrow_mut().insert(name, None);
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
            connection.prepare_cached(self.table.insert)?.execute(params![id, seq])?;
        }
        if moved == self.batch.ids.len() {
            connection.prepare_cached(self.table.moved)?.execute([self.batch.up_to])?;
        }
        self.batch.moved = moved;
        Ok(())
    }

    /// The next of the batch, without those that were purged meanwhile.
    fn next(&self, count: usize) -> Vec<(Name, i64)> {
        let (recent, pending) = (self.recent(), self.pending.borrow());
        let next = self.batch.ids.iter().rev().take(count).filter(|id| !pending.contains_key(*id));
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
