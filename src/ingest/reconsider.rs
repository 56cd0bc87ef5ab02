//! An event whose rules had failed, evaluated anew by the rules of today.
//! Knows nothing of who asks for it.

use super::Ingest;
use super::accept::Verdict;
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
        let verdict = sender.map(|sender| self.judge(sender, &event, received_at));
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
    use std::sync::Arc;

    use serde_json::json;

    use super::super::authenticate::Tokens;
    use super::super::identity::Claims;
    use super::super::in_flight::InFlight;
    use super::super::refusal::Refusal;
    use super::*;
    use crate::domain::{Event, EventType, Extensions};
    use crate::ledger::Ledger;
    use crate::metrics::Metrics;
    use crate::rules::{self, Rules};
    use crate::wake::{Outcomes, Wake};

    fn rules(role: &str, ceiling: &str) -> Arc<Rules> {
        let source = format!(
            "senders:\n  billing: {{ tokens: [{{ env: T }}], events: ['*'], roles: ['{ceiling}', 'org:viewer'] }}\n\
             roles: ['org:viewer', 'org:member']\nrules:\n  - name: r\n    on: plan.*\n    \
             grant: {{ organization: data.o, user: data.u, role: {role} }}\n"
        );
        Arc::new(rules::load("usher.yaml", &source).unwrap())
    }

    fn ingest(ledger: &Ledger, rules: Arc<Rules>) -> Ingest {
        let (tokens, wake, metrics) = (Tokens::new(Vec::new()), Wake::default(), Arc::new(Metrics::new()));
        let (outcomes, in_flight) = (Outcomes::default(), InFlight::default());
        Ingest { rules, tokens, ledger: ledger.clone(), wake, outcomes, in_flight, metrics, body_limit: 1024 }
    }

    fn event(rules: &Rules) -> Event {
        let sender = rules.senders()[0].name.clone();
        let (source, event_id) = ("shop".to_owned(), "1".to_owned());
        let (id, kind) = (EventId::of(&sender, &source, &event_id), EventType::try_from("plan.bought".to_owned()));
        let data = json!({"o": "org_1", "u": "user_1", "role": "org:member"});
        Event {
            id,
            sender,
            source,
            event_id,
            kind: kind.unwrap(),
            subject: None,
            time: None,
            extensions: Extensions::default(),
            trace: None,
            data,
        }
    }

    #[tokio::test]
    async fn a_mended_rule_gives_an_event_the_changes_that_it_had_failed_to_give() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let broken = ingest(&ledger, rules("data.rolle", "org:member"));
        let (event, sender) = (event(&broken.rules), broken.rules.senders()[0].clone());
        let id = event.id;
        assert!(matches!(
            broken.accept(&sender, event, Claims::default(), false).await,
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
