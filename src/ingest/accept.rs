//! From an event to its place in the ledger: evaluate, check what its sender may, record, and tell a repeat from a first.
//! Knows nothing of HTTP.

use jiff::Timestamp;

use super::Ingest;
use super::identity::Claims;
use super::in_flight::Guard;
use super::members::Origin;
use super::refusal::Refusal;
use crate::domain::{Action, Change, Event, EventRecord, EventStatus, Extensions, KeyId, Metadata, RuleFailure};
use crate::ledger::{Entry, Ledger, Recorded, Sighting};
use crate::rules::{self, Sender};

/// An event that is in the ledger.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) record: EventRecord,
    /// It was there before this request.
    pub(super) replayed: bool,
}

impl Accepted {
    /// Whether nothing more becomes of it as things stand.
    pub(super) fn has_ended(&self) -> bool {
        self.record.status() != EventStatus::Pending
    }
}

/// What the rules of today say about an event.
pub(super) struct Verdict {
    pub(super) changes: Vec<Change>,
    pub(super) failure: Option<RuleFailure>,
}

impl Ingest {
    /// Makes the event durable, or says why not; `urgent` when somebody waits for its outcome.
    pub(super) async fn accept(
        &self,
        sender: &Sender,
        (event, origin): (Event, Origin),
        claims: Claims,
        urgent: bool,
    ) -> Result<Accepted, Refusal> {
        let (now, Claims { keys, idempotency_key, .. }) = (now(&self.ledger), claims);
        let _guard = match idempotency_key {
            Some(key) => self.enter(key).await?,
            None => None,
        };
        match self.judge(sender, (&event, origin), now) {
            Ok(Verdict { changes, failure }) => {
                let entry = Entry { event, received_at: now, failure, changes, urgent, keys };
                self.taken(self.ledger.record(entry).await?)
            }
            Err(refusal) => self.recall(sighting(&event, keys), refusal).await,
        }
    }

    /// None where the key is in flight and known: the one in flight is a repeat as well, and so is this.
    async fn enter(&self, key: KeyId) -> Result<Option<Guard>, Refusal> {
        let guard = self.in_flight.enter(key);
        if guard.is_none() && !self.ledger.knows(key).await? {
            return Err(Refusal::KeyInUse);
        }
        Ok(guard)
    }

    /// What the rules of today, and what the sender may, make of an event; `origin` says where a refused attribute stands.
    pub(super) fn judge(
        &self,
        sender: &Sender,
        (event, origin): (&Event, Origin),
        now: Timestamp,
    ) -> Result<Verdict, Refusal> {
        if !sender.may_send(&event.kind) {
            return Err(Refusal::TypeNotAllowed { at: origin.place("type") });
        }
        if !sender.may_send_from(&event.source) {
            return Err(Refusal::SourceNotAllowed { at: origin.place("source") });
        }
        let changes = match rules::evaluate(&self.rules, event, now) {
            Ok(evaluation) => evaluation.changes,
            Err(failure) => return Ok(Verdict { changes: Vec::new(), failure: Some(failure) }),
        };
        // A change that a later one replaces counts too: what it asks for was asked for.
        let refused = changes.iter().find_map(|change| sender.refuses(change).map(|ceiling| (change, ceiling)));
        match refused {
            Some((change, ceiling)) => {
                let (rule, role) = (change.rule.clone(), change.action.role().cloned());
                Err(Refusal::AboveCeiling { rule, role, ceiling })
            }
            None => Ok(Verdict { changes, failure: None }),
        }
    }

    /// The ledger decides whether it is the first time; the verdict of today counts only then.
    pub(super) fn taken(&self, recorded: Recorded) -> Result<Accepted, Refusal> {
        let (record, replayed) = match recorded {
            Recorded::New(record) => (record, false),
            Recorded::Repeated(record) => (record, true),
            Recorded::Conflict => return Err(Refusal::Conflict),
            Recorded::KeyTaken => return Err(Refusal::KeyTaken),
        };
        if let Some(failure) = &record.failure {
            return Err(Refusal::RuleFailed { event: record.event.id, failure: failure.clone(), replayed });
        }
        let accepted = Accepted { record: without_unseen(record), replayed };
        if !replayed && !accepted.has_ended() {
            self.wake.ring();
        }
        Ok(accepted)
    }

    /// What was accepted under the rules of yesterday is answered as then, although today it would be refused.
    async fn recall(&self, sighting: Sighting, refusal: Refusal) -> Result<Accepted, Refusal> {
        let recalled = self.ledger.recall(sighting).await?;
        recalled.map_or(Err(refusal), |recorded| self.taken(recorded))
    }
}

/// Without what no answer shows: thousands may wait, and an event may be large.
pub(super) fn without_unseen(mut record: EventRecord) -> EventRecord {
    record.event.data.take();
    record.event.extensions = Extensions::new();
    for change in &mut record.changes {
        if let Action::Grant(grant) = &mut change.change.action {
            grant.metadata = Metadata::default();
        }
    }
    record
}

/// What to ask the ledger about an event that is not to be recorded.
pub(super) fn sighting(event: &Event, keys: Vec<KeyId>) -> Sighting {
    Sighting { event: event.id, content: event.content_digest(), keys }
}

/// To the millisecond, which every ledger keeps: a repeat shows the same time as the first answer.
pub(super) fn now(ledger: &Ledger) -> Timestamp {
    let now = ledger.now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
