//! An entry as it is written, and what is told of it when it is new.
//! Knows no SQL.

use jiff::Timestamp;

use crate::domain::{Action, Change, ChangeId, ChangeRecord, ChangeState, Event, EventRecord, RuleFailure};
use crate::ledger::codec;
use crate::ledger::postgres::error::Failure;
use crate::ledger::prepare::Prepared;
use crate::ledger::sqlite::ended_at_once;
use crate::ledger::types::Sighting;

pub(super) struct Ready {
    pub(super) event: Event,
    pub(super) sighting: Sighting,
    pub(super) received_at: Timestamp,
    pub(super) failure: Option<RuleFailure>,
    pub(super) failure_json: Option<String>,
    pub(super) data: String,
    pub(super) extensions: Option<String>,
    pub(super) urgent: bool,
    /// Tells this write from everybody else's, where it has to be looked for.
    pub(super) receipt: i64,
    pub(super) changes: Vec<ChangeRecord>,
}

impl Ready {
    pub(super) fn of(prepared: Prepared) -> Result<Self, Failure> {
        let received_at = codec::timestamp(prepared.received_at)?;
        let mut changes = Vec::with_capacity(prepared.changes.len());
        for change in prepared.changes {
            changes.push(recorded(change, received_at, &changes));
        }
        let Prepared { event, sighting, failure, failure_json, data, extensions, urgent, .. } = prepared;
        let receipt = fastrand::i64(..);
        Ok(Self { event, sighting, received_at, failure, failure_json, data, extensions, urgent, receipt, changes })
    }

    /// What is told of it when it is new.
    pub(super) fn into_record(self) -> EventRecord {
        let Self { event, sighting, received_at, failure, changes, .. } = self;
        EventRecord { event, content: sighting.content, received_at, failure, changes }
    }

    /// About how many bytes it sends.
    pub(super) fn weight(prepared: &Prepared) -> usize {
        const ROW: usize = 400;
        prepared.data.len() + ROW * (1 + prepared.changes.len())
    }

    /// Whether somebody should look at its changes.
    pub(super) fn is_due(&self) -> bool {
        self.changes.iter().any(is_open)
    }
}

/// Recording looks at no queue: every change says that its queue is to be looked at.
fn recorded(mut change: Change, received_at: Timestamp, before: &[ChangeRecord]) -> ChangeRecord {
    let outcome = ended_at_once(&mut change, |grant| superseder_among(before, grant));
    let state = if outcome.is_some() { ChangeState::Settled } else { ChangeState::Waiting };
    let due_at = change.schedule.map_or(received_at, |schedule| schedule.at);
    let next_attempt_at = outcome.is_none().then_some(due_at);
    ChangeRecord { change, state, outcome, attempts: Vec::new(), next_attempt_at, membership_id: None, reason: None }
}

fn superseder_among(changes: &[ChangeRecord], index: u32) -> Option<ChangeId> {
    changes.iter().find(|other| other.change.id.index == index)?.change.superseded_by
}

/// Neither ended nor asleep.
fn is_open(record: &ChangeRecord) -> bool {
    record.outcome.is_none() && record.change.schedule.is_none()
}

/// It is going to end a membership.
pub(super) fn is_expected(record: &ChangeRecord) -> bool {
    is_open(record) && record.change.action == Action::Revoke
}
