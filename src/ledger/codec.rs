//! Rows to domain types and back; a row that usher cannot have written is an error, never a guess.
//! Knows no statements.

use std::error::Error;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

use super::prepare::INDEX_BITS;
use crate::domain::{
    Action, Attempt, AttemptCode, Change, ChangeId, Digest, Event, EventId, Existing, Grant, MembershipKey, Outcome,
    ParseError, Role, RuleFailure, Step,
};

/// The columns that [`change`] reads.
macro_rules! change_columns {
    () => {
        "c.id, c.organization, c.user, c.action, c.role, c.existing, c.lower, c.rule, c.rules_digest, c.superseded_by"
    };
}
pub(super) use change_columns;

/// The row number of the first change of an event; those of the others follow.
pub(super) fn first_change(seq: i64) -> i64 {
    seq << INDEX_BITS
}

/// The row number of a change.
pub(super) fn row_of(seq: i64, index: u32) -> i64 {
    first_change(seq) | i64::from(index)
}

/// The error for a column whose content usher cannot have written.
pub(super) fn unreadable(error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}

/// Reads a text column as one of the domain's types.
pub(super) fn parsed<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: TryFrom<String, Error: Error + Send + Sync + 'static>,
{
    T::try_from(row.get::<_, String>(column)?).map_err(unreadable)
}

/// Milliseconds as a time.
pub(super) fn timestamp(milliseconds: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(milliseconds).map_err(unreadable)
}

/// Reads a column of milliseconds.
pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    timestamp(row.get(column)?)
}

/// Reads a column of milliseconds that may be empty.
pub(super) fn optional_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(timestamp).transpose()
}

pub(super) fn step(row: &Row<'_>) -> rusqlite::Result<Step> {
    row.get_ref("step")?.as_str().map_err(unreadable)?.parse().map_err(unreadable)
}

pub(super) fn outcome(row: &Row<'_>) -> rusqlite::Result<Option<Outcome>> {
    let text = row.get_ref("outcome")?;
    text.as_str_or_null().map_err(unreadable)?.map(|text| text.parse().map_err(unreadable)).transpose()
}

pub(super) fn event(row: &Row<'_>, id: EventId) -> rusqlite::Result<Event> {
    let time: Option<String> = row.get("time")?;
    Ok(Event {
        id,
        sender: parsed(row, "sender")?,
        source: row.get("source")?,
        event_id: row.get("event_id")?,
        kind: parsed(row, "kind")?,
        subject: row.get("subject")?,
        time: time.map(|text| text.parse().map_err(unreadable)).transpose()?,
        data: serde_json::from_str(row.get_ref("data")?.as_str().map_err(unreadable)?).map_err(unreadable)?,
    })
}

pub(super) fn failure(row: &Row<'_>) -> rusqlite::Result<Option<RuleFailure>> {
    let Some(text) = row.get::<_, Option<String>>("failure")? else { return Ok(None) };
    let (rule, part, expression, message) = serde_json::from_str(&text).map_err(unreadable)?;
    Ok(Some(RuleFailure { rule, part, expression, message }))
}

/// Reads [`change_columns`].
pub(super) fn change(row: &Row<'_>, event: EventId) -> rusqlite::Result<Change> {
    let number: i64 = row.get("id")?;
    let index = u32::try_from(number & (first_change(1) - 1)).map_err(unreadable)?;
    Ok(Change {
        id: ChangeId { event, index },
        rule: row.get("rule")?,
        rules_digest: Digest(row.get("rules_digest")?),
        key: MembershipKey { organization: reference(row, "organization")?, user: reference(row, "user")? },
        action: action(row)?,
        schedule: None,
        superseded_by: row.get::<_, Option<u32>>("superseded_by")?.map(|index| ChangeId { event, index }),
    })
}

/// Reads a text column that names an organization or a user.
fn reference<T: FromStr<Err = ParseError>>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    row.get_ref(column)?.as_str().map_err(unreadable)?.parse().map_err(unreadable)
}

fn action(row: &Row<'_>) -> rusqlite::Result<Action> {
    match row.get_ref("action")?.as_str().map_err(unreadable)? {
        "grant" => Ok(Action::Grant(grant(row)?)),
        "revoke" => Ok(Action::Revoke),
        _ => Err(unreadable(ParseError { expected: "grant or revoke" })),
    }
}

fn grant(row: &Row<'_>) -> rusqlite::Result<Grant> {
    Ok(Grant::new(parsed(row, "role")?, existing(row)?, lower(row)?))
}

fn existing(row: &Row<'_>) -> rusqlite::Result<Existing> {
    match row.get_ref("existing")?.as_str().map_err(unreadable)? {
        "keep" => Ok(Existing::Keep),
        "raise" => Ok(Existing::Raise),
        "replace" => Ok(Existing::Replace),
        _ => Err(unreadable(ParseError { expected: "keep, raise or replace" })),
    }
}

fn lower(row: &Row<'_>) -> rusqlite::Result<Vec<Role>> {
    let text = row.get_ref("lower")?.as_str().map_err(unreadable)?;
    text.split_ascii_whitespace().map(|role| role.parse().map_err(unreadable)).collect()
}

/// What an action is stored as: its role, what to do with an existing one, and the lower roles.
pub(super) fn action_columns(action: &Action) -> (Option<&str>, Option<&'static str>, Option<String>) {
    let Action::Grant(Grant { role, existing, lower, .. }) = action else { return (None, None, None) };
    let existing = match existing {
        Existing::Keep => "keep",
        Existing::Raise => "raise",
        Existing::Replace => "replace",
    };
    let lower = lower.iter().map(Role::as_str).collect::<Vec<_>>().join(" ");
    (Some(role.as_str()), Some(existing), Some(lower))
}

pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        at: time(row, "at")?,
        status: row.get("status")?,
        code: row.get::<_, Option<String>>("code")?.map(|code| AttemptCode::new(&code)),
        duration_ms: row.get("duration_ms")?,
        trace_id: row.get("trace_id")?,
    })
}
