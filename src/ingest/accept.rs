//! From an event to its place in the ledger: evaluate, check the ceiling, record, and tell a repeat from a first.
//! Knows nothing of HTTP.

use jiff::Timestamp;

use super::Ingest;
use super::refusal::Refusal;
use crate::domain::{Change, Event, EventRecord, EventStatus, RuleFailure};
use crate::ledger::{Entry, Recorded};
use crate::rules::{self, Sender};

/// An event that is in the ledger.
pub(super) struct Accepted {
    pub(super) record: EventRecord,
    /// It was there before this request.
    pub(super) replayed: bool,
}

/// What the rules of today say about an event.
pub(super) struct Verdict {
    pub(super) changes: Vec<Change>,
    pub(super) failure: Option<RuleFailure>,
}

impl Ingest {
    /// Makes the event durable, or says why not.
    pub(super) async fn accept(&self, sender: &Sender, event: Event) -> Result<Accepted, Refusal> {
        let now = now();
        let accepted = match self.judge(sender, &event, now) {
            Ok(verdict) => self.record(event, verdict, now).await?,
            Err(refusal) => self.recall(&event, refusal).await?,
        };
        match accepted.record.failure {
            Some(failure) => {
                Err(Refusal::RuleFailed { event: accepted.record.event.id, failure, replayed: accepted.replayed })
            }
            None => Ok(accepted),
        }
    }

    pub(super) fn judge(&self, sender: &Sender, event: &Event, now: Timestamp) -> Result<Verdict, Refusal> {
        if !sender.may_send(&event.kind) {
            return Err(Refusal::TypeNotAllowed);
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
    async fn record(&self, event: Event, verdict: Verdict, received_at: Timestamp) -> Result<Accepted, Refusal> {
        let Verdict { changes, failure } = verdict;
        match self
            .ledger
            .record(Entry { event, received_at, failure, changes, urgent: false, keys: Vec::new() })
            .await?
        {
            Recorded::New(record) => {
                if record.status() == EventStatus::Pending {
                    self.wake.ring();
                }
                Ok(Accepted { record, replayed: false })
            }
            Recorded::Repeated(record) => Ok(Accepted { record, replayed: true }),
            Recorded::Conflict | Recorded::KeyTaken => Err(Refusal::Conflict),
        }
    }

    /// What was accepted under the rules of yesterday is answered as then, although today it would be refused.
    async fn recall(&self, event: &Event, refusal: Refusal) -> Result<Accepted, Refusal> {
        match self.ledger.find(event.id).await? {
            Some(record) if record.content == event.content_digest() => Ok(Accepted { record, replayed: true }),
            Some(_) => Err(Refusal::Conflict),
            None => Err(refusal),
        }
    }
}

/// To the millisecond, which every ledger keeps: a repeat shows the same time as the first answer.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
