//! Claiming: sender by sender in turn, the queue of a membership at a time; runs inside the writer's transaction.
//! Knows nothing of what becomes of a claim.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::types::{Claim, ClaimRequest, Claimed, Finished, Settled, Ticket};
use super::{applied, brake, codec, queue, schedule};
use crate::domain::{Brakes, SenderName};
use queue::{Lead, Queued};

/// How many queues may be looked at in vain for each change that is wanted: bounds what one claim costs.
const LOOKS: usize = 64;

/// When this is, until when what is claimed is leased, and what is counted.
struct Terms<'a> {
    now: i64,
    lapses: i64,
    brakes: &'a Brakes,
}

pub(super) fn claim(connection: &Connection, request: ClaimRequest) -> rusqlite::Result<Claimed> {
    let ClaimRequest { now, limit, lease, mut turns, brakes } = request;
    let now = now.as_millisecond();
    let lapses = now.saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX));
    let terms = Terms { now, lapses, brakes: &brakes };
    let (mut claims, mut finished) = (Vec::new(), Vec::new());
    let mut waiting = senders(connection, now)?;
    let mut looks = limit.saturating_mul(LOOKS);
    while claims.len() < limit && looks > 0 {
        let Some(sender) = turns.next(waiting.iter()).cloned() else { break };
        match claim_of(connection, &sender, &terms, &mut looks, &mut finished)? {
            Some(claim) => claims.push(claim),
            None => waiting.retain(|other| *other != sender),
        }
    }
    Ok(Claimed { claims, turns, finished })
}

/// Senders with something to look at; jumps from one to the next and from there to its first.
const SENDERS: &str = "WITH RECURSIVE waiting (sender) AS ( \
        SELECT min(sender) FROM changes INDEXED BY change_due WHERE due_at IS NOT NULL \
        UNION ALL SELECT (SELECT min(sender) FROM changes INDEXED BY change_due \
            WHERE due_at IS NOT NULL AND sender > waiting.sender) FROM waiting WHERE sender IS NOT NULL) \
    SELECT sender FROM waiting WHERE sender IS NOT NULL AND EXISTS (SELECT 1 FROM changes c INDEXED BY change_due \
        WHERE c.sender = waiting.sender AND c.urgent IN (0, 1) AND c.due_at <= ?1)";

fn senders(connection: &Connection, now: i64) -> rusqlite::Result<Vec<SenderName>> {
    connection.prepare_cached(SENDERS)?.query_map([now], |row| codec::parsed(row, "sender"))?.collect()
}

/// The next change of a sender, where one can be made now.
fn claim_of(
    connection: &Connection,
    sender: &SenderName,
    terms: &Terms<'_>,
    looks: &mut usize,
    finished: &mut Vec<Finished>,
) -> rusqlite::Result<Option<Claim>> {
    while *looks > 0 {
        *looks -= 1;
        let Some(due) = next(connection, sender, terms.now)? else { return Ok(None) };
        if due.dormant {
            match schedule::wake(connection, due.row) {
                Err(error @ rusqlite::Error::FromSqlConversionFailure(..)) => {
                    postpone(connection, due.row, terms.lapses, &error)?;
                }
                other => other?,
            }
        } else if let Some(claim) = look(connection, &due, terms, finished)? {
            return Ok(Some(claim));
        }
    }
    Ok(None)
}

/// The oldest of a queue to be looked at, or a dormant change to be woken.
struct Due {
    row: i64,
    organization: String,
    user: String,
    dormant: bool,
}

macro_rules! next_of {
    ($urgent:literal) => {
        concat!(
            "SELECT * FROM (SELECT id, organization, user, dormant FROM changes INDEXED BY change_due \
             WHERE sender = ?1 AND urgent = ",
            $urgent,
            " AND due_at <= ?2 ORDER BY due_at LIMIT 1)"
        )
    };
}
const NEXT: &str = concat!(next_of!(1), " UNION ALL ", next_of!(0), " LIMIT 1");

fn next(connection: &Connection, sender: &SenderName, now: i64) -> rusqlite::Result<Option<Due>> {
    let mut statement = connection.prepare_cached(NEXT)?;
    let due = statement.query_row(params![sender.as_str(), now], |row| {
        Ok(Due { row: row.get(0)?, organization: row.get(1)?, user: row.get(2)?, dormant: row.get(3)? })
    });
    due.optional()
}

/// Takes the lead of a queue under a lease, or writes when to look again.
fn look(
    connection: &Connection,
    due: &Due,
    terms: &Terms<'_>,
    finished: &mut Vec<Finished>,
) -> rusqlite::Result<Option<Claim>> {
    let queue = match queue::read(connection, &due.organization, &due.user) {
        Ok(queue) => queue,
        Err(error @ rusqlite::Error::FromSqlConversionFailure(..)) => {
            postpone(connection, due.row, terms.lapses, &error)?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let queue = applied::end_what_is_stale(connection, queue, terms.now, finished)?;
    let Some(lead) = queue::lead(&queue) else { return Ok(None) };
    queue::cover(connection, &queue, &lead)?;
    let look_at = queue::look_at(&queue, &lead);
    if look_at.is_none_or(|at| at > terms.now) {
        queue::set_due(connection, &queue, look_at)?;
        return Ok(None);
    }
    queue::set_due_but(connection, &queue, Some(terms.lapses), Some(lead.place))?;
    take(connection, queue, &lead, terms).map(Some)
}

/// What cannot be read holds up its own membership and no other; the log says so each time it is looked at.
fn postpone(connection: &Connection, row: i64, due_at: i64, error: &rusqlite::Error) -> rusqlite::Result<()> {
    tracing::error!(row, %error, "a change in the ledger, or one before it, cannot be read; it is left as it is");
    connection.prepare_cached("UPDATE changes SET due_at = ?2 WHERE id = ?1")?.execute([row, due_at]).map(drop)
}

const LEASE: &str = "UPDATE changes SET leased = 1, lease = ?2, not_before = ?3, answer_lost = ?4, replaces = ?5, \
    due_at = ?6 WHERE id = ?1";

fn take(connection: &Connection, mut queue: Vec<Queued>, lead: &Lead, terms: &Terms<'_>) -> rusqlite::Result<Claim> {
    let leader = queue.swap_remove(lead.place);
    // The oldest of a queue carries its time.
    let due_at = (lead.place == 0).then_some(terms.lapses);
    // Due although leased: whoever had it never said what became of its call.
    let answer_lost = leader.answer_lost || leader.leased && leader.step.writes();
    let (lease, replaces) = (leader.lease + 1, lead.replaces);
    let values = params![leader.row, lease, terms.lapses, answer_lost, replaces, due_at];
    connection.prepare_cached(LEASE)?.execute(values)?;
    let brake = terms.brakes.of(&leader.event.sender);
    let removals = brake::removals(connection, &leader, replaces, brake, terms.now)?;
    Ok(Claim {
        ticket: Ticket(leader.row),
        lease: lease.cast_unsigned(),
        step: leader.step,
        attempts: leader.attempts,
        first_attempt_at: leader.first_attempt_at,
        answer_lost,
        replaces,
        removals,
        released: leader.released,
        change: leader.change,
        event: leader.event,
    })
}

/// Gives a claimed change back without an attempt.
pub(super) fn release(
    connection: &Connection,
    ticket: Ticket,
    lease: u64,
    due_at: Timestamp,
) -> rusqlite::Result<Settled> {
    let sql = "UPDATE changes SET leased = 0, not_before = ?3 WHERE id = ?1 AND lease = ?2 AND leased = 1 \
        RETURNING organization, user";
    let values = params![ticket.0, lease.cast_signed(), due_at.as_millisecond()];
    let mut statement = connection.prepare_cached(sql)?;
    let key: Option<(String, String)> = statement.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((organization, user)) = key else { return Ok(Settled::Stale) };
    queue::arrange(connection, &organization, &user)?;
    Ok(Settled::Recorded { finished: Vec::new() })
}
