//! The working set: the very tables of the embedded ledger, in memory, filled with what one transaction reads, worked on by
//! the same code, and compared afterwards. Knows nothing of PostgreSQL.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row as SqliteRow, params, params_from_iter};

use super::tables::{self, TABLES, Table};
pub(super) use crate::ledger::cell::{Cell, Row};
use crate::ledger::identities::{self, Identities};
use crate::ledger::schema;
use crate::ledger::store::Store;

/// Organization and user of a membership, as they are written.
pub(super) type Key = (String, String);

/// What a transaction has read.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// By table.
    rows: [Vec<Row>; TABLES.len()],
    /// Memberships of which every unfinished change is there.
    pub(super) whole: Vec<Key>,
}

impl Rows {
    pub(super) fn add(&mut self, table: &Table, row: Row) {
        self.rows[table.number].push(row);
    }

    pub(super) fn of(&self, table: &Table) -> &[Row] {
        &self.rows[table.number]
    }
}

/// What a work changed in one table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) added: Vec<Row>,
    pub(super) changed: Vec<Row>,
    pub(super) removed: Vec<Row>,
}

/// By table.
pub(super) type Differences = [Difference; TABLES.len()];

/// Sets that nobody works on now.
#[derive(Default)]
pub(super) struct Sets(RefCell<Vec<Set>>);

impl Sets {
    /// Does the work on these rows, and says what it changed.
    pub(super) fn run<T>(
        &self,
        rows: Rows,
        work: impl FnOnce(&Store) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<(T, Differences)> {
        let idle = self.0.borrow_mut().pop();
        let set = idle.map_or_else(Set::new, Ok)?;
        // One that failed is not used again.
        let done = set.run(rows, work)?;
        self.0.borrow_mut().push(set);
        Ok(done)
    }
}

/// Empty tables in memory.
struct Set(Store);

impl Set {
    fn new() -> rusqlite::Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // As for the embedded ledger: else statements are compiled anew for their values.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        schema::migrate(&mut connection)?;
        connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY")?;
        // No name is in memory: all are looked up in the table.
        let (identities, keys) = (Identities::new(&identities::IDS), Identities::new(&identities::KEYS));
        Ok(Self(Store { connection, identities, keys }))
    }

    fn run<T>(
        &self,
        rows: Rows,
        work: impl FnOnce(&Store) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<(T, Differences)> {
        let transaction = self.0.unchecked_transaction()?;
        self.fill(&rows)?;
        rows.whole.iter().try_for_each(|key| gather(&self.0, key))?;
        let done = work(&self.0)?;
        let differences = self.differences(rows)?;
        // It leaves nothing behind.
        transaction.rollback()?;
        Ok((done, differences))
    }

    fn fill(&self, rows: &Rows) -> rusqlite::Result<()> {
        for table in &TABLES {
            let mut insert = self.0.prepare_cached(table.set_insert)?;
            for row in rows.of(table) {
                insert.execute(params_from_iter(row))?;
            }
        }
        let mut name = self.0.prepare_cached("INSERT OR IGNORE INTO identities (id, seq) VALUES (?1, ?2)")?;
        for row in rows.of(&tables::EVENTS) {
            name.execute(params![row[tables::EVENTS.place("id")], row[0]])?;
        }
        Ok(())
    }

    fn differences(&self, rows: Rows) -> rusqlite::Result<Differences> {
        let mut differences = Differences::default();
        for (table, before) in TABLES.iter().zip(rows.rows) {
            differences[table.number] = self.difference(table, before)?;
        }
        Ok(differences)
    }

    fn difference(&self, table: &Table, before: Vec<Row>) -> rusqlite::Result<Difference> {
        let mut difference = Difference::default();
        let mut places: HashMap<Row, usize> =
            before.iter().enumerate().map(|(place, row)| (row[..table.key].to_vec(), place)).collect();
        let mut select = self.0.prepare_cached(table.set_select)?;
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            match places.remove(&read(row, table.key)?) {
                None => difference.added.push(read(row, table.columns.len())?),
                Some(place) if same(row, &before[place])? => {}
                Some(_) => difference.changed.push(read(row, table.columns.len())?),
            }
        }
        difference.removed = places.into_values().map(|place| before[place].clone()).collect();
        Ok(difference)
    }
}

/// More than there are of ours.
const STATEMENTS: usize = 160;

/// Its first columns.
fn read(row: &SqliteRow<'_>, count: usize) -> rusqlite::Result<Row> {
    (0..count).map(|place| row.get(place)).collect()
}

fn same(row: &SqliteRow<'_>, before: &Row) -> rusqlite::Result<bool> {
    for (place, cell) in before.iter().enumerate() {
        let same = match (row.get_ref(place)?, cell) {
            (ValueRef::Null, Cell::Null) => true,
            (ValueRef::Integer(now), Cell::Number(before)) => now == *before,
            (ValueRef::Text(now), Cell::Text(before)) => now == before.as_bytes(),
            (ValueRef::Blob(now), Cell::Bytes(before)) => now == before,
            _ => false,
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

const QUEUE: &str = "SELECT min(id), min(due_at), max(urgent * (due_at IS NOT NULL)) FROM changes \
    WHERE organization = ?1 AND user = ?2 AND outcome IS NULL AND dormant = 0";
const GATHER: &str = "UPDATE changes SET due_at = CASE id WHEN ?3 THEN ?4 END, urgent = max(urgent, (id = ?3) * ?5) \
    WHERE organization = ?1 AND user = ?2 AND outcome IS NULL AND dormant = 0 \
    AND (id = ?3 OR due_at IS NOT NULL)";

/// Whoever records does not look at the queue and marks each change as due: here the oldest takes it over for all, as it is
/// in the embedded ledger.
fn gather(connection: &Connection, (organization, user): &Key) -> rusqlite::Result<()> {
    let mut queue = connection.prepare_cached(QUEUE)?;
    let (oldest, due_at, urgent): (Option<i64>, Option<i64>, Option<i64>) =
        queue.query_row([organization, user], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if due_at.is_none() {
        return Ok(());
    }
    let values = params![organization, user, oldest, due_at, urgent];
    connection.prepare_cached(GATHER)?.execute(values).map(drop)
}

#[cfg(test)]
mod tests;
