//! The end of a change: its outcome, and what else goes with it.
//! Knows nothing of why it ends.

use rusqlite::{Connection, params};

use super::queue::Queued;
use super::types::Finished;
use super::{brake, codec, schedule};
use crate::domain::{ChangeId, EventId, Outcome};

const END: &str = "UPDATE changes SET outcome = ?2, superseded_by = ?3, reason = coalesce(?4, reason), \
    membership_id = coalesce(?5, membership_id), due_at = NULL, not_before = NULL, leased = 0, covered_by = NULL, \
    dormant = 0, held = 0, attempts = attempts + (?6 IS NOT NULL), first_attempt_at = coalesce(first_attempt_at, ?6) \
    WHERE id = ?1 AND outcome IS NULL";

/// How a change ends.
pub(super) struct End<'a> {
    pub(super) outcome: Outcome,
    pub(super) superseded_by: Option<i64>,
    pub(super) reason: Option<&'a str>,
    pub(super) membership_id: Option<&'a str>,
    /// When the attempt was made that ended it, where it counts.
    pub(super) attempt_at: Option<i64>,
}

impl<'a> End<'a> {
    pub(super) fn superseded(by: i64) -> Self {
        Self { superseded_by: Some(by), ..Self::without_call(Outcome::Superseded, None) }
    }

    pub(super) fn without_call(outcome: Outcome, reason: Option<&'a str>) -> Self {
        Self { outcome, superseded_by: None, reason, membership_id: None, attempt_at: None }
    }
}

/// Writes the end of one change, and says whether it had none yet; what the brake counted of it is the caller's to settle.
pub(super) fn write(connection: &Connection, row: i64, end: &End<'_>) -> rusqlite::Result<bool> {
    let values = params![row, end.outcome.name(), end.superseded_by, end.reason, end.membership_id, end.attempt_at];
    Ok(connection.prepare_cached(END)?.execute(values)? == 1)
}

/// Ends a change without a call, and the revoke that was scheduled for it.
pub(super) fn without_call(
    connection: &Connection,
    mut queued: Queued,
    end: &End<'_>,
    finished: &mut Vec<Finished>,
) -> rusqlite::Result<()> {
    if !write(connection, queued.row, end)? {
        // The end of a grant took it along.
        return Ok(());
    }
    brake::drop_expected(connection, &queued)?;
    if queued.limited {
        schedule::grant_ended(connection, &queued, end.superseded_by.unwrap_or(queued.row), finished)?;
    }
    queued.change.superseded_by = end.superseded_by.map(|row| change_id(connection, row)).transpose()?.flatten();
    finished.push(Finished {
        change: queued.change,
        event: queued.event,
        outcome: end.outcome,
        attempts: queued.attempts,
        reason: end.reason.map(str::to_owned),
    });
    Ok(())
}

/// The id of a change; none where its event was purged.
pub(super) fn change_id(connection: &Connection, row: i64) -> rusqlite::Result<Option<ChangeId>> {
    let mut statement = connection.prepare_cached("SELECT id FROM events WHERE seq = ?1")?;
    let mut rows = statement.query([codec::seq_of(row)])?;
    let Some(event) = rows.next()? else { return Ok(None) };
    Ok(Some(ChangeId { event: EventId::from_bytes(event.get(0)?), index: codec::index_of(row) }))
}
