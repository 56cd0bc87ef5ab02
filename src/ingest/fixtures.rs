//! What the tests of the front door share: rules, a sender, an event.
//! Knows nothing of HTTP.

use std::sync::Arc;

use serde_json::json;

use super::authenticate::Proofs;
use super::limits::Limits;
use super::{InFlight, Ingest};
use crate::domain::{Event, EventId, EventType, Extensions};
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::rules::{self, Rules};
use crate::wake::{Outcomes, Wake};

/// One sender with this ceiling, and a rule that gives this role.
pub(super) fn rules(role: &str, ceiling: &str) -> Arc<Rules> {
    let source = format!(
        "senders:\n  billing: {{ tokens: [{{ env: T }}], events: ['*'], roles: ['{ceiling}', 'org:viewer'] }}\n\
         roles: ['org:viewer', 'org:member']\nrules:\n  - name: r\n    on: plan.*\n    \
         grant: {{ organization: data.o, user: data.u, role: {role} }}\n"
    );
    Arc::new(rules::load("usher.yaml", &source).unwrap())
}

/// The front door of a ledger.
pub(super) fn ingest(ledger: &Ledger, rules: Arc<Rules>) -> Ingest {
    let limits = Limits::new(1024, 1000, rules.senders());
    Ingest {
        rules,
        proofs: Proofs::default(),
        ledger: ledger.clone(),
        wake: Wake::default(),
        outcomes: Outcomes::default(),
        in_flight: InFlight::default(),
        metrics: Arc::new(Metrics::new()),
        body_limit: 1024,
        limits,
    }
}

/// A purchase by the sender.
pub(super) fn event(rules: &Rules) -> Event {
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
