//! Rows into the tables in PostgreSQL, many with each statement.
//! Knows nothing of where the rows come from.

use std::borrow::Cow;

use tokio_postgres::types::{ToSql, Type};

use super::super::session::Session;
use super::super::text;
use crate::ledger::cell::{Cell, Row};
use crate::ledger::transfer::tables::{Column, EVENTS, KEYS_LATE, Kind, TABLES, Table};
use crate::ledger::transfer::{In, TransferError};

/// Whether any table has a row.
pub(super) const ANYTHING: &str = "SELECT EXISTS (SELECT 1 FROM usher.events) OR EXISTS (SELECT 1 FROM usher.keys) \
    OR EXISTS (SELECT 1 FROM usher.changes) OR EXISTS (SELECT 1 FROM usher.attempts) \
    OR EXISTS (SELECT 1 FROM usher.memberships) OR EXISTS (SELECT 1 FROM usher.removals)";

/// New events come after all that were ever accepted; and the planner knows what is there.
const CONTINUE: &str = "SELECT setval('usher.event_seq', greatest((SELECT last_value FROM usher.event_seq), \
    (SELECT max(seq) FROM usher.events), (SELECT max(applied) >> 24 FROM usher.memberships))) \
    WHERE EXISTS (SELECT 1 FROM usher.events)";
const ANALYZE: &str = "ANALYZE usher.events, usher.keys, usher.changes, usher.attempts, usher.memberships, \
    usher.removals";

/// How much one statement takes at most: rows, and bytes of texts (but for one row that has more).
const ROWS: usize = 1000;
const BYTES: usize = 4 << 20;

/// Writes all rows that come, and readies what follows from them.
pub(super) async fn tables(client: &Session, from: &mut In<'_>) -> Result<(), TransferError> {
    let mut batch = Batch::default();
    while let Some((table, row)) = from.next()? {
        if batch.is_full() || table != batch.table {
            batch.write(client).await?;
            batch.table = table;
        }
        batch.add(row);
    }
    batch.write(client).await?;
    client.batch_execute(CONTINUE).await?;
    Ok(client.batch_execute(ANALYZE).await?)
}

/// Rows of one table.
#[derive(Default)]
struct Batch {
    table: usize,
    rows: Vec<Row>,
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS || self.bytes >= BYTES
    }

    fn add(&mut self, row: Row) {
        let size = |cell: &Cell| match cell {
            Cell::Null | Cell::Number(_) => 0,
            Cell::Text(text) => text.len(),
            Cell::Bytes(bytes) => bytes.len(),
        };
        self.bytes += row.iter().map(size).sum::<usize>();
        self.rows.push(row);
    }

    async fn write(&mut self, client: &Session) -> Result<(), TransferError> {
        if !self.rows.is_empty() {
            let table = &TABLES[self.table];
            insert(client, &statement(self.table, table), table.columns, &self.rows).await?;
            if self.table == EVENTS {
                write_keys(client, table, &self.rows).await?;
            }
        }
        (self.bytes, self.rows) = (0, Vec::new());
        Ok(())
    }
}

/// The keys that came with events stand in a table of their own.
async fn write_keys(client: &Session, events: &Table, rows: &[Row]) -> Result<(), TransferError> {
    let place = events.place("keys");
    let of_row = |row: &Row| match &row[place] {
        Cell::Bytes(keys) => keys.chunks(16).map(|key| vec![row[0].clone(), Cell::Bytes(key.to_vec())]).collect(),
        _ => Vec::new(),
    };
    let keys: Vec<Row> = rows.iter().flat_map(of_row).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO usher.keys (seq, id, late) SELECT *, false FROM UNNEST($1::int8[], $2::bytea[])";
    insert(client, sql, TABLES[KEYS_LATE].columns, &keys).await
}

fn statement(number: usize, table: &Table) -> String {
    let list = |shown: &dyn Fn((usize, &Column)) -> String| {
        table.columns.iter().enumerate().map(shown).collect::<Vec<_>>().join(", ")
    };
    let columns = list(&|(_, column)| format!("\"{}\"", column.name));
    let arrays = list(&|(place, column)| format!("${}::{}[]", place + 1, type_of(column.kind)));
    let rows = format!("UNNEST({arrays}) AS t ({columns})");
    match number {
        EVENTS => {
            // No receipt is ever zero by intent: whoever wrote these is not asked for them any more.
            let columns = columns.replace(", \"keys\"", "");
            format!("INSERT INTO usher.events ({columns}, receipt) SELECT {columns}, 0 FROM {rows}")
        }
        KEYS_LATE => format!("INSERT INTO usher.keys ({columns}, late) SELECT {columns}, true FROM {rows}"),
        _ => format!("INSERT INTO usher.{} ({columns}) SELECT {columns} FROM {rows}", table.name),
    }
}

fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "int8",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
    }
}

async fn insert(client: &Session, sql: &str, columns: &[Column], rows: &[Row]) -> Result<(), TransferError> {
    let arrays: Vec<_> = columns.iter().enumerate().map(|(place, column)| array(rows, place, column.kind)).collect();
    let params: Vec<_> = arrays.iter().map(Array::param).collect();
    client.execute_typed(sql, &params).await?;
    Ok(())
}

/// One column of many rows.
enum Array<'a> {
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<Cow<'a, str>>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

fn array(rows: &[Row], place: usize, kind: Kind) -> Array<'_> {
    let cells = rows.iter().map(|row| &row[place]);
    match kind {
        Kind::Number => {
            Array::Numbers(cells.map(|cell| if let Cell::Number(n) = cell { Some(*n) } else { None }).collect())
        }
        Kind::Text => Array::Texts(
            cells.map(|cell| if let Cell::Text(t) = cell { Some(text::stored(t)) } else { None }).collect(),
        ),
        Kind::Bytes => {
            Array::Bytes(cells.map(|cell| if let Cell::Bytes(b) = cell { Some(b.as_slice()) } else { None }).collect())
        }
    }
}

impl Array<'_> {
    fn param(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Numbers(numbers) => (numbers, Type::INT8_ARRAY),
            Self::Texts(texts) => (texts, Type::TEXT_ARRAY),
            Self::Bytes(bytes) => (bytes, Type::BYTEA_ARRAY),
        }
    }
}
