//! The embedded ledger as rows, and rows as an embedded ledger.
//! Opens it as `serve` does, so nobody else has it open and no lease is left; knows nothing of files.

use std::fs::File;
use std::io;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use super::tables::{self, EVENTS, KEYS_LATE, TABLES, Table};
use super::{In, Out, TransferError, compare, counting};
use crate::domain::ParseError;
use crate::ledger::cell::{Cell, Row};
use crate::ledger::{codec, open};

pub(super) fn export(folder: &Path, to: &mut Out<'_>) -> Result<(), TransferError> {
    if !folder.join("usher.db").exists() {
        return Err(TransferError::NoLedger { place: folder.display().to_string() });
    }
    let (connection, _lock) = alone(folder)?;
    read(&connection, to)
}

pub(super) fn import(folder: &Path, from: &mut In<'_>) -> Result<(), TransferError> {
    let (mut connection, _lock) = alone(folder)?;
    if !is_empty(&connection)? {
        return Err(TransferError::NotEmpty { place: folder.display().to_string() });
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    write(&transaction, from)?;
    let mut nowhere = io::sink();
    let mut read_back = counting(&mut nowhere);
    read(&transaction, &mut read_back)?;
    compare(from, read_back)?;
    Ok(transaction.commit()?)
}

fn alone(folder: &Path) -> Result<(Connection, File), TransferError> {
    let (connection, lock) = open::alone(folder)?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    // What is sorted may be larger than the memory of a small pod.
    connection.pragma_update(None, "temp_store", "FILE")?;
    Ok((connection, lock))
}

impl From<rusqlite::Error> for TransferError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.to_string())
    }
}

// Reading.

fn read(connection: &Connection, to: &mut Out<'_>) -> Result<(), TransferError> {
    for (number, table) in TABLES.iter().enumerate() {
        let columns = names(table);
        let sql = format!("SELECT {columns} FROM {} ORDER BY {}", table.name, table.order);
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            to.row(number, &cells(number, table, row)?)?;
        }
    }
    Ok(())
}

fn names(table: &Table) -> String {
    table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

fn cells(number: usize, table: &Table, row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let mut cells = (0..table.columns.len()).map(|place| cell(row, place)).collect::<rusqlite::Result<Row>>()?;
    if number == EVENTS
        && let Cell::Bytes(keys) = &mut cells[table.place("keys")]
    {
        *keys = tables::in_order(keys);
    }
    Ok(cells)
}

fn cell(row: &rusqlite::Row<'_>, place: usize) -> rusqlite::Result<Cell> {
    Ok(match row.get_ref(place)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Text(_) => Cell::Text(row.get(place)?),
        // No column takes a broken number: asking for a whole one says so.
        ValueRef::Integer(_) | ValueRef::Real(_) => Cell::Number(row.get(place)?),
    })
}

// Writing.

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let exists = TABLES.iter().map(|table| format!("EXISTS (SELECT 1 FROM {})", table.name));
    let sql = format!("SELECT {}", exists.collect::<Vec<_>>().join(" OR "));
    connection.query_row(&sql, [], |row| row.get::<_, bool>(0)).map(|any| !any)
}

fn write(connection: &Connection, from: &mut In<'_>) -> Result<(), TransferError> {
    let inserts = TABLES.each_ref().map(insert);
    let mut names = [Names::new("identities"), Names::new("keys")];
    while let Some((number, row)) = from.next()? {
        connection.prepare_cached(&inserts[number])?.execute(params_from_iter(&row))?;
        note(connection, &mut names, number, &row)?;
    }
    names.iter_mut().try_for_each(|names| names.finish(connection))?;
    Ok(())
}

fn insert(table: &Table) -> String {
    let marks = vec!["?"; table.columns.len()].join(", ");
    format!("INSERT INTO {} ({}) VALUES ({marks})", table.name, names(table))
}

/// Has the names of a row find its event.
fn note(connection: &Connection, [ids, keys]: &mut [Names; 2], number: usize, row: &Row) -> rusqlite::Result<()> {
    let table = &TABLES[number];
    match (number, &row[0], &row[table.place("id")], row.last()) {
        (EVENTS, Cell::Number(seq), Cell::Bytes(id), Some(Cell::Bytes(with_it))) => {
            ids.add(connection, id, *seq)?;
            with_it.chunks(16).try_for_each(|key| keys.add(connection, key, *seq))
        }
        (EVENTS, Cell::Number(seq), Cell::Bytes(id), _) => ids.add(connection, id, *seq),
        (KEYS_LATE, Cell::Number(seq), Cell::Bytes(id), _) => keys.add(connection, id, *seq),
        _ => Ok(()),
    }
}

/// So many names are written at a time, in order, so that few pages are written often.
const BATCH: usize = 1 << 18;

/// Which events names of one kind name.
struct Names {
    table: &'static str,
    batch: Vec<([u8; 16], i64)>,
}

impl Names {
    fn new(table: &'static str) -> Self {
        Self { table, batch: Vec::new() }
    }

    fn add(&mut self, connection: &Connection, name: &[u8], seq: i64) -> rusqlite::Result<()> {
        let unreadable = |_| codec::unreadable(ParseError { expected: "names of 16 bytes" });
        self.batch.push((name.try_into().map_err(unreadable)?, seq));
        if self.batch.len() < BATCH { Ok(()) } else { self.write(connection) }
    }

    fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.batch.sort_unstable();
        let mut insert = connection.prepare(&format!("INSERT INTO {} (id, seq) VALUES (?1, ?2)", self.table))?;
        self.batch.drain(..).try_for_each(|name| insert.execute(name).map(drop))
    }

    /// Nothing is left to be kept in memory: every name is in its table.
    fn finish(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.write(connection)?;
        let sql = format!("UPDATE {}_moved SET seq = (SELECT coalesce(max(seq), 0) FROM events)", self.table);
        connection.execute(&sql, []).map(drop)
    }
}
