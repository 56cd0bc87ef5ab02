//! Grants with a time limit: the revoke that ends one sleeps beside the queue until its time comes.
//! Knows nothing of clocks: whoever claims says what time it is.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension, params};

use super::ending::{self, End};
use super::queue::{self, Queued};
use super::types::Finished;
use super::{applied, brake, codec, replay};
use crate::domain::{MembershipKey, Outcome, SenderName};

fn key_texts(key: &MembershipKey) -> (Cow<'_, str>, Cow<'_, str>) {
    (key.organization.to_text(), key.user.to_text())
}

/// Its time has come: it joins the queue in its place.
pub(super) fn wake(connection: &Connection, row: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE changes SET dormant = 0, due_at = NULL WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([row])?;
    let Some((key, sender)) = standing(connection, row)? else { return Ok(()) };
    brake::expect(connection, &key, &sender, row)?;
    let (organization, user) = key_texts(&key);
    queue::arrange(connection, &organization, &user)
}

fn standing(connection: &Connection, row: i64) -> rusqlite::Result<Option<(MembershipKey, SenderName)>> {
    Ok(queue::one(connection, row)?.map(|queued| (queued.change.key, queued.event.sender)))
}

/// The scheduled revokes of a membership that were not called for yet, whether or not their time has come.
fn scheduled(connection: &Connection, organization: &str, user: &str) -> rusqlite::Result<Vec<Queued>> {
    let mut scheduled = queue::dormant(connection, organization, user)?;
    let awake = queue::read(connection, organization, user)?;
    scheduled.extend(awake.into_iter().filter(|one| one.change.schedule.is_some() && !one.leased && !one.answer_lost));
    Ok(scheduled)
}

/// A grant ended without effect: so does the revoke that was to end it.
pub(super) fn grant_ended(
    connection: &Connection,
    grant: &Queued,
    by: i64,
    finished: &mut Vec<Finished>,
) -> rusqlite::Result<()> {
    let (organization, user) = key_texts(&grant.change.key);
    for own in scheduled(connection, &organization, &user)?.into_iter().filter(|one| ends(one, grant)) {
        let end = End { reason: Some("the grant that it was to end did not come about"), ..End::superseded(by) };
        ending::without_call(connection, own, &end, finished)?;
    }
    Ok(())
}

/// A change took effect: nothing of what was scheduled before it matters any more.
pub(super) fn took_effect(
    connection: &Connection,
    change: &Queued,
    outcome: Outcome,
    finished: &mut Vec<Finished>,
) -> rusqlite::Result<()> {
    let (organization, user) = key_texts(&change.change.key);
    let scheduled = scheduled(connection, &organization, &user)?;
    let (earlier, later): (Vec<_>, Vec<_>) = scheduled.into_iter().partition(|one| one.row < change.row);
    let was_limited = any_took_effect(connection, &earlier)?;
    for one in earlier {
        ending::without_call(connection, one, &End::superseded(change.row), finished)?;
    }
    let stays = outcome == Outcome::Unchanged && !change.replaces && !was_limited;
    for own in later.into_iter().filter(|one| stays && ends(one, change)) {
        let reason = Some("the user was a member without a time limit before");
        let end = End::without_call(Outcome::Unchanged, reason);
        ending::without_call(connection, own, &end, finished)?;
    }
    Ok(())
}

/// Whether one of these revokes ends a grant that took effect: one that did not has limited nothing.
fn any_took_effect(connection: &Connection, scheduled: &[Queued]) -> rusqlite::Result<bool> {
    let sql = "SELECT g.outcome FROM changes r JOIN changes g ON g.id = r.ends WHERE r.id = ?1";
    for one in scheduled {
        let outcome = connection.prepare_cached(sql)?.query_row([one.row], codec::outcome).optional()?;
        if outcome.flatten().is_some_and(applied::applies) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn ends(one: &Queued, grant: &Queued) -> bool {
    let same_event = codec::seq_of(one.row) == codec::seq_of(grant.row);
    same_event && one.change.schedule.is_some_and(|schedule| schedule.grant == grant.change.id.index)
}

/// The scheduled revokes of a grant follow it to another key.
pub(super) fn follow(connection: &Connection, grant: &Queued, key: &MembershipKey) -> rusqlite::Result<()> {
    let (organization, user) = key_texts(&grant.change.key);
    for own in scheduled(connection, &organization, &user)?.iter().filter(|one| ends(one, grant)) {
        let counted = brake::drop_expected(connection, own)?;
        rename(connection, own, key)?;
        connection.prepare_cached(LEAVE_QUEUE)?.execute([own.row])?;
        if counted {
            brake::expect(connection, key, &own.event.sender, own.row)?;
        }
    }
    Ok(())
}

/// For one that is awake; a dormant one is in none.
const LEAVE_QUEUE: &str = "UPDATE changes SET due_at = NULL, not_before = NULL, covered_by = NULL, replaces = 0 \
    WHERE id = ?1 AND dormant = 0";

const RENAME: &str = "UPDATE changes SET organization = ?2, user = ?3, step = ?4, \
    named_organization = coalesce(named_organization, organization), named_user = coalesce(named_user, user) \
    WHERE id = ?1";

/// Gives a change another key; how it was named first is kept.
pub(super) fn rename(connection: &Connection, one: &Queued, key: &MembershipKey) -> rusqlite::Result<()> {
    let mut change = one.change.clone();
    change.key = key.clone();
    let (organization, user) = key_texts(key);
    let values = params![one.row, organization, user, change.first_step().to_text()];
    connection.prepare_cached(RENAME)?.execute(values).map(drop)
}

const REVIVE: &str = "UPDATE changes SET outcome = NULL, superseded_by = NULL, reason = NULL, dormant = 1, \
    due_at = ends_at, organization = coalesce(named_organization, organization), user = coalesce(named_user, user), \
    named_organization = NULL, named_user = NULL, forced = ?4 \
    WHERE id >= ?1 AND id < ?2 AND ends = ?3 AND outcome = 'superseded' AND superseded_by = ?3 RETURNING id";

/// A dead grant is tried again: so the revoke that ends it sleeps again, and is as forced as the grant.
pub(super) fn revive(connection: &Connection, grant: i64, force: bool) -> rusqlite::Result<()> {
    let seq = codec::seq_of(grant);
    let values = params![codec::first_change(seq), codec::first_change(seq + 1), grant, force];
    let mut statement = connection.prepare_cached(REVIVE)?;
    let rows: Vec<i64> = statement.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
    rows.into_iter().try_for_each(|row| replay::begin_again(connection, row).map(drop))
}
