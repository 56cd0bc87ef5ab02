//! Every SQLite statement that only reads.
//! Knows nothing of threads and transactions.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::{self, change_columns, first_change};
use super::types::Statistics;
use crate::domain::{Attempt, ChangeRecord, ChangeState, Digest, EventId, EventRecord};

const EVENT: &str = "SELECT seq, received_at, content, sender, kind, source, event_id, subject, time, failure, data \
    FROM events WHERE id = ?1";

const CHANGES: &str = concat!(
    "SELECT ",
    change_columns!(),
    ", c.due_at, c.leased, c.outcome, c.membership_id, c.reason \
     FROM changes c WHERE c.id >= ?1 AND c.id < ?2 ORDER BY c.id"
);

const ATTEMPTS: &str = "SELECT at, status, code, duration_ms, trace_id FROM attempts WHERE change = ?1 ORDER BY lease";

pub(super) fn event(connection: &Connection, id: EventId) -> rusqlite::Result<Option<EventRecord>> {
    let mut statement = connection.prepare_cached(EVENT)?;
    let found =
        statement.query_row([id.as_bytes()], |row| Ok((row.get("seq")?, without_changes(row, id)?))).optional()?;
    let Some((seq, mut record)) = found else { return Ok(None) };
    record.changes = changes(connection, seq, id)?;
    Ok(Some(record))
}

fn without_changes(row: &Row<'_>, id: EventId) -> rusqlite::Result<EventRecord> {
    Ok(EventRecord {
        event: codec::event(row, id)?,
        content: Digest(row.get("content")?),
        received_at: codec::time(row, "received_at")?,
        failure: codec::failure(row)?,
        changes: Vec::new(),
    })
}

fn changes(connection: &Connection, seq: i64, event: EventId) -> rusqlite::Result<Vec<ChangeRecord>> {
    let mut statement = connection.prepare_cached(CHANGES)?;
    let rows = statement.query_map([first_change(seq), first_change(seq + 1)], |row| {
        let mut record = without_attempts(row, event)?;
        record.attempts = attempts(connection, row.get("id")?)?;
        Ok(record)
    })?;
    rows.collect()
}

fn without_attempts(row: &Row<'_>, event: EventId) -> rusqlite::Result<ChangeRecord> {
    let outcome = codec::outcome(row)?;
    let state = match (outcome, row.get("leased")?) {
        (Some(_), _) => ChangeState::Settled,
        (None, true) => ChangeState::InFlight,
        (None, false) => ChangeState::Waiting,
    };
    let due_at = codec::optional_time(row, "due_at")?;
    Ok(ChangeRecord {
        change: codec::change(row, event)?,
        state,
        outcome,
        attempts: Vec::new(),
        next_attempt_at: due_at.filter(|_| state == ChangeState::Waiting),
        membership_id: row.get("membership_id")?,
        reason: row.get("reason")?,
    })
}

fn attempts(connection: &Connection, change: i64) -> rusqlite::Result<Vec<Attempt>> {
    connection.prepare_cached(ATTEMPTS)?.query_map([change], codec::attempt)?.collect()
}

pub(super) fn next_due(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT min(due_at) FROM changes WHERE due_at IS NOT NULL";
    let due: Option<i64> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    due.map(codec::timestamp).transpose()
}

// The indexes are named, because SQLite would rather walk the whole table in order to find its first match.
const UNFINISHED: &str = "SELECT count(*) FROM changes INDEXED BY change_unfinished WHERE outcome IS NULL";
const OLDEST: &str = "SELECT received_at FROM events WHERE seq = \
    (SELECT min(id) >> 24 FROM changes INDEXED BY change_due WHERE due_at IS NOT NULL)";
const DEAD: &str = "SELECT (SELECT count(*) FROM changes INDEXED BY change_dead WHERE outcome = 'dead') \
    + (SELECT count(*) FROM events INDEXED BY event_failed WHERE failure IS NOT NULL)";

pub(super) fn statistics(connection: &Connection) -> rusqlite::Result<Statistics> {
    let count = |sql| connection.prepare_cached(sql)?.query_row([], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()));
    let oldest = connection.prepare_cached(OLDEST)?.query_row([], |row| codec::time(row, "received_at")).optional()?;
    Ok(Statistics { unfinished: count(UNFINISHED)?, oldest_received_at: oldest, dead: count(DEAD)? })
}

/// Old enough, evaluated, and no change that is unfinished or dead.
macro_rules! is_purgeable {
    () => {
        "received_at < ?1 AND failure IS NULL AND NOT EXISTS (SELECT 1 FROM changes c \
         WHERE c.id >= seq << 24 AND c.id < (seq + 1) << 24 AND (c.outcome IS NULL OR c.outcome = 'dead'))"
    };
}
pub(super) use is_purgeable;

const PURGEABLE: &str = concat!("SELECT seq FROM events WHERE ", is_purgeable!(), " ORDER BY received_at LIMIT ?2");

pub(super) fn purgeable(connection: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(PURGEABLE)?;
    statement.query_map(params![before.as_millisecond(), limit], |row| row.get(0))?.collect()
}
