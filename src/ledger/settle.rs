//! Settling: what an attempt came to, for its change and for those that it stands for.
//! Runs inside the writer's transaction; knows nothing of retries.

use rusqlite::{Connection, params};

use super::ending::{self, End};
use super::queue::{self, Queued};
use super::types::{Finished, Next, Settled, Settlement};
use super::{applied, brake, schedule};
use crate::domain::{Attempt, MembershipKey, Outcome};

pub(super) fn settle(connection: &Connection, settlement: &Settlement) -> rusqlite::Result<Settled> {
    let lease = settlement.lease.cast_signed();
    let claimed = queue::claimed(connection, settlement.ticket.0)?;
    let Some((claimed, alone)) = claimed.filter(|(claimed, _)| claimed.leased && claimed.lease == lease) else {
        return Ok(Settled::Stale);
    };
    if let Some(attempt) = &settlement.attempt {
        insert_attempt(connection, claimed.row, lease, attempt)?;
    }
    if settlement.lowers {
        brake::expect(connection, &claimed.change.key, &claimed.event.sender, claimed.row)?;
    }
    let mut finished = Vec::new();
    match &settlement.next {
        Next::Done { .. } => done(connection, &claimed, alone, settlement, &mut finished)?,
        Next::Again { .. } | Next::Held { .. } | Next::Found { .. } => go_on(connection, claimed, settlement)?,
    }
    Ok(Settled::Recorded { finished })
}

/// When the attempt was made, where it counts.
fn counted(settlement: &Settlement) -> Option<i64> {
    settlement.attempt.as_ref().filter(|_| settlement.counted).map(|attempt| attempt.at.as_millisecond())
}

/// Without a call nothing took effect, and nobody asks when.
fn ended_at(attempt: Option<&Attempt>) -> i64 {
    attempt.map_or(0, |attempt| attempt.at.as_millisecond().saturating_add(attempt.duration_ms.into()))
}

const INSERT_ATTEMPT: &str = "INSERT INTO attempts (change, lease, at, status, code, duration_ms, trace_id) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

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

fn count(connection: &Connection, row: i64, at: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE changes SET attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, ?2) \
        WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![row, at]).map(drop)
}

const AGAIN: &str = "UPDATE changes SET step = ?2, not_before = ?3, reason = ?4, leased = 0, \
    answer_lost = answer_lost OR ?5 WHERE id = ?1";
const HELD: &str = "UPDATE changes SET held = 1, not_before = NULL, reason = ?2, leased = 0 WHERE id = ?1";

fn go_on(connection: &Connection, claimed: Queued, settlement: &Settlement) -> rusqlite::Result<()> {
    let key = claimed.change.key.clone();
    if let Some(at) = counted(settlement) {
        count(connection, claimed.row, at)?;
    }
    match &settlement.next {
        Next::Again { step, due_at, reason, answer_lost } => {
            let values = params![claimed.row, step.to_text(), due_at.as_millisecond(), reason, answer_lost];
            connection.prepare_cached(AGAIN)?.execute(values).map(drop)?;
        }
        Next::Held { reason } => connection.prepare_cached(HELD)?.execute(params![claimed.row, reason]).map(drop)?,
        Next::Found { key: other } => found(connection, claimed, other)?,
        Next::Done { .. } => {}
    }
    queue::arrange(connection, &key.organization.to_text(), &key.user.to_text())
}

/// Ends a change. Most are alone in their queue: nothing else goes with them.
fn done(
    connection: &Connection,
    claimed: &Queued,
    alone: bool,
    settlement: &Settlement,
    finished: &mut Vec<Finished>,
) -> rusqlite::Result<()> {
    let Next::Done { outcome, membership_id, reason } = &settlement.next else { return Ok(()) };
    let (membership_id, reason) = (membership_id.as_deref(), reason.as_deref());
    let end = End { membership_id, attempt_at: counted(settlement), ..End::without_call(*outcome, reason) };
    ending::write(connection, claimed.row, &end)?;
    let may_count = settlement.lowers || brake::may_be_expected(claimed);
    if may_count && brake::drop_expected(connection, claimed)? && matches!(outcome, Outcome::Revoked | Outcome::Updated)
    {
        brake::done(connection, claimed, ended_at(settlement.attempt.as_ref()))?;
    }
    match alone {
        true if applied::applies(*outcome) => applied::note(connection, &claimed.change.key, claimed.row, claimed.time),
        true => Ok(()),
        false => among_others(connection, claimed, *outcome, finished),
    }
}

/// Ends, with a change, those that it stood for; where it is dead they go on by themselves.
fn among_others(
    connection: &Connection,
    claimed: &Queued,
    outcome: Outcome,
    finished: &mut Vec<Finished>,
) -> rusqlite::Result<()> {
    let covered = covered(connection, claimed)?;
    if outcome == Outcome::Dead {
        dead(connection, claimed, finished)?;
    } else {
        let time = covered.iter().map(|one| one.time).fold(claimed.time, Option::max);
        // One that was passed over for its age has not taken effect.
        let counts = |one: &&Queued| one.time.zip(time).is_none_or(|(own, newest)| own >= newest);
        let newest = covered.iter().filter(counts).map(|one| one.row).fold(claimed.row, i64::max);
        for one in covered {
            ending::without_call(connection, one, &End::superseded(claimed.row), finished)?;
        }
        if applied::applies(outcome) {
            applied::note(connection, &claimed.change.key, newest, time)?;
            schedule::took_effect(connection, claimed, outcome, finished)?;
        } else {
            schedule::grant_ended(connection, claimed, claimed.row, finished)?;
        }
    }
    queue::arrange(connection, &claimed.change.key.organization.to_text(), &claimed.change.key.user.to_text())
}

fn dead(connection: &Connection, claimed: &Queued, finished: &mut Vec<Finished>) -> rusqlite::Result<()> {
    free(connection, claimed)?;
    schedule::grant_ended(connection, claimed, claimed.row, finished)
}

/// Those that a change stands for.
pub(super) fn covered(connection: &Connection, leader: &Queued) -> rusqlite::Result<Vec<Queued>> {
    let key = &leader.change.key;
    let queue = queue::read(connection, &key.organization.to_text(), &key.user.to_text())?;
    Ok(queue.into_iter().filter(|one| one.covered_by == Some(leader.row)).collect())
}

const FREE: &str = "UPDATE changes SET covered_by = NULL WHERE id IN (SELECT id FROM changes INDEXED BY change_queue \
    WHERE organization = ?1 AND user = ?2 AND outcome IS NULL AND dormant = 0 AND covered_by = ?3)";

/// Lets go of those that a change stood for.
pub(super) fn free(connection: &Connection, leader: &Queued) -> rusqlite::Result<()> {
    let key = &leader.change.key;
    let values = params![key.organization.to_text(), key.user.to_text(), leader.row];
    connection.prepare_cached(FREE)?.execute(values).map(drop)
}

const MOVE: &str = "UPDATE changes SET due_at = NULL, not_before = NULL, leased = 0, \
    covered_by = CASE WHEN ?2 THEN covered_by END, replaces = CASE WHEN ?2 THEN replaces ELSE 0 END WHERE id = ?1";

/// A name was looked up, for the change and for those that it stands for: all join the queue of the new key.
///
/// Where an id turned out to be out of date, only the change itself goes back to its name: the others may have been told the
/// id by their own events.
fn found(connection: &Connection, claimed: Queued, key: &MembershipKey) -> rusqlite::Result<()> {
    let goes_back = claimed.change.key.member().is_some() && key.member().is_none();
    let mut moved = if goes_back { Vec::new() } else { covered(connection, &claimed)? };
    if goes_back {
        free(connection, &claimed)?;
    }
    // One whose answer was lost is not planned anew: it still stands for the same ones.
    let stands = claimed.answer_lost && !goes_back;
    moved.push(claimed);
    for one in &moved {
        let counted = brake::drop_expected(connection, one)?;
        schedule::follow(connection, one, key)?;
        schedule::rename(connection, one, key)?;
        connection.prepare_cached(MOVE)?.execute(params![one.row, stands])?;
        if counted {
            brake::expect(connection, key, &one.event.sender, one.row)?;
        }
    }
    queue::arrange(connection, &key.organization.to_text(), &key.user.to_text())
}
