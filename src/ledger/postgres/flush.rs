//! What a transaction writes: the differences of its working set, a statement for each kind of them and table.
//! Knows nothing of what was decided.

use std::borrow::Cow;
use std::sync::LazyLock;

use futures_util::future::try_join_all;
use tokio_postgres::types::{ToSql, Type};

use super::error::Failure;
use super::load::list;
use super::session::Session;
use super::set::{Cell, Difference, Differences, Row};
use super::tables::{CHANGES, Column, Kind, TABLES, Table};
use super::text;

/// The statements of one table.
struct Statements {
    add: String,
    change: String,
    remove: String,
}

static STATEMENTS: LazyLock<Vec<Statements>> = LazyLock::new(|| TABLES.iter().map(statements).collect());

fn statements(table: &Table) -> Statements {
    let (name, all) = (table.name, table.columns);
    let key = &all[..table.key];
    let written: Vec<&Column> = all.iter().filter(|column| column.changes).collect();
    let read: Vec<&Column> = key.iter().chain(written.iter().copied()).collect();
    let set = written.iter().map(|column| format!("\"{0}\" = s.\"{0}\"", column.name)).collect::<Vec<_>>().join(", ");
    let same = key.iter().map(|column| format!("t.\"{0}\" = s.\"{0}\"", column.name)).collect::<Vec<_>>().join(" AND ");
    let (keys, values) = (unnest(&key.iter().collect::<Vec<_>>()), unnest(&all.iter().collect::<Vec<_>>()));
    // A claim raises the number of the lease: from then on it is whoever writes this that owns it.
    let owner = match table.number == CHANGES.number {
        true => format!(", owner = CASE WHEN t.lease <> s.lease THEN ${} ELSE t.owner END", read.len() + 1),
        false => String::new(),
    };
    Statements {
        add: format!("INSERT INTO usher.{name} ({}) SELECT {} FROM {values}", names(all), list("s", all)),
        change: format!("UPDATE usher.{name} t SET {set}{owner} FROM {} WHERE {same}", unnest(&read)),
        remove: format!("DELETE FROM usher.{name} t USING {keys} WHERE {same}"),
    }
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
}

/// The rows of a statement, each column an array.
fn unnest(columns: &[&Column]) -> String {
    let arrays = (1..).zip(columns).map(|(number, column)| format!("${number}::{}[]", column.kind.name()));
    let names = columns.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ");
    format!("UNNEST({}) AS s({names})", arrays.collect::<Vec<_>>().join(", "))
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "int8",
            Self::Flag => "int2",
            Self::Text => "text",
            Self::Bytes => "bytea",
        }
    }
}

/// One column of many rows.
enum Array<'a> {
    Numbers(Vec<Option<i64>>),
    Flags(Vec<Option<i16>>),
    Texts(Vec<Option<Cow<'a, str>>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

impl<'a> Array<'a> {
    fn of(rows: &'a [Row], place: usize, kind: Kind) -> Self {
        let cells = rows.iter().map(|row| &row[place]);
        match kind {
            Kind::Number => Self::Numbers(cells.map(number).collect()),
            Kind::Flag => Self::Flags(cells.map(|cell| number(cell)?.try_into().ok()).collect()),
            Kind::Text => Self::Texts(cells.map(texts).collect()),
            Kind::Bytes => Self::Bytes(cells.map(bytes).collect()),
        }
    }

    fn param(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Numbers(numbers) => (numbers, Type::INT8_ARRAY),
            Self::Flags(flags) => (flags, Type::INT2_ARRAY),
            Self::Texts(texts) => (texts, Type::TEXT_ARRAY),
            Self::Bytes(bytes) => (bytes, Type::BYTEA_ARRAY),
        }
    }
}

fn number(cell: &Cell) -> Option<i64> {
    if let Cell::Number(number) = cell { Some(*number) } else { None }
}

fn texts(cell: &Cell) -> Option<Cow<'_, str>> {
    if let Cell::Text(text) = cell { Some(text::stored(text)) } else { None }
}

fn bytes(cell: &Cell) -> Option<&[u8]> {
    if let Cell::Bytes(bytes) = cell { Some(bytes) } else { None }
}

/// A statement and what goes into it.
struct Write<'a> {
    sql: &'a str,
    arrays: Vec<Array<'a>>,
    owner: Option<i64>,
}

impl Write<'_> {
    async fn execute(&self, client: &Session) -> Result<(), Failure> {
        let mut params: Vec<_> = self.arrays.iter().map(Array::param).collect();
        if let Some(owner) = &self.owner {
            params.push((owner, Type::INT8));
        }
        client.execute_typed(self.sql, &params).await?;
        Ok(())
    }
}

/// Writes the differences, all in one trip; `owner` is who has claimed what is claimed among them.
pub(super) async fn flush(client: &Session, differences: &Differences, owner: i64) -> Result<(), Failure> {
    let writes: Vec<Write<'_>> =
        TABLES.iter().zip(differences).flat_map(|(table, d)| writes(table, d, owner)).collect();
    try_join_all(writes.iter().map(|write| write.execute(client))).await.map(drop)
}

/// Of events nothing is ever added or removed this way.
fn writes<'a>(table: &Table, difference: &'a Difference, owner: i64) -> Vec<Write<'a>> {
    let statements = &STATEMENTS[table.number];
    let write = |sql, rows: &'a [Row], wanted: &dyn Fn(usize, &Column) -> bool, owner| {
        let columns = table.columns.iter().enumerate().filter(|(place, column)| wanted(*place, column));
        Write { sql, arrays: columns.map(|(place, column)| Array::of(rows, place, column.kind)).collect(), owner }
    };
    let is_key = |place: usize| place < table.key;
    let mut writes = Vec::new();
    if !difference.removed.is_empty() {
        writes.push(write(&statements.remove, &difference.removed, &|place, _| is_key(place), None));
    }
    if !difference.changed.is_empty() {
        let owner = (table.number == CHANGES.number).then_some(owner);
        writes.push(write(
            &statements.change,
            &difference.changed,
            &|place, column| is_key(place) || column.changes,
            owner,
        ));
    }
    if !difference.added.is_empty() {
        writes.push(write(&statements.add, &difference.added, &|_, _| true, None));
    }
    writes
}
