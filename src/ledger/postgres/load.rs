//! What a transaction reads into its working set: the queues of some memberships, and what hangs on them.
//! Locks those memberships first; knows nothing of what is decided.

use std::sync::LazyLock;

use futures_util::future::try_join;
use tokio_postgres::Row as PgRow;
use tokio_postgres::types::{ToSql, Type};

use super::error::Failure;
use super::session::Session;
use super::set::{Cell, Key, Row, Rows};
use super::tables::{CHANGES, Column, EVENTS, Kind, MEMBERSHIPS, REMOVALS};
use super::text;

/// What a transaction is about: changes by their rows, and memberships by their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub(super) changes: Vec<i64>,
    pub(super) keys: Vec<Key>,
}

/// A [`Scope`] as its statements take it.
struct Arrays<'a> {
    changes: &'a Vec<i64>,
    organizations: Vec<&'a str>,
    users: Vec<&'a str>,
}

impl<'a> Arrays<'a> {
    fn of(scope: &'a Scope) -> Self {
        let keys = scope.keys.iter().map(|(organization, user)| (organization.as_str(), user.as_str()));
        let (organizations, users) = keys.unzip();
        Self { changes: &scope.changes, organizations, users }
    }

    fn params(&self) -> [(&(dyn ToSql + Sync), Type); 3] {
        [(self.changes, Type::INT8_ARRAY), (&self.organizations, Type::TEXT_ARRAY), (&self.users, Type::TEXT_ARRAY)]
    }
}

/// What numbers the lock of a membership; the same in every statement.
macro_rules! lock_of {
    ($organization:literal, $user:literal) => {
        concat!("hashtextextended(", $organization, " || E'\\x01' || ", $user, ", 0)")
    };
}
pub(super) use lock_of;

/// The memberships of a [`Scope`].
macro_rules! scope {
    () => {
        "WITH k AS MATERIALIZED (SELECT organization, \"user\" FROM usher.changes WHERE id = ANY($1) \
         UNION SELECT * FROM UNNEST($2::text[], $3::text[]))"
    };
}

/// In the order of the locks: so no two wait for each other.
const LOCK: &str = concat!(
    scope!(),
    " SELECT organization, \"user\", pg_advisory_xact_lock(lock) FROM (SELECT organization, \"user\", ",
    lock_of!("organization", "\"user\""),
    " AS lock FROM k ORDER BY lock) locks"
);

/// Locks the memberships and reads their queues: two statements at least, because what is read must be newer than the locks.
pub(super) async fn lock_and_load(client: &Session, scope: &Scope) -> Result<Rows, Failure> {
    let arrays = Arrays::of(scope);
    let params = arrays.params();
    let lock = async { client.query_typed(LOCK, &params).await.map_err(Failure::from) };
    let (locked, mut rows) = try_join(lock, load(client, scope)).await?;
    rows.whole = locked.iter().map(|row| (row.get(0), row.get(1))).collect();
    Ok(rows)
}

/// Reads the queues of memberships that are locked already.
pub(super) async fn load(client: &Session, scope: &Scope) -> Result<Rows, Failure> {
    let arrays = Arrays::of(scope);
    let params = arrays.params();
    let changes = client.query_typed(&QUEUES, &params);
    let (changes, memberships) = try_join(changes, client.query_typed(&APPLIED, &params)).await?;
    let mut rows = Rows::default();
    rows.whole.clone_from(&scope.keys);
    changes.iter().try_for_each(|row| add_change(&mut rows, row))?;
    memberships.iter().try_for_each(|row| add_membership(&mut rows, row))?;
    let (ends, nexts) = beside(&rows);
    if !(ends.is_empty() && nexts.is_empty()) {
        let both: [(&(dyn ToSql + Sync), Type); 2] = [(&ends, Type::INT8_ARRAY), (&nexts, Type::INT8_ARRAY)];
        client.query_typed(&BESIDE, &both).await?.iter().try_for_each(|row| add_change(&mut rows, row))?;
    }
    Ok(rows)
}

/// The grants that changes among these are to end, and the numbers after dead grants: theirs are the revokes that ended with
/// them. Mostly none.
fn beside(rows: &Rows) -> (Vec<i64>, Vec<i64>) {
    let number = |cell: &Cell| if let Cell::Number(number) = cell { Some(*number) } else { None };
    let is = |row: &Row, name, text: &str| matches!(&row[CHANGES.place(name)], Cell::Text(cell) if cell == text);
    let changes = rows.of(&CHANGES);
    let ends = changes.iter().filter_map(|row| number(&row[CHANGES.place("ends")]));
    let dead = changes.iter().filter(|row| is(row, "outcome", "dead") && is(row, "action", "grant"));
    (ends.collect(), dead.filter_map(|row| number(&row[0])).map(|grant| grant + 1).collect())
}

/// The unfinished changes of the memberships, and the changes asked for; each with its event, and whether the brake counts it
/// as yet to come. The revoke that is scheduled to end a grant is always one of the same membership.
///
/// `OFFSET 0`: each membership is looked up by itself, even where the database believes that hardly anything waits.
static QUEUES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}, w AS (SELECT c.id FROM k CROSS JOIN LATERAL (SELECT c.id FROM usher.changes c \
             WHERE c.organization = k.organization AND c.\"user\" = k.\"user\" AND c.outcome IS NULL OFFSET 0) c \
             UNION SELECT UNNEST($1::int8[])) \
         SELECT {}, {EVENT}, r.change IS NOT NULL \
         FROM w JOIN usher.changes c ON c.id = w.id JOIN usher.events e ON e.seq = c.id >> 24 \
         LEFT JOIN usher.removals r ON (c.action = 'revoke' OR c.lease > 0) AND r.organization = c.organization \
             AND r.sender = c.sender AND r.done_at = {} AND r.change = c.id",
        scope!(),
        list("c", CHANGES.columns),
        i64::MAX,
    )
});

/// What [`beside`] found, finished or not.
static BESIDE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {EVENT}, false FROM usher.changes c JOIN usher.events e ON e.seq = c.id >> 24 \
         WHERE c.id = ANY($1 || $2) AND (c.id = ANY($1) OR c.ends = c.id - 1)",
        list("c", CHANGES.columns)
    )
});

/// What was applied last, with its event: where it was purged its name is unknown.
static APPLIED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} SELECT {}, {EVENT} FROM k JOIN usher.memberships m USING (organization, \"user\") \
         LEFT JOIN usher.events e ON e.seq = m.applied >> 24",
        scope!(),
        list("m", MEMBERSHIPS.columns)
    )
});

/// What queues ask of an event.
pub(super) const EVENT: &str = "e.seq, e.received_at, e.id, e.sender, e.kind, e.time";
const OF_EVENT: usize = 6;

/// The columns of a table, for a statement.
pub(super) fn list(table: &str, columns: &[Column]) -> String {
    let names = columns.iter().map(|column| format!("{table}.\"{}\"", column.name));
    names.collect::<Vec<_>>().join(", ")
}

fn add_change(rows: &mut Rows, row: &PgRow) -> Result<(), Failure> {
    let places = CHANGES.columns.len();
    let change = cells(row, 0, CHANGES.columns)?;
    if row.try_get(places + OF_EVENT)? {
        rows.add(&REMOVALS, to_come(&change));
    }
    rows.add(&CHANGES, change);
    add_event(rows, row, places)
}

/// The brake counts a change until it is done.
fn to_come(change: &Row) -> Row {
    let cell = |name| change[CHANGES.place(name)].clone();
    vec![cell("organization"), cell("sender"), Cell::Number(i64::MAX), cell("id")]
}

fn add_membership(rows: &mut Rows, row: &PgRow) -> Result<(), Failure> {
    rows.add(&MEMBERSHIPS, cells(row, 0, MEMBERSHIPS.columns)?);
    add_event(rows, row, MEMBERSHIPS.columns.len())
}

/// The event whose [`EVENT`] begins at this place, where there is one; what no queue asks for is left empty.
pub(super) fn add_event(rows: &mut Rows, row: &PgRow, place: usize) -> Result<(), Failure> {
    let Some(seq): Option<i64> = row.try_get(place)? else { return Ok(()) };
    let mut event: Row = EVENTS.columns.iter().map(empty).collect();
    event[0] = Cell::Number(seq);
    for (place, name) in (place + 1..).zip(["received_at", "id", "sender", "kind", "time"]) {
        let at = EVENTS.place(name);
        event[at] = cell(row, place, EVENTS.columns[at].kind)?;
    }
    rows.add(&EVENTS, event);
    Ok(())
}

/// What stands for a column that was not read.
fn empty(column: &Column) -> Cell {
    match (column.changes, column.kind) {
        (true, _) => Cell::Null,
        (false, Kind::Number | Kind::Flag) => Cell::Number(0),
        (false, Kind::Bytes) => Cell::Bytes(Vec::new()),
        (false, Kind::Text) => Cell::Text(String::new()),
    }
}

/// These columns of a row, from this place on.
pub(super) fn cells(row: &PgRow, from: usize, columns: &[Column]) -> Result<Row, Failure> {
    columns.iter().enumerate().map(|(place, column)| cell(row, from + place, column.kind)).collect()
}

fn cell(row: &PgRow, place: usize, kind: Kind) -> Result<Cell, Failure> {
    let found = match kind {
        Kind::Number => row.try_get::<_, Option<i64>>(place)?.map(Cell::Number),
        Kind::Flag => row.try_get::<_, Option<i16>>(place)?.map(|flag| Cell::Number(flag.into())),
        Kind::Text => row.try_get::<_, Option<String>>(place)?.map(|stored| Cell::Text(text::read(stored))),
        Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(place)?.map(Cell::Bytes),
    };
    Ok(found.unwrap_or(Cell::Null))
}
