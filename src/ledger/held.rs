//! What the brake holds: listing it and letting it go.
//! Knows nothing of why it is held.

use rusqlite::{OptionalExtension, params};

use super::store::Store;
use super::types::{HeldChange, HeldFilter};
use super::{letters, queue};

macro_rules! held {
    () => {
        "FROM changes INDEXED BY change_held WHERE held = 1 AND (?1 IS NULL OR sender = ?1) \
         AND (?2 IS NULL OR organization = ?2) AND (?3 IS NULL OR id = ?3) ORDER BY id"
    };
}

const ROWS: &str = concat!("SELECT id ", held!(), " LIMIT ?4");

fn rows(store: &Store, filter: &HeldFilter, limit: i64) -> rusqlite::Result<Vec<i64>> {
    let organization = filter.organization.as_ref().map(|organization| organization.to_text());
    let sender = filter.sender.as_ref().map(|sender| sender.as_str());
    let row = match filter.change.map(|change| letters::row_of(store, change)).transpose()? {
        Some(None) => return Ok(Vec::new()),
        row => row.flatten(),
    };
    let values = params![sender, organization, row, limit];
    store.prepare_cached(ROWS)?.query_map(values, |row| row.get(0))?.collect()
}

/// The oldest first.
pub(super) fn list(store: &Store, filter: &HeldFilter, limit: usize) -> rusqlite::Result<Vec<HeldChange>> {
    list_rows(store, &rows(store, filter, i64::try_from(limit).unwrap_or(i64::MAX))?)
}

pub(super) fn list_rows(store: &Store, rows: &[i64]) -> rusqlite::Result<Vec<HeldChange>> {
    let mut list = Vec::new();
    for &row in rows {
        let mut reason = store.prepare_cached("SELECT reason FROM changes WHERE id = ?1")?;
        let reason: Option<String> = reason.query_row([row], |row| row.get(0))?;
        if let Some(queued) = queue::one(store, row)? {
            list.push(HeldChange { change: queued.change, event: queued.event, reason });
        }
    }
    Ok(list)
}

const LEADER: &str = "UPDATE changes SET held = 0, released = 1, reason = NULL \
    WHERE id = (SELECT covered_by FROM changes WHERE id = ?1) AND held = 1";

/// Lets the oldest of them pass the brake, each with the one that stands for it, and says how many they were.
pub(super) fn release(store: &Store, filter: &HeldFilter, limit: usize) -> rusqlite::Result<usize> {
    release_rows(store, rows(store, filter, i64::try_from(limit).unwrap_or(i64::MAX))?)
}

/// As [`release`], for those of these that are held.
pub(super) fn release_rows(store: &Store, rows: Vec<i64>) -> rusqlite::Result<usize> {
    let mut held = store.prepare_cached("SELECT held FROM changes WHERE id = ?1")?;
    let mut is_held = |row: &i64| held.query_row([row], |row| row.get::<_, bool>(0)).optional();
    // All are asked first: one of them may let another go.
    let held = rows.into_iter().map(|row| Ok(is_held(&row)?.is_some_and(|held| held).then_some(row)));
    let rows: Vec<i64> = held.filter_map(rusqlite::Result::transpose).collect::<rusqlite::Result<_>>()?;
    let sql = "UPDATE changes SET held = 0, released = 1, reason = NULL WHERE id = ?1 RETURNING organization, user";
    for row in &rows {
        let mut statement = store.prepare_cached(sql)?;
        let key: (String, String) = statement.query_row([row], |row| Ok((row.get(0)?, row.get(1)?)))?;
        store.prepare_cached(LEADER)?.execute([row])?;
        queue::arrange(store, &key.0, &key.1)?;
    }
    Ok(rows.len())
}
