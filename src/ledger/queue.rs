//! The queue of a membership: which of its changes stands for the others, and when to look at it again.
//! The oldest of a queue carries the time; looking too early costs a look and nothing else.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::{self, Columns, change_columns};
use super::types::ClaimedEvent;
use crate::domain::{Change, EventId, MembershipKey, Plan, Step, Waiting, plan};

/// An unfinished change, with all that decides how it goes on.
pub(super) struct Queued {
    pub(super) row: i64,
    pub(super) change: Change,
    pub(super) event: ClaimedEvent,
    /// When its event happened, where the event says so; its acceptance, where it says something later.
    pub(super) time: Option<Timestamp>,
    pub(super) step: Step,
    pub(super) attempts: u32,
    pub(super) first_attempt_at: Option<Timestamp>,
    pub(super) due_at: Option<i64>,
    pub(super) not_before: Option<i64>,
    pub(super) leased: bool,
    pub(super) lease: i64,
    pub(super) answer_lost: bool,
    pub(super) covered_by: Option<i64>,
    pub(super) replaces: bool,
    pub(super) held: bool,
    pub(super) released: bool,
    pub(super) forced: bool,
    pub(super) limited: bool,
}

macro_rules! queued {
    ($which:literal) => {
        queued!("", $which)
    };
    ($more:literal, $which:literal) => {
        concat!(
            "SELECT e.id, e.sender, e.kind, e.received_at, e.time, ",
            change_columns!(),
            ", c.id, c.step, c.attempts, c.first_attempt_at, c.due_at, c.not_before, c.leased, c.lease, \
             c.answer_lost, c.covered_by, c.replaces, c.held, c.released, c.forced, EXISTS (SELECT 1 FROM changes d WHERE d.id = c.id + 1 AND d.ends = c.id AND d.outcome IS NULL) \
             ",
            $more,
            " FROM changes c ",
            $which
        )
    };
}

const QUEUE: &str = queued!(
    "INDEXED BY change_queue JOIN events e ON e.seq = c.id >> 24 \
     WHERE c.organization = ?1 AND c.user = ?2 AND c.outcome IS NULL AND c.dormant = 0 ORDER BY c.id"
);
const DORMANT: &str = queued!(
    "INDEXED BY change_dormant JOIN events e ON e.seq = c.id >> 24 \
     WHERE c.organization = ?1 AND c.user = ?2 AND c.dormant = 1 ORDER BY c.id"
);
const ONE: &str = queued!("JOIN events e ON e.seq = c.id >> 24 WHERE c.id = ?1");

/// And whether its membership has no other change that is unfinished or scheduled.
const CLAIMED: &str = queued!(
    ", NOT EXISTS (SELECT 1 FROM changes o INDEXED BY change_queue WHERE o.organization = c.organization \
         AND o.user = c.user AND o.outcome IS NULL AND o.dormant = 0 AND o.id <> c.id) \
     AND NOT EXISTS (SELECT 1 FROM changes o INDEXED BY change_dormant WHERE o.organization = c.organization \
         AND o.user = c.user AND o.dormant = 1)",
    "JOIN events e ON e.seq = c.id >> 24 WHERE c.id = ?1"
);

/// The queue, the oldest first.
pub(super) fn read(connection: &Connection, organization: &str, user: &str) -> rusqlite::Result<Vec<Queued>> {
    connection.prepare_cached(QUEUE)?.query_map([organization, user], queued)?.collect()
}

/// The scheduled changes of a membership whose time has not come.
pub(super) fn dormant(connection: &Connection, organization: &str, user: &str) -> rusqlite::Result<Vec<Queued>> {
    connection.prepare_cached(DORMANT)?.query_map([organization, user], queued)?.collect()
}

/// A change, finished or not.
pub(super) fn one(connection: &Connection, row: i64) -> rusqlite::Result<Option<Queued>> {
    connection.prepare_cached(ONE)?.query_row([row], queued).optional()
}

/// A change, and whether it is alone: its membership has no other one that is unfinished or scheduled.
pub(super) fn claimed(connection: &Connection, row: i64) -> rusqlite::Result<Option<(Queued, bool)>> {
    let read = |row: &Row<'_>| {
        let mut columns = Columns::of(row);
        Ok((in_order(&mut columns)?, columns.take()?))
    };
    connection.prepare_cached(CLAIMED)?.query_row([row], read).optional()
}

fn queued(row: &Row<'_>) -> rusqlite::Result<Queued> {
    in_order(&mut Columns::of(row))
}

fn in_order(columns: &mut Columns<'_>) -> rusqlite::Result<Queued> {
    let id = EventId::from_bytes(columns.take()?);
    let (sender, kind) = (columns.parsed()?, columns.parsed()?);
    let event = ClaimedEvent { sender, kind, received_at: codec::timestamp(columns.take()?)? };
    let time: Option<Timestamp> =
        columns.text_or_null()?.map(|text| text.parse().map_err(codec::unreadable)).transpose()?;
    Ok(Queued {
        // Never newer than its acceptance: one clock that is ahead must not make what honest ones send after it look old.
        time: time.map(|time| time.min(event.received_at)),
        event,
        // From here in the order of the columns.
        change: codec::change(columns, id)?,
        row: columns.take()?,
        step: columns.word()?,
        attempts: columns.take()?,
        first_attempt_at: columns.optional_time()?,
        due_at: columns.take()?,
        not_before: columns.take()?,
        leased: columns.take()?,
        lease: columns.take()?,
        answer_lost: columns.take()?,
        covered_by: columns.take()?,
        replaces: columns.take()?,
        held: columns.take()?,
        released: columns.take()?,
        forced: columns.take()?,
        limited: columns.take()?,
    })
}

impl Queued {
    /// A call for it may still be on its way, or may have taken effect without an answer. Not so once an operator is
    /// asked: then the call is long over, and what comes behind it must not wait for an operator.
    fn stands_alone(&self) -> bool {
        self.leased || self.answer_lost && !self.held
    }
}

/// Which change of a queue is made next; the ones it stands for are marked by its row in `covers`.
pub(super) struct Lead {
    pub(super) place: usize,
    pub(super) replaces: bool,
    /// For each change of the queue, whether the leader stands for it.
    pub(super) covers: Vec<bool>,
}

/// The lead of a queue that is not empty.
pub(super) fn lead(queue: &[Queued]) -> Option<Lead> {
    // One that is leased comes before one whose answer was lost before: two names of a membership may each have one.
    let alone = queue.iter().position(|one| one.leased).or_else(|| queue.iter().position(Queued::stands_alone));
    if let Some(place) = alone {
        let (row, replaces) = (queue[place].row, queue[place].replaces);
        let covers = queue.iter().map(|one| one.covered_by == Some(row)).collect();
        return Some(Lead { place, replaces, covers });
    }
    let grant_of = |one: &Queued| {
        let row = codec::row_of(codec::seq_of(one.row), one.change.schedule?.grant);
        queue.iter().position(|grant| grant.row == row)
    };
    let Plan { leader, replaces, length } = plan(queue.iter().map(|one| {
        let ends = grant_of(one);
        Waiting { action: &one.change.action, time: one.time, limited: one.limited, ends }
    }))?;
    let covers = (0..queue.len()).map(|place| place < length && place != leader).collect();
    Some(Lead { place: leader, replaces, covers })
}

/// When to look at a queue again, going by its lead; never where an operator must speak first.
pub(super) fn look_at(queue: &[Queued], lead: &Lead) -> Option<i64> {
    let leader = &queue[lead.place];
    if leader.held && !leader.leased {
        return None;
    }
    // A queue is as old as its oldest, so that it keeps its place among the others.
    let since = queue.iter().map(|one| one.event.received_at.as_millisecond()).min();
    leader.not_before.or(since)
}

/// Puts the time of the next look where it belongs, after anything that changed a queue.
pub(super) fn arrange(connection: &Connection, organization: &str, user: &str) -> rusqlite::Result<()> {
    let queue = match read(connection, organization, user) {
        Ok(queue) => queue,
        // It is said when it is claimed.
        Err(rusqlite::Error::FromSqlConversionFailure(..)) => return look_at_once(connection, organization, user),
        Err(error) => return Err(error),
    };
    let Some(lead) = lead(&queue) else { return Ok(()) };
    cover(connection, &queue, &lead)?;
    set_due(connection, &queue, look_at(&queue, &lead))
}

const LOOK_AT_ONCE: &str = "UPDATE changes SET due_at = (SELECT received_at FROM events WHERE seq = changes.id >> 24) \
    WHERE id = (SELECT min(id) FROM changes INDEXED BY change_queue \
        WHERE organization = ?1 AND user = ?2 AND outcome IS NULL AND dormant = 0)";

fn look_at_once(connection: &Connection, organization: &str, user: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(LOOK_AT_ONCE)?.execute([organization, user]).map(drop)
}

/// Marks what the leader stands for, and nothing else.
pub(super) fn cover(connection: &Connection, queue: &[Queued], lead: &Lead) -> rusqlite::Result<()> {
    let leader = queue[lead.place].row;
    for (one, covered) in queue.iter().zip(&lead.covers) {
        let wanted = covered.then_some(leader);
        if one.covered_by != wanted {
            let mut statement = connection.prepare_cached("UPDATE changes SET covered_by = ?2 WHERE id = ?1")?;
            statement.execute(params![one.row, wanted])?;
        }
    }
    Ok(())
}

/// Writes the time of the next look to the oldest and takes it from all others.
pub(super) fn set_due(connection: &Connection, queue: &[Queued], due_at: Option<i64>) -> rusqlite::Result<()> {
    set_due_but(connection, queue, due_at, None)
}

/// As [`set_due`], but for one that is written by whoever asks.
pub(super) fn set_due_but(
    connection: &Connection,
    queue: &[Queued],
    due_at: Option<i64>,
    but: Option<usize>,
) -> rusqlite::Result<()> {
    for (place, one) in queue.iter().enumerate().filter(|(place, _)| Some(*place) != but) {
        let wanted = due_at.filter(|_| place == 0);
        if one.due_at != wanted {
            let mut statement = connection.prepare_cached("UPDATE changes SET due_at = ?2 WHERE id = ?1")?;
            statement.execute(params![one.row, wanted])?;
        }
    }
    Ok(())
}

/// The row of the oldest in the queue of a key.
pub(super) fn oldest(connection: &Connection, key: &MembershipKey) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM changes INDEXED BY change_queue \
         WHERE organization = ?1 AND user = ?2 AND outcome IS NULL AND dormant = 0 ORDER BY id LIMIT 1",
    )?;
    statement.query_row([key.organization.to_text(), key.user.to_text()], |row| row.get(0)).optional()
}

const LOOK_AGAIN: &str = "UPDATE changes SET urgent = urgent OR ?3, due_at = min(coalesce(due_at, ?2), ?2) \
    WHERE id = ?1 AND (due_at IS NULL OR due_at > ?2 AND ?4 OR ?3)";

/// A change came behind this one, the oldest of its queue: it may take the place of one that is held or waits for another
/// attempt.
pub(super) fn look_again(
    connection: &Connection,
    oldest: i64,
    now: Timestamp,
    urgent: bool,
    takes_over: bool,
) -> rusqlite::Result<()> {
    let values = params![oldest, now.as_millisecond(), urgent, takes_over];
    connection.prepare_cached(LOOK_AGAIN)?.execute(values).map(drop)
}
