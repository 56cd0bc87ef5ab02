//! The statement that records a group: all its rows in one, each column an array.
//! Knows nothing of who waits for it.

use std::sync::LazyLock;

use tokio_postgres::types::{ToSql, Type};

use super::ready::{Ready, is_expected};
use crate::domain::{ChangeRecord, Outcome};
use crate::ledger::codec::{self, GrantColumns};
use crate::ledger::postgres::alone;
use crate::ledger::postgres::error::Failure;
use crate::ledger::postgres::session::Param;
use crate::ledger::postgres::text::stored;
use crate::ledger::postgres::thread::Core;

/// Names and types of what is sent of each event, in the order of [`events`].
const EVENT: [(&str, &str); 16] = [
    ("id", "bytea"),
    ("content", "bytea"),
    ("receipt", "int8"),
    ("received_at", "int8"),
    ("sender", "text"),
    ("kind", "text"),
    ("source", "text"),
    ("event_id", "text"),
    ("subject", "text"),
    ("time", "text"),
    ("extensions", "text"),
    ("traceparent", "text"),
    ("tracestate", "text"),
    ("failure", "text"),
    ("data", "text"),
    ("urgent", "int2"),
];
/// The last of them stands in the rows of the changes alone.
const EVENT_ROW: usize = EVENT.len() - 1;

/// The same of each change, in the order of [`changes`].
const CHANGE: [(&str, &str); 20] = [
    ("ord", "int8"),
    ("index", "int8"),
    ("superseder", "int8"),
    ("elsewhere", "bytea"),
    ("granted", "int8"),
    ("due_at", "int8"),
    ("outcome", "text"),
    ("step", "text"),
    ("organization", "text"),
    ("user", "text"),
    ("action", "text"),
    ("role", "text"),
    ("existing", "text"),
    ("lower", "text"),
    ("missing_user", "text"),
    ("metadata", "text"),
    ("rule", "text"),
    ("rules_digest", "bytea"),
    ("ends_at", "int8"),
    ("dormant", "int2"),
];
/// The first of them are no columns.
const NO_COLUMNS: usize = 5;
const KEY: [(&str, &str); 2] = [("ord", "int8"), ("id", "bytea")];

/// What a group has beside events; what it has not is left out, because the statement is planned every time.
#[derive(Clone, Copy)]
struct Parts {
    changes: bool,
    keys: bool,
    removals: bool,
}

static STATEMENTS: LazyLock<[String; 8]> = LazyLock::new(|| {
    std::array::from_fn(|bits| {
        statement(Parts { changes: bits & 1 != 0, keys: bits & 2 != 0, removals: bits & 4 != 0 })
    })
});

impl Parts {
    fn statement(self) -> &'static str {
        &STATEMENTS[usize::from(self.changes) | usize::from(self.keys) << 1 | usize::from(self.removals) << 2]
    }
}

/// Numbers are given in the order of arrival; rows go in by id, so that no two groups wait for each other.
fn statement(parts: Parts) -> String {
    let (row, changes) = (names("", &EVENT[..EVENT_ROW]), EVENT.len() + 1);
    let keys = if parts.changes { changes + CHANGE.len() } else { changes };
    [
        "WITH ",
        &if parts.keys { sent_keys(keys) } else { String::new() },
        &format!(
            "e AS MATERIALIZED (SELECT nextval('usher.event_seq') AS seq, u.* \
                FROM {} WITH ORDINALITY AS u({}, ord)), \
             added AS (INSERT INTO usher.events (seq, {row}) SELECT seq, {row} FROM e",
            unnest(1, &EVENT),
            names("", &EVENT),
        ),
        if parts.keys { UNCLAIMED } else { "" },
        " ORDER BY id ON CONFLICT (id) DO NOTHING RETURNING seq), \
         new AS MATERIALIZED (SELECT e.ord, e.seq, e.sender, e.urgent FROM added JOIN e ON e.seq = added.seq)",
        &if parts.changes { new_changes(changes) } else { String::new() },
        if parts.removals { EXPECTED } else { "" },
        if parts.keys { NEW_KEYS } else { "" },
        " SELECT ord FROM new",
    ]
    .concat()
}

/// Another event has one of its keys.
const UNCLAIMED: &str = " WHERE NOT EXISTS (SELECT FROM k JOIN usher.keys t ON t.id = k.id WHERE k.ord = e.ord)";

fn sent_keys(first: usize) -> String {
    format!("k AS MATERIALIZED (SELECT * FROM {} AS k({})), ", unnest(first, &KEY), names("", &KEY))
}

const NEW_KEYS: &str = ", b AS (INSERT INTO usher.keys (id, seq, late) \
    SELECT k.id, new.seq, false FROM k JOIN new ON new.ord = k.ord ORDER BY k.id)";

fn new_changes(first: usize) -> String {
    let columns = &CHANGE[NO_COLUMNS..];
    format!(
        ", c AS (INSERT INTO usher.changes (id, superseded_by, ends, sender, urgent, {}) \
         SELECT new.seq << 24 | v.index, {SUPERSEDER} << 24 | v.superseder, new.seq << 24 | v.granted, \
            new.sender, new.urgent, {} \
         FROM {} AS v({}) JOIN new ON new.ord = v.ord RETURNING id, organization, sender, action, outcome, dormant)",
        names("", columns),
        names("v.", columns),
        unnest(first, &CHANGE),
        names("", &CHANGE),
    )
}

/// The number of the event of the change that took its place, mostly its own.
const SUPERSEDER: &str = "CASE WHEN v.elsewhere IS NULL THEN new.seq \
    ELSE (SELECT s.seq FROM usher.events s WHERE s.id = v.elsewhere) END";

/// The brake counts what is going to end a membership.
const EXPECTED: &str = ", r AS (INSERT INTO usher.removals (organization, sender, done_at, change) \
    SELECT organization, sender, 9223372036854775807, id FROM c \
    WHERE action = 'revoke' AND outcome IS NULL AND dormant = 0)";

fn names(table: &str, columns: &[(&str, &str)]) -> String {
    columns.iter().map(|(name, _)| format!("{table}\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn unnest(first: usize, columns: &[(&str, &str)]) -> String {
    let arrays = (first..).zip(columns).map(|(number, (_, kind))| format!("${number}::{kind}[]"));
    format!("UNNEST({})", arrays.collect::<Vec<_>>().join(", "))
}

/// One column.
type Column<'a> = (Box<dyn ToSql + Sync + 'a>, Type);

fn column<'a, R, T: ToSql + Sync + 'a>(kind: Type, rows: &'a [R], cell: impl Fn(&'a R) -> T) -> Column<'a> {
    (Box::new(rows.iter().map(cell).collect::<Vec<T>>()), kind)
}

/// A text of a sender, which may have anything in it. JSON is sent as it is: it writes such characters in another way.
macro_rules! texts {
    ($rows:ident, $row:ident => $text:expr) => {
        column(Type::TEXT_ARRAY, $rows, |$row| $text.map(stored))
    };
}

fn events<'a>(entries: &'a [&'a Ready]) -> Vec<Column<'a>> {
    vec![
        column(Type::BYTEA_ARRAY, entries, |entry| &entry.event.id.as_bytes()[..]),
        column(Type::BYTEA_ARRAY, entries, |entry| &entry.sighting.content.0[..]),
        column(Type::INT8_ARRAY, entries, |entry| entry.receipt),
        column(Type::INT8_ARRAY, entries, |entry| entry.received_at.as_millisecond()),
        texts!(entries, entry => Some(entry.event.sender.as_str())),
        texts!(entries, entry => Some(entry.event.kind.as_str())),
        texts!(entries, entry => Some(&entry.event.source[..])),
        texts!(entries, entry => Some(&entry.event.event_id[..])),
        texts!(entries, entry => entry.event.subject.as_deref()),
        column(Type::TEXT_ARRAY, entries, |entry| entry.event.time.map(|time| time.to_string())),
        column(Type::TEXT_ARRAY, entries, |entry| entry.extensions.as_deref()),
        texts!(entries, entry => entry.event.trace.as_ref().map(|trace| &trace.traceparent[..])),
        texts!(entries, entry => entry.event.trace.as_ref().and_then(|trace| trace.tracestate.as_deref())),
        column(Type::TEXT_ARRAY, entries, |entry| entry.failure_json.as_deref()),
        column(Type::TEXT_ARRAY, entries, |entry| &entry.data[..]),
        column(Type::INT2_ARRAY, entries, |entry| i16::from(entry.urgent)),
    ]
}

/// A change, with the place of its event in the group.
struct Row<'a> {
    ord: i64,
    record: &'a ChangeRecord,
    grant: GrantColumns<'a>,
}

fn rows<'a>(entries: &[&'a Ready]) -> rusqlite::Result<Vec<Row<'a>>> {
    let all = (1..).zip(entries).flat_map(|(ord, entry)| entry.changes.iter().map(move |record| (ord, record)));
    all.map(|(ord, record)| Ok(Row { ord, record, grant: codec::grant_columns(&record.change.action)? })).collect()
}

fn changes<'a>(rows: &'a [Row<'a>]) -> Vec<Column<'a>> {
    vec![
        column(Type::INT8_ARRAY, rows, |row| row.ord),
        column(Type::INT8_ARRAY, rows, |row| i64::from(row.record.change.id.index)),
        column(Type::INT8_ARRAY, rows, |row| row.record.change.superseded_by.map(|by| i64::from(by.index))),
        column(Type::BYTEA_ARRAY, rows, elsewhere),
        column(Type::INT8_ARRAY, rows, |row| row.record.change.schedule.map(|schedule| i64::from(schedule.grant))),
        column(Type::INT8_ARRAY, rows, |row| row.record.next_attempt_at.map(|due_at| due_at.as_millisecond())),
        column(Type::TEXT_ARRAY, rows, |row| row.record.outcome.map(Outcome::name)),
        column(Type::TEXT_ARRAY, rows, |row| row.record.change.first_step().to_text()),
        column(Type::TEXT_ARRAY, rows, |row| stored_key(row.record.change.key.organization.to_text())),
        column(Type::TEXT_ARRAY, rows, |row| stored_key(row.record.change.key.user.to_text())),
        column(Type::TEXT_ARRAY, rows, |row| row.record.change.action.name()),
        column(Type::TEXT_ARRAY, rows, |row| row.grant.role),
        column(Type::TEXT_ARRAY, rows, |row| row.grant.existing),
        column(Type::TEXT_ARRAY, rows, |row| row.grant.lower.as_deref()),
        column(Type::TEXT_ARRAY, rows, |row| row.grant.missing_user),
        column(Type::TEXT_ARRAY, rows, |row| row.grant.metadata.as_deref()),
        texts!(rows, row => Some(&row.record.change.rule[..])),
        column(Type::BYTEA_ARRAY, rows, |row| &row.record.change.rules_digest.0[..]),
        column(Type::INT8_ARRAY, rows, |row| row.record.change.schedule.map(|schedule| schedule.at.as_millisecond())),
        column(Type::INT2_ARRAY, rows, is_dormant),
    ]
}

fn stored_key(text: std::borrow::Cow<'_, str>) -> String {
    stored(&text).into_owned()
}

/// The event of the change that took its place, where that is another one.
fn elsewhere<'a>(row: &'a Row<'_>) -> Option<&'a [u8]> {
    let change = &row.record.change;
    let by = change.superseded_by.as_ref().map(|by| &by.event);
    by.filter(|event| **event != change.id.event).map(|event| &event.as_bytes()[..])
}

fn is_dormant(row: &Row<'_>) -> i16 {
    i16::from(row.record.outcome.is_none() && row.record.change.schedule.is_some())
}

/// Each key once for its event, with the place of the event in the group.
fn keys<'a>(entries: &[&'a Ready]) -> (Vec<i64>, Vec<&'a [u8]>) {
    let all = (1..).zip(entries).flat_map(|(ord, entry)| {
        let keys = &entry.sighting.keys;
        let once = keys.iter().enumerate().filter(|(place, key)| !keys[..*place].contains(key));
        once.map(move |(_, key)| (ord, &key.as_bytes()[..]))
    });
    all.unzip()
}

/// Writes these, and says which of them are new: nothing of the others is written. No two of them share a name.
pub(super) async fn write(core: &Core, entries: &[&Ready]) -> Result<Vec<bool>, Failure> {
    let rows = rows(entries)?;
    let (ords, keys) = keys(entries);
    let parts = Parts {
        changes: !rows.is_empty(),
        keys: !keys.is_empty(),
        removals: rows.iter().any(|row| is_expected(row.record)),
    };
    let mut columns = events(entries);
    if parts.changes {
        columns.extend(changes(&rows));
    }
    let mut params: Vec<Param<'_>> = columns.iter().map(|(column, kind)| (&**column as _, kind.clone())).collect();
    if parts.keys {
        params.extend([(&ords as _, Type::INT8_ARRAY), (&keys as _, Type::BYTEA_ARRAY)]);
    }
    let mut new = vec![false; entries.len()];
    for row in alone::query(core, parts.statement(), &params).await? {
        let ord: i64 = row.try_get(0)?;
        if let Some(new) = usize::try_from(ord - 1).ok().and_then(|place| new.get_mut(place)) {
            *new = true;
        }
    }
    Ok(new)
}
