//! An event whose rules had failed, evaluated anew by the rules of today.
//! Knows nothing of who asks for it.

use super::Ingest;
use super::accept::Verdict;
use super::members::Origin;
use crate::domain::{Change, EventId, EventRecord, EventStatus, RuleFailure};
use crate::ledger::{LedgerError, Reconsidered};

/// What came of a second look at an event.
#[derive(Debug, Clone, PartialEq)]
pub enum SecondLook {
    /// What the rules make of it now is recorded: its changes, or another failure.
    Recorded(Box<EventRecord>),
    /// Its rules had not failed; nothing is done.
    NotFailed,
    /// There is no such event.
    Unknown,
    /// Today its sender is not there, or may not ask for this; nothing is done.
    NotAllowed,
}

impl Ingest {
    /// Evaluates a failed event by the rules of today, as of the time when it was accepted, and records what they make of it.
    ///
    /// The ceiling of its sender is that of today, too.
    pub async fn reconsider(&self, id: EventId) -> Result<SecondLook, LedgerError> {
        let Some(EventRecord { event, received_at, failure, .. }) = self.ledger.find(id).await? else {
            return Ok(SecondLook::Unknown);
        };
        if failure.is_none() {
            return Ok(SecondLook::NotFailed);
        }
        let sender = self.rules.senders().iter().find(|sender| sender.name == event.sender);
        let verdict = sender.map(|sender| self.judge(sender, (&event, Origin::Body), received_at));
        let Some(Ok(Verdict { changes, failure })) = verdict else { return Ok(SecondLook::NotAllowed) };
        self.record_anew(id, failure.map_or(Ok(changes), Err)).await
    }

    async fn record_anew(
        &self,
        id: EventId,
        verdict: Result<Vec<Change>, RuleFailure>,
    ) -> Result<SecondLook, LedgerError> {
        Ok(match self.ledger.reconsider(id, verdict).await? {
            Reconsidered::Recorded(record) => {
                if record.status() == EventStatus::Pending {
                    self.wake.ring();
                }
                SecondLook::Recorded(record)
            }
            Reconsidered::NotFailed => SecondLook::NotFailed,
            Reconsidered::Unknown => SecondLook::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{event, ingest, rules};
    use super::super::identity::Claims;
    use super::super::refusal::Refusal;
    use super::*;
    use crate::ledger::Ledger;

    #[tokio::test]
    async fn a_mended_rule_gives_an_event_the_changes_that_it_had_failed_to_give() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let broken = ingest(&ledger, rules("data.rolle", "org:member"));
        let (event, sender) = (event(&broken.rules), broken.rules.senders()[0].clone());
        let id = event.id;
        assert!(matches!(
            broken.accept(&sender, (event, Origin::Body), Claims::default(), false).await,
            Err(Refusal::RuleFailed { .. })
        ));
        let Ok(SecondLook::Recorded(still)) = broken.reconsider(id).await else { panic!("not looked at") };
        assert_eq!((still.failure.is_some(), still.changes.len()), (true, 0));

        let lowered = ingest(&ledger, rules("data.role", "org:viewer"));
        assert_eq!(lowered.reconsider(id).await, Ok(SecondLook::NotAllowed), "the ceiling of today holds");
        let mended = ingest(&ledger, rules("data.role", "org:member"));
        let Ok(SecondLook::Recorded(now)) = mended.reconsider(id).await else { panic!("not looked at") };
        assert_eq!((now.status(), now.changes.len()), (EventStatus::Pending, 1));
        assert_eq!(mended.reconsider(id).await, Ok(SecondLook::NotFailed));
    }
}
