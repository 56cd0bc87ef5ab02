//! Dead letters: changes that are dead and events that no rule could evaluate, the latest first.
//! Only reads.

use rusqlite::{Connection, ToSql, params};

use super::store::Store;
use super::types::{Cursor, DeadLetter, LetterFilter, LetterId, LetterKind, Page};
use super::{codec, queue};
use crate::domain::{EventId, RuleFailure};

const DEAD: &str = "SELECT c.id FROM changes c INDEXED BY change_dead JOIN events e ON e.seq = c.id >> 24 \
    WHERE c.outcome = 'dead' AND c.discarded = 0 AND c.id < ?1 AND (?2 IS NULL OR c.sender = ?2) \
    AND (?3 IS NULL OR c.rule = ?3) AND (?4 IS NULL OR e.kind = ?4) \
    AND (?5 IS NULL OR c.organization = ?5 OR c.named_organization = ?5) \
    AND (?6 IS NULL OR e.received_at >= ?6) AND (?7 IS NULL OR e.received_at < ?7) ORDER BY c.id DESC LIMIT ?8";

/// Numbered like the first change that each would have; an organization is not known of them.
const FAILED: &str = "SELECT e.seq << 24 FROM events e INDEXED BY event_failed \
    WHERE e.failure IS NOT NULL AND e.discarded IS NULL AND e.seq << 24 < ?1 AND (?2 IS NULL OR e.sender = ?2) \
    AND (?3 IS NULL OR json_extract(e.failure, '$[0]') = ?3) AND (?4 IS NULL OR e.kind = ?4) AND ?5 IS NULL \
    AND (?6 IS NULL OR e.received_at >= ?6) AND (?7 IS NULL OR e.received_at < ?7) ORDER BY e.seq DESC LIMIT ?8";

pub(super) fn page(
    connection: &Connection,
    filter: &LetterFilter,
    after: Option<Cursor>,
    limit: usize,
) -> rusqlite::Result<Page> {
    let before = after.map_or(i64::MAX, |cursor| cursor.0);
    let more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = Vec::new();
    if filter.kind != Some(LetterKind::Event) {
        let rows = numbers(connection, DEAD, filter, before, more)?;
        found.extend(rows.into_iter().map(|row| (row, LetterKind::Change)));
    }
    if filter.kind != Some(LetterKind::Change) {
        let rows = numbers(connection, FAILED, filter, before, more)?;
        found.extend(rows.into_iter().map(|row| (row, LetterKind::Event)));
    }
    page_of(connection, found, limit)
}

/// The page of so many that these, the latest of each kind and one more than the limit, begin.
pub(super) fn page_of(
    connection: &Connection,
    mut found: Vec<(i64, LetterKind)>,
    limit: usize,
) -> rusqlite::Result<Page> {
    found.sort_by_key(|(row, _)| std::cmp::Reverse(*row));
    let next = found.get(limit).and_then(|_| found.get(limit.checked_sub(1)?)).map(|(row, _)| Cursor(*row));
    found.truncate(limit);
    let letters = found.into_iter().filter_map(|(row, kind)| letter(connection, row, kind).transpose());
    Ok(Page { letters: letters.collect::<Result<_, _>>()?, next })
}

/// The numbers of dead changes that fit, the latest first.
pub(super) fn dead(connection: &Connection, filter: &LetterFilter, limit: usize) -> rusqlite::Result<Vec<i64>> {
    if filter.kind == Some(LetterKind::Event) {
        // Those are evaluated anew, not replayed.
        return Ok(Vec::new());
    }
    numbers(connection, DEAD, filter, i64::MAX, i64::try_from(limit).unwrap_or(i64::MAX))
}

fn numbers(
    connection: &Connection,
    sql: &str,
    filter: &LetterFilter,
    before: i64,
    limit: i64,
) -> rusqlite::Result<Vec<i64>> {
    let values: [&dyn ToSql; 8] = [
        &before,
        &filter.sender.as_ref().map(|sender| sender.as_str().to_owned()),
        &filter.rule,
        &filter.event_type.as_ref().map(|kind| kind.as_str().to_owned()),
        &filter.organization.as_ref().map(|organization| organization.to_text()),
        &filter.received_from.map(|at| at.as_millisecond()),
        &filter.received_before.map(|at| at.as_millisecond()),
        &limit,
    ];
    connection.prepare_cached(sql)?.query_map(&values[..], |row| row.get(0))?.collect()
}

fn letter(connection: &Connection, row: i64, kind: LetterKind) -> rusqlite::Result<Option<DeadLetter>> {
    match kind {
        LetterKind::Change => dead_change(connection, row),
        LetterKind::Event => failed_event(connection, row).map(Some),
    }
}

fn dead_change(connection: &Connection, row: i64) -> rusqlite::Result<Option<DeadLetter>> {
    let mut reason = connection.prepare_cached("SELECT reason FROM changes WHERE id = ?1")?;
    let reason = reason.query_row([row], |row| row.get(0))?;
    Ok(queue::one(connection, row)?.map(|queued| DeadLetter {
        id: LetterId::Change(queued.change.id),
        event: queued.event,
        attempts: queued.attempts,
        change: Some(queued.change),
        failure: None,
        reason,
    }))
}

fn failed_event(connection: &Connection, row: i64) -> rusqlite::Result<DeadLetter> {
    let sql = "SELECT id, sender, kind, received_at, failure FROM events WHERE seq = ?1";
    connection.prepare_cached(sql)?.query_row(params![codec::seq_of(row)], |row| {
        let failure: Option<RuleFailure> = codec::failure(row)?;
        Ok(DeadLetter {
            id: LetterId::Event(EventId::from_bytes(row.get("id")?)),
            event: codec::claimed_event(row)?,
            attempts: 0,
            change: None,
            reason: failure.as_ref().map(|failure| failure.message.clone()),
            failure,
        })
    })
}

/// The row of a change, found by its event.
pub(super) fn row_of(store: &Store, change: crate::domain::ChangeId) -> rusqlite::Result<Option<i64>> {
    let seq = store.seq_of(change.event)?;
    Ok(seq.map(|seq| codec::row_of(seq, change.index)))
}
