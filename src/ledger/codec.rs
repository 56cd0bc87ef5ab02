//! Rows to domain types and back; a row that usher cannot have written is an error, never a guess.
//! Knows no statements.

use std::error::Error;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::types::{FromSql, Type};
use rusqlite::{Row, RowIndex};

use super::prepare::INDEX_BITS;
use super::types::ClaimedEvent;
use crate::domain::{
    Action, Attempt, AttemptCode, Change, ChangeId, Digest, Event, EventId, Existing, Extensions, Grant, MembershipKey,
    Metadata, MissingUser, Outcome, ParseError, Role, RuleFailure, Schedule, TraceContext,
};

/// The columns of a row, read one after the other: to look for each by its name costs as much as the statement.
pub(super) struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn of(row: &'a Row<'a>) -> Self {
        Self { row, next: 0 }
    }

    fn place(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn skip(&mut self, count: usize) {
        self.next += count;
    }

    pub(super) fn take<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        self.row.get(self.place())
    }

    pub(super) fn text(&mut self) -> rusqlite::Result<&'a str> {
        self.row.get_ref(self.place())?.as_str().map_err(unreadable)
    }

    pub(super) fn text_or_null(&mut self) -> rusqlite::Result<Option<&'a str>> {
        self.row.get_ref(self.place())?.as_str_or_null().map_err(unreadable)
    }

    /// A text that has a form of its own.
    pub(super) fn word<T: FromStr<Err = ParseError>>(&mut self) -> rusqlite::Result<T> {
        self.text()?.parse().map_err(unreadable)
    }

    /// A text as one of the domain's types.
    pub(super) fn parsed<T>(&mut self) -> rusqlite::Result<T>
    where
        T: TryFrom<String, Error: Error + Send + Sync + 'static>,
    {
        parsed(self.row, self.place())
    }

    /// Milliseconds that may be missing.
    pub(super) fn optional_time(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        self.take::<Option<i64>>()?.map(timestamp).transpose()
    }
}

/// The columns that [`change`] reads, in this order.
macro_rules! change_columns {
    () => {
        "c.id, c.organization, c.user, c.action, c.role, c.existing, c.lower, c.missing_user, c.metadata, c.rule, \
         c.rules_digest, c.ends, c.ends_at, c.superseded_by, \
         (SELECT s.id FROM events s WHERE s.seq = c.superseded_by >> 24) AS superseder"
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

/// The event of a change, by the row number of the change.
pub(super) fn seq_of(row: i64) -> i64 {
    row >> INDEX_BITS
}

/// The place of a change in its event.
pub(super) fn index_of(row: i64) -> u32 {
    u32::try_from(row & (first_change(1) - 1)).unwrap_or(u32::MAX)
}

/// The error for a column whose content usher cannot have written.
pub(super) fn unreadable(error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}

/// Reads a text column as one of the domain's types.
pub(super) fn parsed<T>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<T>
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
        extensions: extensions(row)?,
        trace: trace(row)?,
        data: serde_json::from_str(row.get_ref("data")?.as_str().map_err(unreadable)?).map_err(unreadable)?,
    })
}

fn extensions(row: &Row<'_>) -> rusqlite::Result<Extensions> {
    let text = row.get_ref("extensions")?;
    let text = text.as_str_or_null().map_err(unreadable)?;
    text.map_or_else(|| Ok(Extensions::new()), |text| serde_json::from_str(text).map_err(unreadable))
}

fn trace(row: &Row<'_>) -> rusqlite::Result<Option<TraceContext>> {
    let Some(traceparent) = row.get("traceparent")? else { return Ok(None) };
    Ok(Some(TraceContext { traceparent, tracestate: row.get("tracestate")? }))
}

pub(super) fn claimed_event(row: &Row<'_>) -> rusqlite::Result<ClaimedEvent> {
    let (sender, kind) = (parsed(row, "sender")?, parsed(row, "kind")?);
    Ok(ClaimedEvent { sender, kind, received_at: time(row, "received_at")? })
}

pub(super) fn failure(row: &Row<'_>) -> rusqlite::Result<Option<RuleFailure>> {
    let Some(text) = row.get::<_, Option<String>>("failure")? else { return Ok(None) };
    let (rule, part, expression, message) = serde_json::from_str(&text).map_err(unreadable)?;
    Ok(Some(RuleFailure { rule, part, expression, message }))
}

/// Reads [`change_columns`].
pub(super) fn change(columns: &mut Columns<'_>, event: EventId) -> rusqlite::Result<Change> {
    Ok(Change {
        id: ChangeId { event, index: index_of(columns.take()?) },
        key: MembershipKey { organization: columns.word()?, user: columns.word()? },
        action: action(columns)?,
        rule: columns.take()?,
        rules_digest: Digest(columns.take()?),
        schedule: schedule(columns)?,
        superseded_by: superseded_by(columns)?,
    })
}

fn schedule(columns: &mut Columns<'_>) -> rusqlite::Result<Option<Schedule>> {
    let Some(grant) = columns.take::<Option<i64>>()? else {
        columns.skip(1);
        return Ok(None);
    };
    Ok(Some(Schedule { grant: index_of(grant), at: timestamp(columns.take()?)? }))
}

/// None as well where the event of the later change was purged.
fn superseded_by(columns: &mut Columns<'_>) -> rusqlite::Result<Option<ChangeId>> {
    let (number, event): (Option<i64>, Option<[u8; 16]>) = (columns.take()?, columns.take()?);
    Ok(number.zip(event).map(|(number, event)| ChangeId { event: EventId::from_bytes(event), index: index_of(number) }))
}

fn action(columns: &mut Columns<'_>) -> rusqlite::Result<Action> {
    match columns.text()? {
        "grant" => Ok(Action::Grant(grant(columns)?)),
        "revoke" => {
            // It leaves those of a grant empty.
            columns.skip(GRANT_COLUMNS);
            Ok(Action::Revoke)
        }
        _ => Err(unreadable(ParseError { expected: "grant or revoke" })),
    }
}

const GRANT_COLUMNS: usize = 5;

fn grant(columns: &mut Columns<'_>) -> rusqlite::Result<Grant> {
    Ok(Grant {
        role: columns.parsed()?,
        existing: named(columns.text()?, &EXISTING)?,
        lower: lower(columns.text()?)?,
        missing_user: named(columns.text()?, &MISSING_USER)?,
        metadata: metadata(columns.text_or_null()?)?,
    })
}

const EXISTING: [(&str, Existing); 3] =
    [("keep", Existing::Keep), ("raise", Existing::Raise), ("replace", Existing::Replace)];
const MISSING_USER: [(&str, MissingUser); 3] =
    [("fail", MissingUser::Fail), ("wait", MissingUser::Wait), ("invite", MissingUser::Invite)];

/// Reads one word of a few.
fn named<T: Copy>(text: &str, words: &[(&str, T)]) -> rusqlite::Result<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    found.ok_or_else(|| unreadable(ParseError { expected: "one of a few words" }))
}

fn word_for<T: Copy + PartialEq>(value: T, words: &[(&'static str, T)]) -> Option<&'static str> {
    words.iter().find(|(_, other)| *other == value).map(|(word, _)| *word)
}

/// Most grants write none: they cost no JSON.
fn metadata(text: Option<&str>) -> rusqlite::Result<Metadata> {
    text.map_or_else(|| Ok(Metadata::default()), |text| serde_json::from_str(text).map_err(unreadable))
}

fn lower(text: &str) -> rusqlite::Result<Vec<Role>> {
    text.split_ascii_whitespace().map(|role| role.parse().map_err(unreadable)).collect()
}

/// What a grant is stored as, or nothing.
#[derive(Default)]
pub(super) struct GrantColumns<'a> {
    pub(super) role: Option<&'a str>,
    pub(super) existing: Option<&'static str>,
    pub(super) lower: Option<String>,
    pub(super) missing_user: Option<&'static str>,
    pub(super) metadata: Option<String>,
}

pub(super) fn grant_columns(action: &Action) -> rusqlite::Result<GrantColumns<'_>> {
    let Action::Grant(grant) = action else { return Ok(GrantColumns::default()) };
    let json = || serde_json::to_string(&grant.metadata).map_err(unreadable);
    Ok(GrantColumns {
        role: Some(grant.role.as_str()),
        existing: word_for(grant.existing, &EXISTING),
        lower: Some(grant.lower.iter().map(Role::as_str).collect::<Vec<_>>().join(" ")),
        missing_user: word_for(grant.missing_user, &MISSING_USER),
        metadata: (!grant.metadata.is_empty()).then(json).transpose()?,
    })
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
