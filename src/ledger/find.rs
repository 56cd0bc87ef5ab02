//! Every SQLite statement that only reads.
//! Knows nothing of threads and transactions.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::codec::{self, Columns, change_columns, first_change};
use super::store::Store;
use super::types::Statistics;
use crate::domain::{Attempt, ChangeRecord, ChangeState, Digest, EventId, EventRecord};

const EVENT: &str = "SELECT received_at, content, sender, kind, source, event_id, subject, time, failure, data, \
    extensions, traceparent, tracestate FROM events WHERE seq = ?1";

const CHANGES: &str = concat!(
    "SELECT ",
    change_columns!(),
    ", c.due_at, c.leased, c.not_before, c.covered_by, c.held, c.outcome, c.membership_id, c.reason \
     FROM changes c WHERE c.id >= ?1 AND c.id < ?2 ORDER BY c.id"
);

const ATTEMPTS: &str = "SELECT at, status, code, duration_ms, trace_id FROM attempts WHERE change = ?1 ORDER BY lease";

pub(super) fn event(store: &Store, id: EventId) -> rusqlite::Result<Option<EventRecord>> {
    let Some(seq) = store.seq_of(id)? else { return Ok(None) };
    numbered(store, seq, id)
}

/// The event of this number, which goes by this id.
pub(super) fn numbered(connection: &Connection, seq: i64, id: EventId) -> rusqlite::Result<Option<EventRecord>> {
    let mut statement = connection.prepare_cached(EVENT)?;
    let Some(mut record) = statement.query_row([seq], |row| without_changes(row, id)).optional()? else {
        return Ok(None);
    };
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
    let state = match (outcome, row.get("leased")?, row.get("held")?) {
        (Some(_), _, _) => ChangeState::Settled,
        (None, true, _) => ChangeState::InFlight,
        (None, false, true) => ChangeState::Held,
        (None, false, false) => ChangeState::Waiting,
    };
    let covered = row.get::<_, Option<i64>>("covered_by")?.is_some();
    let due_at = codec::optional_time(row, "not_before")?.or(codec::optional_time(row, "due_at")?);
    Ok(ChangeRecord {
        change: codec::change(&mut Columns::of(row), event)?,
        state,
        outcome,
        attempts: Vec::new(),
        next_attempt_at: due_at.filter(|_| state == ChangeState::Waiting && !covered),
        membership_id: row.get("membership_id")?,
        reason: row.get("reason")?,
    })
}

fn attempts(connection: &Connection, change: i64) -> rusqlite::Result<Vec<Attempt>> {
    connection.prepare_cached(ATTEMPTS)?.query_map([change], codec::attempt)?.collect()
}

pub(super) fn next_due(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let due: Option<i64> = connection.prepare_cached(NEXT_DUE)?.query_row([], |row| row.get(0))?;
    due.map(codec::timestamp).transpose()
}

/// Jumps from one sender to the next: costs what there are senders, not what waits.
const NEXT_DUE: &str = "WITH RECURSIVE waiting (sender) AS ( \
        SELECT min(sender) FROM changes INDEXED BY change_due WHERE due_at IS NOT NULL \
        UNION ALL SELECT (SELECT min(sender) FROM changes INDEXED BY change_due \
            WHERE due_at IS NOT NULL AND sender > waiting.sender) FROM waiting WHERE sender IS NOT NULL) \
    SELECT min((SELECT min(due_at) FROM changes c INDEXED BY change_due \
        WHERE c.sender = waiting.sender AND c.urgent = u.urgent AND c.due_at IS NOT NULL)) \
    FROM waiting, (SELECT 0 AS urgent UNION ALL SELECT 1) u WHERE waiting.sender IS NOT NULL";

// The indexes are named, because SQLite would rather walk the whole table in order to find its first match.
const UNFINISHED: &str =
    "SELECT count(*), min(id) FROM changes INDEXED BY change_queue WHERE outcome IS NULL AND dormant = 0";
const RECEIVED: &str = "SELECT received_at FROM events WHERE seq = ?1";
const DEAD: &str = "SELECT \
    (SELECT count(*) FROM changes INDEXED BY change_dead WHERE outcome = 'dead' AND discarded = 0) \
    + (SELECT count(*) FROM events INDEXED BY event_failed WHERE failure IS NOT NULL AND discarded IS NULL)";

pub(super) fn statistics(connection: &Connection) -> rusqlite::Result<Statistics> {
    let mut statement = connection.prepare_cached(UNFINISHED)?;
    let (unfinished, oldest): (i64, Option<i64>) = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut statement = connection.prepare_cached(RECEIVED)?;
    let received = |row| statement.query_row([codec::seq_of(row)], |row| codec::time(row, "received_at"));
    let oldest_received_at = oldest.map(received).transpose()?;
    let dead: i64 = connection.prepare_cached(DEAD)?.query_row([], |row| row.get(0))?;
    Ok(Statistics { unfinished: unfinished.cast_unsigned(), oldest_received_at, dead: dead.cast_unsigned() })
}

/// Old enough, no dead letter, and no change that is unfinished or dead. The last event stays, because its number must
/// never be given again: what was applied last is remembered by it.
macro_rules! is_purgeable {
    () => {
        "received_at < ?1 AND (failure IS NULL OR discarded IS NOT NULL) AND seq < (SELECT max(seq) FROM events) \
         AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.id >= seq << 24 AND c.id < (seq + 1) << 24 \
         AND (c.outcome IS NULL OR c.outcome = 'dead' AND c.discarded = 0))"
    };
}
pub(super) use is_purgeable;

/// Null for one that is too young.
const PURGEABLE: &str =
    concat!("SELECT seq, CASE WHEN received_at < ?1 THEN ", is_purgeable!(), " END FROM events ORDER BY seq");

/// So many in a row that are too young are the end of the old ones; a clock that was wrong for a moment is not.
const YOUNG: usize = 1000;

/// Events are numbered as they were received, near enough to need no index by age.
pub(super) fn purgeable(connection: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(PURGEABLE)?;
    let mut rows = statement.query([before.as_millisecond()])?;
    let (mut found, mut young) = (Vec::new(), 0);
    while found.len() < limit
        && young < YOUNG
        && let Some(row) = rows.next()?
    {
        let purgeable: Option<bool> = row.get(1)?;
        young = if purgeable.is_none() { young + 1 } else { 0 };
        if purgeable == Some(true) {
            found.push(row.get(0)?);
        }
    }
    Ok(found)
}
