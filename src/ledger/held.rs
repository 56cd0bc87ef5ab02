//! What the brake holds: listing it and letting it go.
//! Knows nothing of why it is held.

use rusqlite::{Connection, params};

use super::queue;
use super::types::{HeldChange, HeldFilter};

macro_rules! held {
    () => {
        "FROM changes INDEXED BY change_held WHERE held = 1 AND (?1 IS NULL OR sender = ?1) \
         AND (?2 IS NULL OR organization = ?2) AND (?3 IS NULL OR id >> 24 = (SELECT seq FROM events WHERE id = ?3) \
         AND id & 16777215 = ?4) ORDER BY id"
    };
}

const ROWS: &str = concat!("SELECT id ", held!(), " LIMIT ?5");

fn rows(connection: &Connection, filter: &HeldFilter, limit: i64) -> rusqlite::Result<Vec<i64>> {
    let organization = filter.organization.as_ref().map(|organization| organization.to_text());
    let sender = filter.sender.as_ref().map(|sender| sender.as_str());
    let event = filter.change.map(|change| *change.event.as_bytes());
    let index = filter.change.map(|change| change.index);
    let values = params![sender, organization, event, index, limit];
    connection.prepare_cached(ROWS)?.query_map(values, |row| row.get(0))?.collect()
}

/// The oldest first.
pub(super) fn list(connection: &Connection, filter: &HeldFilter, limit: usize) -> rusqlite::Result<Vec<HeldChange>> {
    let mut list = Vec::new();
    for row in rows(connection, filter, i64::try_from(limit).unwrap_or(i64::MAX))? {
        let mut reason = connection.prepare_cached("SELECT reason FROM changes WHERE id = ?1")?;
        let reason: Option<String> = reason.query_row([row], |row| row.get(0))?;
        if let Some(queued) = queue::one(connection, row)? {
            list.push(HeldChange { change: queued.change, event: queued.event, reason });
        }
    }
    Ok(list)
}

/// Lets them pass the brake, and says how many they were.
pub(super) fn release(connection: &Connection, filter: &HeldFilter) -> rusqlite::Result<usize> {
    let rows = rows(connection, filter, i64::MAX)?;
    let sql = "UPDATE changes SET held = 0, released = 1, reason = NULL WHERE id = ?1 RETURNING organization, user";
    for row in &rows {
        let mut statement = connection.prepare_cached(sql)?;
        let key: (String, String) = statement.query_row([row], |row| Ok((row.get(0)?, row.get(1)?)))?;
        queue::arrange(connection, &key.0, &key.1)?;
    }
    Ok(rows.len())
}
