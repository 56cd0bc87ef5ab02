//! What was applied last to each membership: whatever is older than that is not made any more.
//! Knows nothing of how a change is made.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::codec;
use super::ending::{self, End};
use super::queue::Queued;
use super::types::Finished;
use crate::domain::{MembershipKey, Outcome};

/// The latest of what took effect.
pub(super) struct Applied {
    /// By acceptance.
    pub(super) row: i64,
    /// By the times of the events.
    time: Option<Timestamp>,
}

impl Applied {
    /// Whether this change comes too late: by the times of the events, where both say so and differ, else by acceptance.
    ///
    /// Under one name acceptance is kept anyway; of two names of one membership the first accepted may be looked up last.
    pub(super) fn is_later_than(&self, queued: &Queued) -> bool {
        match (queued.time, self.time) {
            (Some(time), Some(applied)) if time != applied => time < applied,
            _ => queued.row < self.row,
        }
    }
}

/// Whether an outcome says how the membership is now.
pub(super) fn applies(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Granted | Outcome::Updated | Outcome::Revoked | Outcome::Unchanged | Outcome::Invited => true,
        Outcome::Superseded | Outcome::Dead => false,
    }
}

pub(super) fn last(connection: &Connection, organization: &str, user: &str) -> rusqlite::Result<Option<Applied>> {
    let sql = "SELECT applied, time FROM memberships WHERE organization = ?1 AND user = ?2";
    let found = connection.prepare_cached(sql)?.query_row([organization, user], |row| {
        let time: Option<String> = row.get("time")?;
        let time = time.map(|text| text.parse().map_err(codec::unreadable)).transpose()?;
        Ok(Applied { row: row.get("applied")?, time })
    });
    found.optional()
}

const NOTE_FIRST: &str = "INSERT INTO memberships (organization, user, applied, time) VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT (organization, user) DO NOTHING";
const NOTE: &str = "UPDATE memberships SET applied = ?3, time = ?4 WHERE organization = ?1 AND user = ?2";

/// Remembers that a change took effect, with the latest time of those that it stood for.
pub(super) fn note(
    connection: &Connection,
    key: &MembershipKey,
    row: i64,
    time: Option<Timestamp>,
) -> rusqlite::Result<()> {
    let (organization, user) = (key.organization.to_text(), key.user.to_text());
    let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let first = params![organization, user, row, text(time)];
    if connection.prepare_cached(NOTE_FIRST)?.execute(first)? == 1 {
        return Ok(());
    }
    let Some(before) = last(connection, &organization, &user)? else { return Ok(()) };
    let values = params![organization, user, row.max(before.row), text(time.max(before.time))];
    connection.prepare_cached(NOTE)?.execute(values).map(drop)
}

/// Ends what came too late, and gives back the rest of the queue. What may be on its way is left alone.
pub(super) fn end_what_is_stale(
    connection: &Connection,
    queue: Vec<Queued>,
    now: i64,
    finished: &mut Vec<Finished>,
) -> rusqlite::Result<Vec<Queued>> {
    let Some(first) = queue.first() else { return Ok(queue) };
    let key = &first.change.key;
    let Some(applied) = last(connection, &key.organization.to_text(), &key.user.to_text())? else { return Ok(queue) };
    let flies = |one: &Queued| one.leased && one.not_before.is_some_and(|at| at > now);
    let (stale, mut fresh): (Vec<_>, Vec<_>) =
        queue.into_iter().partition(|one| !one.forced && !flies(one) && applied.is_later_than(one));
    for one in stale {
        for freed in fresh.iter_mut().filter(|other| other.covered_by == Some(one.row)) {
            free(connection, freed)?;
        }
        let end = End { reason: Some("a later change had taken effect"), ..End::superseded(applied.row) };
        ending::without_call(connection, one, &end, finished)?;
    }
    Ok(fresh)
}

fn free(connection: &Connection, freed: &mut Queued) -> rusqlite::Result<()> {
    freed.covered_by = None;
    connection.prepare_cached("UPDATE changes SET covered_by = NULL WHERE id = ?1")?.execute([freed.row]).map(drop)
}
