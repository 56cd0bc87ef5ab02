//! Recording and purging events; each function runs inside the writer's transaction.
//! Knows nothing of threads and commits.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{self, first_change, row_of};
use super::find::is_purgeable;
use super::prepare::Prepared;
use super::store::Store;
use super::types::Recorded;
use super::{brake, keys, queue};
use crate::domain::{
    Action, Change, ChangeId, ChangeRecord, ChangeState, EventRecord, Existing, Outcome, SenderName, Step,
};

// Recording.

const INSERT_EVENT: &str = "INSERT INTO events \
    (received_at, id, content, sender, kind, source, event_id, subject, time, failure, data, extensions, traceparent, \
     tracestate, keys) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

const INSERT_CHANGE: &str = "INSERT INTO changes \
    (id, due_at, sender, urgent, outcome, step, organization, user, action, role, existing, lower, missing_user, \
     metadata, rule, rules_digest, superseded_by, ends, ends_at, dormant) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

pub(super) fn record(store: &Store, entry: Prepared) -> rusqlite::Result<Recorded> {
    if let Some(earlier) = keys::recall(store, &entry.sighting)? {
        return Ok(earlier);
    }
    let seq = insert_event(store, &entry)?;
    let received_at = codec::timestamp(entry.received_at)?;
    let mut changes = Vec::with_capacity(entry.changes.len());
    for mut change in entry.changes {
        let outcome = ended_at_once(&mut change, |grant| superseder_among(&changes, grant));
        let due_at = due_at_once(store, &change, outcome, received_at, entry.urgent)?;
        insert_change(
            store,
            seq,
            &change,
            Standing { sender: &entry.event.sender, urgent: entry.urgent, due_at, outcome },
        )?;
        changes.push(recorded(change, outcome, due_at));
    }
    let Prepared { event, sighting, failure, .. } = entry;
    Ok(Recorded::New(EventRecord { event, content: sighting.content, received_at, failure, changes }))
}

/// One after the other, so that an event that is there twice is recorded once.
pub(super) fn record_all(store: &Store, entries: Vec<Prepared>) -> rusqlite::Result<Vec<Recorded>> {
    entries.into_iter().map(|entry| record(store, entry)).collect()
}

fn insert_event(store: &Store, entry: &Prepared) -> rusqlite::Result<i64> {
    let event = &entry.event;
    store.prepare_cached(INSERT_EVENT)?.execute(params![
        entry.received_at,
        event.id.as_bytes(),
        entry.sighting.content.0,
        event.sender.as_str(),
        event.kind.as_str(),
        event.source,
        event.event_id,
        event.subject,
        event.time.map(|time| time.to_string()),
        entry.failure_json,
        entry.data,
        entry.extensions,
        event.trace.as_ref().map(|trace| &trace.traceparent),
        event.trace.as_ref().and_then(|trace| trace.tracestate.as_deref()),
        keys::column(&entry.sighting.keys),
    ])?;
    let seq = store.last_insert_rowid();
    store.identities.add(*event.id.as_bytes(), seq);
    keys::add(store, &entry.sighting.keys, seq);
    Ok(seq)
}

/// How a change begins.
pub(super) struct Standing<'a> {
    pub(super) sender: &'a SenderName,
    pub(super) urgent: bool,
    pub(super) due_at: Option<Timestamp>,
    pub(super) outcome: Option<Outcome>,
}

/// A change that gave way to a later one of its event, or that is scheduled to end such a one.
pub(super) fn ended_at_once(change: &mut Change, superseder_of: impl Fn(u32) -> Option<ChangeId>) -> Option<Outcome> {
    let of_grant = change.schedule.and_then(|schedule| superseder_of(schedule.grant));
    change.superseded_by = change.superseded_by.or(of_grant);
    change.superseded_by.map(|_| Outcome::Superseded)
}

fn superseder_among(changes: &[ChangeRecord], index: u32) -> Option<ChangeId> {
    changes.iter().find(|other| other.change.id.index == index)?.change.superseded_by
}

/// When to look at the new change: at once where it is the only one of its queue. One that would take the place of those
/// before it, or that somebody waits for, has the queue looked at instead.
fn due_at_once(
    connection: &Connection,
    change: &Change,
    outcome: Option<Outcome>,
    now: Timestamp,
    urgent: bool,
) -> rusqlite::Result<Option<Timestamp>> {
    if outcome.is_some() {
        return Ok(None);
    }
    if let Some(schedule) = change.schedule {
        return Ok(Some(schedule.at));
    }
    let Some(oldest) = queue::oldest(connection, &change.key)? else { return Ok(Some(now)) };
    queue::look_again(connection, oldest, now, urgent, takes_over(&change.action))?;
    Ok(None)
}

fn takes_over(action: &Action) -> bool {
    match action {
        Action::Grant(grant) => grant.existing == Existing::Replace,
        Action::Revoke => true,
    }
}

pub(super) fn insert_change(store: &Store, seq: i64, change: &Change, standing: Standing<'_>) -> rusqlite::Result<()> {
    let grant = codec::grant_columns(&change.action)?;
    let (row, open) = (row_of(seq, change.id.index), standing.outcome.is_none());
    store.prepare_cached(INSERT_CHANGE)?.execute(params![
        row,
        standing.due_at.map(Timestamp::as_millisecond),
        standing.sender.as_str(),
        standing.urgent,
        standing.outcome.map(Outcome::name),
        change.first_step().to_text(),
        change.key.organization.to_text(),
        change.key.user.to_text(),
        change.action.name(),
        grant.role,
        grant.existing,
        grant.lower,
        grant.missing_user,
        grant.metadata,
        change.rule,
        change.rules_digest.0,
        superseder(store, seq, change)?,
        change.schedule.map(|schedule| row_of(seq, schedule.grant)),
        change.schedule.map(|schedule| schedule.at.as_millisecond()),
        open && change.schedule.is_some(),
    ])?;
    if open && change.schedule.is_none() && change.action == Action::Revoke {
        brake::expect(store, &change.key, standing.sender, row)?;
    }
    Ok(())
}

/// The row of the change that took the place of this one, mostly one of the same event.
fn superseder(store: &Store, seq: i64, change: &Change) -> rusqlite::Result<Option<i64>> {
    let Some(by) = change.superseded_by else { return Ok(None) };
    if by.event == change.id.event {
        return Ok(Some(row_of(seq, by.index)));
    }
    let seq = store.seq_of(by.event)?;
    Ok(seq.map(|seq| row_of(seq, by.index)))
}

fn recorded(change: Change, outcome: Option<Outcome>, due_at: Option<Timestamp>) -> ChangeRecord {
    let state = if outcome.is_some() { ChangeState::Settled } else { ChangeState::Waiting };
    let (attempts, membership_id, reason) = (Vec::new(), None, None);
    ChangeRecord { change, state, outcome, attempts, next_attempt_at: due_at, membership_id, reason }
}

// The rest.

const END_LEASES: &str = "UPDATE changes INDEXED BY change_leased SET leased = 0, not_before = NULL, \
    answer_lost = answer_lost OR step NOT IN (SELECT value FROM json_each(?1)) \
    WHERE leased = 1 RETURNING organization, user";

/// Makes due whatever a process that is no more had claimed.
pub(super) fn end_leases(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare(END_LEASES)?;
    let reads = serde_json::json!(Step::READS.each_ref().map(Step::name)).to_string();
    let keys = statement.query_map([reads], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let keys: Vec<(String, String)> = keys.collect::<Result<_, _>>()?;
    drop(statement);
    keys.iter().try_for_each(|(organization, user)| queue::arrange(&transaction, organization, user))?;
    transaction.commit()
}

const PURGE_EVENT: &str = concat!("DELETE FROM events WHERE seq = ?2 AND ", is_purgeable!(), " RETURNING id, keys");

pub(super) fn purge(store: &Store, before: Timestamp, candidates: &[i64]) -> rusqlite::Result<usize> {
    let mut purged = 0;
    for &seq in candidates {
        // Asked again, because the reader's look at it may be out of date.
        let mut event = store.prepare_cached(PURGE_EVENT)?;
        let names = event.query_row(params![before.as_millisecond(), seq], |row| Ok((row.get(0)?, row.get(1)?)));
        let Some((id, keys)): Option<(_, Option<Vec<u8>>)> = names.optional()? else { continue };
        store.identities.remove(store, id)?;
        keys::forget(store, seq, keys.as_deref())?;
        let range = [first_change(seq), first_change(seq + 1)];
        brake::forget(store, range, before.as_millisecond())?;
        store.prepare_cached("DELETE FROM changes WHERE id >= ?1 AND id < ?2")?.execute(range)?;
        store.prepare_cached("DELETE FROM attempts WHERE change >= ?1 AND change < ?2")?.execute(range)?;
        purged += 1;
    }
    Ok(purged)
}

/// A write that changes nothing but itself.
pub(super) fn beat(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE pulse SET beats = beats + 1")?.execute([]).map(|_| ())
}

/// Whether an operator wants no calls.
pub(super) fn is_paused(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT paused FROM standing")?.query_row([], |row| row.get(0))
}

/// Says so, or the contrary, and whether that is new.
pub(super) fn pause(connection: &Connection, pause: bool) -> rusqlite::Result<bool> {
    let changed = connection.prepare_cached("UPDATE standing SET paused = ?1 WHERE paused <> ?1")?.execute([pause])?;
    Ok(changed > 0)
}
