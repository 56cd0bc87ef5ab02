//! What of an entry can be made ready outside the writer thread: checks, digest and JSON.
//! Knows no SQL.

use serde::Serialize;
use serde_json::json;

use super::error::LedgerError;
use super::types::{Entry, Sighting};
use crate::domain::{Change, Event, EventId, RuleFailure};

/// How many bits of a change's row number are its index; the rest is its event's.
pub(super) const INDEX_BITS: u32 = 24;

/// An entry that can be written as it is.
pub(super) struct Prepared {
    pub(super) event: Event,
    pub(super) received_at: i64,
    pub(super) failure: Option<RuleFailure>,
    pub(super) failure_json: Option<String>,
    pub(super) changes: Vec<Change>,
    pub(super) sighting: Sighting,
    pub(super) data: String,
    /// Most events have none.
    pub(super) extensions: Option<String>,
    pub(super) urgent: bool,
}

/// Refuses an entry that would make the whole group fail.
pub(super) fn prepare(entry: Entry) -> Result<Prepared, LedgerError> {
    let Entry { event, received_at, failure, changes, urgent, keys } = entry;
    let changes = in_order(event.id, changes)?;
    Ok(Prepared {
        received_at: received_at.as_millisecond(),
        failure_json: failure.as_ref().map(failure_json),
        sighting: Sighting { event: event.id, content: event.content_digest(), keys },
        data: json(&event.data)?,
        extensions: (!event.extensions.is_empty()).then(|| json(&event.extensions)).transpose()?,
        urgent,
        event,
        failure,
        changes,
    })
}

fn json(value: &impl Serialize) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|error| LedgerError::Unavailable(error.to_string()))
}

/// The changes in the order of their index, where they can be written as those of this event.
pub(super) fn in_order(event: EventId, mut changes: Vec<Change>) -> Result<Vec<Change>, LedgerError> {
    changes.sort_by_key(|change| change.id.index);
    let numbered = changes.windows(2).all(|pair| pair[0].id.index < pair[1].id.index)
        && changes.last().is_none_or(|change| change.id.index >> INDEX_BITS == 0)
        && changes.iter().all(|change| change.id.event == event);
    if !numbered {
        let why = "the changes of an event carry its id and an index of their own, below 2^24";
        return Err(LedgerError::Unavailable(why.to_owned()));
    }
    let after =
        |change: &Change| change.schedule.is_none_or(|schedule| schedule.grant.checked_add(1) == Some(change.id.index));
    if !changes.iter().all(after) {
        return Err(LedgerError::Unavailable("a scheduled revoke comes right after its grant".to_owned()));
    }
    Ok(changes)
}

pub(super) fn failure_json(failure: &RuleFailure) -> String {
    json!([failure.rule, failure.part, failure.expression, failure.message]).to_string()
}
