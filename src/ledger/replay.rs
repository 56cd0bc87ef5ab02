//! Trying dead changes again, and events whose rules failed; and hearing no more of them.
//! Runs inside the writer's transaction, but for the preview; evaluates no rules.

use rusqlite::{Connection, OptionalExtension, params};

use super::ending::{self, End};
use super::prepare::failure_json;
use super::queue::{self, Queued};
use super::sqlite::{Standing, ended_at_once, insert_change};
use super::store::Store;
use super::types::{Finished, LetterFilter, LetterId, Preview, Reconsidered, Replay, Replayed};
use super::{applied, brake, codec, find, letters, schedule, settle};
use crate::domain::{Action, Change, ChangeId, EventId, MembershipKey, Outcome, RuleFailure, SenderName};

/// What a replay of each would come to now.
pub(super) fn preview(connection: &Connection, filter: &LetterFilter, limit: usize) -> rusqlite::Result<Vec<Preview>> {
    preview_rows(connection, &letters::dead(connection, filter, limit)?)
}

pub(super) fn preview_rows(connection: &Connection, rows: &[i64]) -> rusqlite::Result<Vec<Preview>> {
    let mut previews = Vec::new();
    for &row in rows {
        let Some(queued) = queue::one(connection, row)? else { continue };
        let would = later(connection, &queued)?.unwrap_or(Replay::Retried);
        previews.push(Preview { change: queued.change, event: queued.event, would });
    }
    Ok(previews)
}

/// What took effect after it.
fn later(connection: &Connection, queued: &Queued) -> rusqlite::Result<Option<Replay>> {
    let key = &queued.change.key;
    let applied = applied::last(connection, &key.organization.to_text(), &key.user.to_text())?;
    let Some(applied) = applied.filter(|applied| applied.is_later_than(queued)) else { return Ok(None) };
    Ok(Some(Replay::Superseded { by: ending::change_id(connection, applied.row)? }))
}

/// Tries a dead change again, from its beginning and with the names its sender gave.
pub(super) fn replay(store: &Store, change: ChangeId, force: bool) -> rusqlite::Result<Replay> {
    let Some(row) = letters::row_of(store, change)? else { return Ok(Replay::Unknown) };
    replay_row(store, row, force)
}

/// Tries all that fit again, up to a limit, the latest first; those refused stay dead.
pub(super) fn replay_all(connection: &Connection, filter: &LetterFilter, limit: usize) -> rusqlite::Result<Replayed> {
    replay_rows(connection, &letters::dead(connection, filter, limit)?)
}

pub(super) fn replay_rows(connection: &Connection, rows: &[i64]) -> rusqlite::Result<Replayed> {
    let mut replayed = Replayed::default();
    for &row in rows {
        match replay_row(connection, row, false)? {
            Replay::Retried => replayed.retried += 1,
            Replay::Superseded { .. } => replayed.superseded += 1,
            Replay::NotDead | Replay::Unknown => {}
        }
    }
    Ok(replayed)
}

fn replay_row(connection: &Connection, row: i64, force: bool) -> rusqlite::Result<Replay> {
    let Some(outcome) = outcome_of(connection, row)? else { return Ok(Replay::Unknown) };
    let Some(queued) = queue::one(connection, row)?.filter(|_| outcome.as_deref() == Some(Outcome::Dead.name())) else {
        return Ok(Replay::NotDead);
    };
    match later(connection, &queued)? {
        Some(refused) if !force => Ok(refused),
        _ => revive(connection, row, force).map(|()| Replay::Retried),
    }
}

/// None where there is no such change, some none where it is not settled.
#[expect(clippy::option_option, reason = "there is no change, or it has no outcome")]
fn outcome_of(connection: &Connection, row: i64) -> rusqlite::Result<Option<Option<String>>> {
    let mut statement = connection.prepare_cached("SELECT outcome FROM changes WHERE id = ?1")?;
    statement.query_row([row], |row| row.get(0)).optional()
}

const REVIVE: &str = "UPDATE changes SET outcome = NULL, organization = coalesce(named_organization, organization), \
    user = coalesce(named_user, user), named_organization = NULL, named_user = NULL, attempts = 0, \
    first_attempt_at = NULL, released = 0, replaces = 0, discarded = 0, forced = ?2, reason = NULL, \
    membership_id = NULL WHERE id = ?1";

fn revive(connection: &Connection, row: i64, force: bool) -> rusqlite::Result<()> {
    connection.prepare_cached(REVIVE)?.execute(params![row, force])?;
    schedule::revive(connection, row, force)?;
    let Some(queued) = begin_again(connection, row)? else { return Ok(()) };
    let key = &queued.change.key;
    if queued.change.action == Action::Revoke {
        brake::expect(connection, key, &queued.event.sender, row)?;
    }
    queue::arrange(connection, &key.organization.to_text(), &key.user.to_text())
}

/// The first call of a change that has another key now.
pub(super) fn begin_again(connection: &Connection, row: i64) -> rusqlite::Result<Option<Queued>> {
    let Some(queued) = queue::one(connection, row)? else { return Ok(None) };
    let step = queued.change.first_step().to_text();
    connection.prepare_cached("UPDATE changes SET step = ?2 WHERE id = ?1")?.execute(params![row, step])?;
    Ok(Some(queued))
}

/// Hears no more of a dead letter, or ends a held change; none where there is neither.
pub(super) fn discard(store: &Store, letter: &LetterId, reason: &str) -> rusqlite::Result<Option<Vec<Finished>>> {
    match letter {
        LetterId::Event(event) => {
            let Some(seq) = store.seq_of(*event)? else { return Ok(None) };
            let sql = "UPDATE events SET discarded = ?2 WHERE seq = ?1 AND failure IS NOT NULL AND discarded IS NULL";
            let written = store.prepare_cached(sql)?.execute(params![seq, reason])?;
            Ok((written == 1).then(Vec::new))
        }
        LetterId::Change(change) => match letters::row_of(store, *change)? {
            Some(row) => discard_change(store, row, reason),
            None => Ok(None),
        },
    }
}

const DISCARD: &str = "UPDATE changes SET discarded = 1, reason = coalesce(reason || '; ', '') || 'discarded: ' || ?2 \
    WHERE id = ?1 AND outcome = 'dead' AND discarded = 0";

fn discard_change(connection: &Connection, row: i64, reason: &str) -> rusqlite::Result<Option<Vec<Finished>>> {
    let mut finished = Vec::new();
    if let Some(held) = queue::one(connection, row)?.filter(|queued| queued.held) {
        let key = held.change.key.clone();
        settle::free(connection, &held)?;
        let end = End::without_call(Outcome::Dead, None);
        ending::without_call(connection, held, &end, &mut finished)?;
        queue::arrange(connection, &key.organization.to_text(), &key.user.to_text())?;
    }
    let written = connection.prepare_cached(DISCARD)?.execute(params![row, reason])?;
    Ok((written == 1).then_some(finished))
}

/// Puts what the rules of today make of an event in the place of what they failed to make of it before.
pub(super) fn reconsider(
    store: &Store,
    event: EventId,
    verdict: Result<Vec<Change>, RuleFailure>,
) -> rusqlite::Result<Reconsidered> {
    let Some(seq) = store.seq_of(event)? else { return Ok(Reconsidered::Unknown) };
    let failure = verdict.as_ref().err().map(failure_json);
    let sql = "UPDATE events SET failure = ?2, discarded = NULL WHERE seq = ?1 AND failure IS NOT NULL";
    if store.prepare_cached(sql)?.execute(params![seq, failure])? == 0 {
        return Ok(Reconsidered::NotFailed);
    }
    let mut sender = store.prepare_cached("SELECT sender FROM events WHERE seq = ?1")?;
    let sender = sender.query_row([seq], |row| codec::parsed(row, "sender"))?;
    insert(store, seq, &sender, verdict.unwrap_or_default())?;
    let record = find::numbered(store, seq, event)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(Reconsidered::Recorded(Box::new(record)))
}

/// They join their queues where their event stands, which may be before others.
fn insert(store: &Store, seq: i64, sender: &SenderName, changes: Vec<Change>) -> rusqlite::Result<()> {
    let mut gone: Vec<(u32, Option<ChangeId>)> = Vec::new();
    let mut keys: Vec<MembershipKey> = Vec::new();
    for mut change in changes {
        let outcome = ended_at_once(&mut change, |grant| gone.iter().find(|(index, _)| *index == grant)?.1);
        let due_at = change.schedule.filter(|_| outcome.is_none()).map(|schedule| schedule.at);
        insert_change(store, seq, &change, Standing { sender, urgent: false, due_at, outcome })?;
        gone.push((change.id.index, change.superseded_by));
        keys.push(change.key);
    }
    for key in keys {
        queue::arrange(store, &key.organization.to_text(), &key.user.to_text())?;
    }
    Ok(())
}
