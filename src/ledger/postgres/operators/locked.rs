//! Work on changes that an operator means, with nobody else at their memberships.
//! Knows nothing of how they are chosen.

use std::collections::HashSet;

use super::super::session::Session;
use super::pick;
use crate::domain::MembershipKey;
use crate::ledger::postgres::error::Failure;
use crate::ledger::postgres::load::{Scope, lock_and_load};
use crate::ledger::postgres::set::{Cell, Key, Row, Rows};
use crate::ledger::postgres::tables::CHANGES;
use crate::ledger::postgres::thread::Core;
use crate::ledger::postgres::transaction::transact;
use crate::ledger::store::Store;

/// Where the work leaves the changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// In the queues where they are.
    Stay,
    /// In the queues of the names that their senders gave.
    ToTheirNames,
}

/// Picks changes, locks what they touch, and does the work on them.
pub(super) async fn write<T>(
    core: &Core,
    pick: impl AsyncFn(&Session) -> Result<Vec<i64>, Failure>,
    back: Back,
    work: impl Fn(&Store, &[i64]) -> rusqlite::Result<T>,
) -> Result<T, Failure> {
    let done = transact(core, async |client| {
        let changes = pick(client).await?;
        let keys = match back {
            Back::Stay => Vec::new(),
            Back::ToTheirNames => pick::named(client, &changes).await?,
        };
        let scope = Scope { changes, keys };
        let rows = lock_and_load(client, &scope).await?;
        if !are_locked(&rows, &scope.changes, back) {
            return Err(Failure::Moved);
        }
        Ok(core.sets.run(rows, |store| work(store, &scope.changes))?)
    });
    let done = done.await?;
    core.notices.due();
    Ok(done)
}

/// Whether the changes are, and will be, in queues that are locked: one may have moved to another just before.
fn are_locked(rows: &Rows, changes: &[i64], back: Back) -> bool {
    let (whole, changes): (HashSet<&Key>, HashSet<&i64>) = (rows.whole.iter().collect(), changes.iter().collect());
    rows.of(&CHANGES).iter().all(|row| {
        let is_meant = changes.contains(&number(row, "id"));
        let goes_back = back == Back::ToTheirNames && (is_meant || changes.contains(&number(row, "ends")));
        (!is_meant || whole.contains(&now(row))) && (!goes_back || whole.contains(&named(row)))
    })
}

/// The membership of a change.
fn now(row: &Row) -> Key {
    let name = |column| text(row, column).unwrap_or_default().to_owned();
    (name("organization"), name("user"))
}

/// The membership that its sender named.
fn named(row: &Row) -> Key {
    let name = |first, now| text(row, first).or(text(row, now)).unwrap_or_default().to_owned();
    (name("named_organization", "organization"), name("named_user", "user"))
}

fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    if let Cell::Text(text) = &row[CHANGES.place(column)] { Some(text) } else { None }
}

/// No change has the number 0.
fn number(row: &Row, column: &str) -> i64 {
    if let Cell::Number(number) = row[CHANGES.place(column)] { number } else { 0 }
}

/// A membership as it is written.
pub(super) fn key(key: &MembershipKey) -> Key {
    (key.organization.to_text().into_owned(), key.user.to_text().into_owned())
}
