//! Every SQLite statement that writes; each function runs inside the writer's transaction.
//! Knows nothing of threads and commits.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::{self, change_columns, first_change, row_of};
use super::find::{self, is_purgeable};
use super::prepare::Prepared;
use super::types::{Claim, ClaimedEvent, Next, Recorded, Settled, Settlement};
use crate::domain::{
    Attempt, Change, ChangeId, ChangeRecord, ChangeState, EventId, EventRecord, MembershipKey, Outcome,
};

// Recording.

const INSERT_EVENT: &str = "INSERT INTO events \
    (received_at, id, content, sender, kind, source, event_id, subject, time, failure, data) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (id) DO NOTHING";

const INSERT_CHANGE: &str = "INSERT INTO changes \
    (id, due_at, outcome, step, organization, user, action, role, existing, lower, rule, rules_digest, superseded_by) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

const OLDEST_OF_KEY: &str = "SELECT id FROM changes INDEXED BY change_unfinished \
    WHERE organization = ?1 AND user = ?2 AND outcome IS NULL ORDER BY id LIMIT 1";

pub(super) fn record(connection: &Connection, entry: Prepared) -> rusqlite::Result<Recorded> {
    if !insert_event(connection, &entry)? {
        return repeat(connection, &entry);
    }
    let seq = connection.last_insert_rowid();
    let received_at = codec::timestamp(entry.received_at)?;
    let mut changes = Vec::with_capacity(entry.changes.len());
    for change in entry.changes {
        changes.push(insert_change(connection, seq, change, received_at)?);
    }
    let Prepared { event, content, failure, .. } = entry;
    Ok(Recorded::New(EventRecord { event, content, received_at, failure, changes }))
}

fn insert_event(connection: &Connection, entry: &Prepared) -> rusqlite::Result<bool> {
    let event = &entry.event;
    let inserted = connection.prepare_cached(INSERT_EVENT)?.execute(params![
        entry.received_at,
        event.id.as_bytes(),
        entry.content.0,
        event.sender.as_str(),
        event.kind.as_str(),
        event.source,
        event.event_id,
        event.subject,
        event.time.map(|time| time.to_string()),
        entry.failure_json,
        entry.data,
    ])?;
    Ok(inserted == 1)
}

fn repeat(connection: &Connection, entry: &Prepared) -> rusqlite::Result<Recorded> {
    let earlier = find::event(connection, entry.event.id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(if earlier.content == entry.content { Recorded::Repeated(earlier) } else { Recorded::Conflict })
}

fn insert_change(connection: &Connection, seq: i64, change: Change, now: Timestamp) -> rusqlite::Result<ChangeRecord> {
    let outcome = change.superseded_by.map(|_| Outcome::Superseded);
    let is_head = outcome.is_none() && oldest_of(connection, &change.key)?.is_none();
    let due_at = is_head.then_some(now);
    let (role, existing, lower) = codec::action_columns(&change.action);
    connection.prepare_cached(INSERT_CHANGE)?.execute(params![
        row_of(seq, change.id.index),
        due_at.map(Timestamp::as_millisecond),
        outcome.map(Outcome::name),
        change.first_step().to_text(),
        change.key.organization.to_text(),
        change.key.user.to_text(),
        change.action.name(),
        role,
        existing,
        lower,
        change.rule,
        change.rules_digest.0,
        change.superseded_by.map(|id| id.index),
    ])?;
    let state = if outcome.is_some() { ChangeState::Settled } else { ChangeState::Waiting };
    let (attempts, membership_id, reason) = (Vec::new(), None, None);
    Ok(ChangeRecord { change, state, outcome, attempts, next_attempt_at: due_at, membership_id, reason })
}

fn oldest_of(connection: &Connection, key: &MembershipKey) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached(OLDEST_OF_KEY)?;
    statement.query_row([key.organization.to_text(), key.user.to_text()], |row| row.get(0)).optional()
}

// Claiming.

const DUE: &str = concat!(
    "SELECT ",
    change_columns!(),
    ", c.leased, c.lease, c.step, c.attempts, c.first_attempt_at, c.answer_lost, \
     e.id AS event, e.sender, e.kind, e.received_at \
     FROM changes c INDEXED BY change_due JOIN events e ON e.seq = c.id >> 24 \
     WHERE c.due_at <= ?1 ORDER BY c.due_at, c.leased, c.id LIMIT ?2"
);

const LEASE: &str = "UPDATE changes SET leased = 1, lease = ?2, due_at = ?3, answer_lost = ?4 WHERE id = ?1";

pub(super) fn claim(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
    lease: Duration,
) -> rusqlite::Result<Vec<Claim>> {
    let now = now.as_millisecond();
    let lapses = now.saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut due = connection.prepare_cached(DUE)?;
    let found: Vec<(i64, rusqlite::Result<Claim>)> =
        due.query_map(params![now, limit], |row| Ok((row.get("id")?, claimed(row))))?.collect::<Result<_, _>>()?;
    let mut claims = Vec::with_capacity(found.len());
    for (row, claim) in found {
        match claim {
            Ok(claim) => {
                let values = params![row, claim.lease.cast_signed(), lapses, claim.answer_lost];
                connection.prepare_cached(LEASE)?.execute(values)?;
                claims.push(claim);
            }
            Err(error) => postpone(connection, row, lapses, &error)?,
        }
    }
    Ok(claims)
}

/// What cannot be read holds up its own membership and no other; the log says so each time it is looked at.
fn postpone(connection: &Connection, row: i64, due_at: i64, error: &rusqlite::Error) -> rusqlite::Result<()> {
    tracing::error!(row, %error, "a change in the ledger cannot be read; it is left as it is");
    connection.prepare_cached("UPDATE changes SET due_at = ?2 WHERE id = ?1")?.execute([row, due_at]).map(|_| ())
}

fn claimed(row: &Row<'_>) -> rusqlite::Result<Claim> {
    let lease: i64 = row.get("lease")?;
    // Due although leased: whoever had it never said what became of its call.
    let lapsed: bool = row.get("leased")?;
    Ok(Claim {
        change: codec::change(row, EventId::from_bytes(row.get("event")?))?,
        event: ClaimedEvent {
            sender: codec::parsed(row, "sender")?,
            kind: codec::parsed(row, "kind")?,
            received_at: codec::time(row, "received_at")?,
        },
        lease: lease.cast_unsigned() + 1,
        step: codec::step(row)?,
        attempts: row.get("attempts")?,
        first_attempt_at: codec::optional_time(row, "first_attempt_at")?,
        answer_lost: lapsed || row.get("answer_lost")?,
        replaces: false,
        removals: 0,
        released: false,
    })
}

// Settling.

const SEQ: &str = "SELECT seq FROM events WHERE id = ?1";

const DONE: &str = "UPDATE changes SET outcome = ?3, membership_id = ?4, reason = ?5, due_at = NULL, leased = 0 \
    WHERE id = ?1 AND lease = ?2 AND leased = 1";

const AGAIN: &str = "UPDATE changes \
    SET step = ?3, due_at = ?4, reason = ?5, leased = 0, answer_lost = answer_lost OR ?6 \
    WHERE id = ?1 AND lease = ?2 AND leased = 1";

const COUNT: &str = "UPDATE changes SET attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, ?2) \
    WHERE id = ?1";

const INSERT_ATTEMPT: &str = "INSERT INTO attempts (change, lease, at, status, code, duration_ms, trace_id) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const RELEASE: &str = "UPDATE changes SET due_at = ?3, leased = 0 WHERE id = ?1 AND lease = ?2 AND leased = 1";

pub(super) fn settle(connection: &Connection, settlement: &Settlement) -> rusqlite::Result<Settled> {
    let Some(row) = row(connection, settlement.change)? else { return Ok(Settled::Stale) };
    let lease = settlement.lease.cast_signed();
    let written = match &settlement.next {
        Next::Done { outcome, membership_id, reason } => {
            connection.prepare_cached(DONE)?.execute(params![row, lease, outcome.name(), membership_id, reason])?
        }
        Next::Again { step, due_at, reason, answer_lost } => connection.prepare_cached(AGAIN)?.execute(params![
            row,
            lease,
            step.to_text(),
            due_at.as_millisecond(),
            reason,
            answer_lost
        ])?,
        Next::Found { .. } | Next::Held { .. } => 0,
    };
    if written == 0 {
        return Ok(Settled::Stale);
    }
    if let Some(attempt) = &settlement.attempt {
        insert_attempt(connection, row, lease, attempt)?;
        if settlement.counted {
            connection.prepare_cached(COUNT)?.execute(params![row, attempt.at.as_millisecond()])?;
        }
    }
    if matches!(settlement.next, Next::Done { .. }) {
        promote_successor(connection, row)?;
    }
    Ok(Settled::Recorded { finished: Vec::new() })
}

fn row(connection: &Connection, change: ChangeId) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached(SEQ)?;
    let seq = statement.query_row([change.event.as_bytes()], |row| row.get(0)).optional()?;
    Ok(seq.map(|seq| row_of(seq, change.index)))
}

fn insert_attempt(connection: &Connection, change: i64, lease: i64, attempt: &Attempt) -> rusqlite::Result<()> {
    connection.prepare_cached(INSERT_ATTEMPT)?.execute(params![
        change,
        lease,
        attempt.at.as_millisecond(),
        attempt.status,
        attempt.code.as_ref().map(|code| code.as_str()),
        attempt.duration_ms,
        attempt.trace_id,
    ])?;
    Ok(())
}

/// Due since it was accepted, so that it keeps its place among those of other keys.
const PROMOTE: &str = "UPDATE changes SET due_at = (SELECT received_at FROM events WHERE seq = changes.id >> 24) \
    WHERE id = (SELECT n.id FROM changes s JOIN changes n INDEXED BY change_unfinished \
        ON n.organization = s.organization AND n.user = s.user AND n.outcome IS NULL \
        WHERE s.id = ?1 ORDER BY n.id LIMIT 1)";

fn promote_successor(connection: &Connection, settled: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(PROMOTE)?.execute([settled])?;
    Ok(())
}

pub(super) fn release(
    connection: &Connection,
    change: ChangeId,
    lease: u64,
    due_at: Timestamp,
) -> rusqlite::Result<Settled> {
    let Some(row) = row(connection, change)? else { return Ok(Settled::Stale) };
    let mut statement = connection.prepare_cached(RELEASE)?;
    let written = statement.execute(params![row, lease.cast_signed(), due_at.as_millisecond()])?;
    Ok(if written == 1 { Settled::Recorded { finished: Vec::new() } } else { Settled::Stale })
}

// The rest.

/// Read from the index alone: what is leased is few, what waits may be many.
const END_LEASES: &str = "UPDATE changes \
    SET leased = 0, answer_lost = 1, due_at = (SELECT received_at FROM events WHERE seq = changes.id >> 24) \
    WHERE id IN (SELECT id FROM changes INDEXED BY change_due WHERE due_at IS NOT NULL AND leased = 1)";

/// Makes due whatever a process that is no more had claimed.
pub(super) fn end_leases(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(END_LEASES, []).map(|_| ())
}

const PURGE_EVENT: &str = concat!("DELETE FROM events WHERE seq = ?2 AND ", is_purgeable!());

pub(super) fn purge(connection: &Connection, before: Timestamp, candidates: &[i64]) -> rusqlite::Result<usize> {
    let mut purged = 0;
    for &seq in candidates {
        // Asked again, because the reader's look at it may be out of date.
        if connection.prepare_cached(PURGE_EVENT)?.execute(params![before.as_millisecond(), seq])? == 1 {
            let range = [first_change(seq), first_change(seq + 1)];
            connection.prepare_cached("DELETE FROM changes WHERE id >= ?1 AND id < ?2")?.execute(range)?;
            connection.prepare_cached("DELETE FROM attempts WHERE change >= ?1 AND change < ?2")?.execute(range)?;
            purged += 1;
        }
    }
    Ok(purged)
}

/// A write that changes nothing but itself.
pub(super) fn beat(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE pulse SET beats = beats + 1")?.execute([]).map(|_| ())
}
