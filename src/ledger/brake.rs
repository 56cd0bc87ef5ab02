//! What the brake counts, and what it holds: changes that end or lower a membership.
//! Counts up to a limit that it is given; says nothing of what is too many.

use rusqlite::{Connection, params};

use super::queue::Queued;
use crate::domain::{Action, Brake, Existing, MembershipKey, SenderName, Step};

/// When those are done that are yet to come.
const TO_COME: i64 = i64::MAX;

const EXPECT: &str = "INSERT OR IGNORE INTO removals (organization, sender, done_at, change) VALUES (?1, ?2, ?3, ?4)";
const DROP: &str = "DELETE FROM removals WHERE organization = ?1 AND sender = ?2 AND done_at = ?3 AND change = ?4";

/// A change of this sender is going to end or lower a membership.
pub(super) fn expect(
    connection: &Connection,
    key: &MembershipKey,
    sender: &SenderName,
    row: i64,
) -> rusqlite::Result<()> {
    let values = params![key.organization.to_text(), sender.as_str(), TO_COME, row];
    connection.prepare_cached(EXPECT)?.execute(values).map(drop)
}

/// Whether it can be: of a grant only the settlement of an earlier lease tells.
pub(super) fn may_be_expected(queued: &Queued) -> bool {
    queued.change.action == Action::Revoke || queued.lease > 1
}

/// It is not going to any more, under this key. Says whether it was.
pub(super) fn drop_expected(connection: &Connection, queued: &Queued) -> rusqlite::Result<bool> {
    let values = params![queued.change.key.organization.to_text(), queued.event.sender.as_str(), TO_COME, queued.row];
    Ok(connection.prepare_cached(DROP)?.execute(values)? == 1)
}

/// It did.
pub(super) fn done(connection: &Connection, queued: &Queued, at: i64) -> rusqlite::Result<()> {
    let values = params![queued.change.key.organization.to_text(), queued.event.sender.as_str(), at, queued.row];
    connection.prepare_cached(EXPECT)?.execute(values).map(drop)
}

/// Whether a change can end or lower a membership.
fn can_remove(queued: &Queued, replaces: bool) -> bool {
    match &queued.change.action {
        Action::Revoke => true,
        Action::Grant(grant) => replaces || grant.existing == Existing::Replace,
    }
}

/// How many of its sender and organization count now, this one included and up to one more than the limit; 0 where its
/// next call tells nothing of it.
pub(super) fn removals(
    connection: &Connection,
    queued: &Queued,
    replaces: bool,
    brake: Option<Brake>,
    now: i64,
) -> rusqlite::Result<u32> {
    let Some(brake) = brake.filter(|_| can_remove(queued, replaces) && decides(&queued.step)) else { return Ok(0) };
    let (organization, sender) = (queued.change.key.organization.to_text(), queued.event.sender.as_str());
    if queued.step == Step::Update && !is_expected(connection, queued)? {
        // It raises a role.
        return Ok(0);
    }
    let window = i64::try_from(brake.window.as_millis()).unwrap_or(i64::MAX);
    let since = now.saturating_sub(window);
    let over = "DELETE FROM removals WHERE organization = ?1 AND sender = ?2 AND done_at <= ?3";
    connection.prepare_cached(over)?.execute(params![organization, sender, since])?;
    let count = "SELECT count(*) FROM (SELECT 1 FROM removals \
        WHERE organization = ?1 AND sender = ?2 AND change <> ?3 LIMIT ?4)";
    let others: u32 = connection
        .prepare_cached(count)?
        .query_row(params![organization, sender, queued.row, brake.limit], |row| row.get(0))?;
    Ok(others + 1)
}

fn is_expected(connection: &Connection, queued: &Queued) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM removals \
        WHERE organization = ?1 AND sender = ?2 AND done_at = ?3 AND change = ?4)";
    let values = params![queued.change.key.organization.to_text(), queued.event.sender.as_str(), TO_COME, queued.row];
    connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))
}

/// Whether it is at this call, or after it, that a membership is ended or lowered.
fn decides(step: &Step) -> bool {
    matches!(step, Step::Inspect | Step::Update | Step::CountMembers | Step::Delete)
}

const FORGET: &str = "DELETE FROM removals WHERE (organization, sender, done_at, change) IN \
    (SELECT r.organization, r.sender, r.done_at, r.change FROM changes c JOIN removals r \
     ON r.organization = c.organization AND r.sender = c.sender AND r.done_at <= ?3 \
     WHERE c.id >= ?1 AND c.id < ?2 AND c.outcome IN ('revoked', 'updated'))";

/// Forgets, with an event that is purged, whatever its sender did in its organizations before that time.
pub(super) fn forget(connection: &Connection, rows: [i64; 2], before: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(FORGET)?.execute([rows[0], rows[1], before]).map(drop)
}
