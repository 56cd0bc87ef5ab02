//! For tests: changes and claims that read as sentences.
//! Knows nothing of the loop.

use jiff::Timestamp;

use crate::domain::{
    Action, Change, ChangeId, Digest, Event, EventId, EventType, Existing, Extensions, Grant, MembershipKey, Role,
    SenderName,
};
use crate::ledger::{Claim, ClaimedEvent, Entry, Ticket};

/// Lowest first.
pub(super) const ROLES: [&str; 3] = ["org:viewer", "org:member", "org:admin"];

pub(super) fn role(text: &str) -> Role {
    text.parse().unwrap()
}

pub(super) fn grant(wanted: &str, existing: Existing) -> Action {
    let lower = ROLES.into_iter().take_while(|lower| *lower != wanted).map(role).collect();
    Action::Grant(Grant::new(role(wanted), existing, lower))
}

pub(super) fn sender() -> SenderName {
    SenderName::try_from("billing".to_owned()).unwrap()
}

pub(super) fn kind() -> EventType {
    EventType::try_from("plan.purchased".to_owned()).unwrap()
}

pub(super) fn change(number: u32, user: &str, action: Action) -> Change {
    Change {
        id: ChangeId { event: EventId::of(&sender(), "shop", &number.to_string()), index: 0 },
        rule: "a rule".to_owned(),
        rules_digest: Digest::of_bytes(b""),
        key: MembershipKey { organization: "org_1".parse().unwrap(), user: user.parse().unwrap() },
        action,
        schedule: None,
        superseded_by: None,
    }
}

/// The first claim of a new change.
pub(super) fn claim(action: Action) -> Claim {
    let change = change(1, "user_1", action);
    Claim {
        step: change.first_step(),
        change,
        event: ClaimedEvent { sender: sender(), kind: kind(), received_at: Timestamp::UNIX_EPOCH },
        ticket: Ticket::default(),
        lease: 1,
        attempts: 0,
        first_attempt_at: None,
        answer_lost: false,
        replaces: false,
        removals: 0,
        released: false,
    }
}

/// The first claim of a new change of this key.
pub(super) fn claim_of(organization: &str, user: &str, action: Action) -> Claim {
    let mut claim = claim(action);
    claim.change.key = MembershipKey { organization: organization.parse().unwrap(), user: user.parse().unwrap() };
    claim.step = claim.change.first_step();
    claim
}

/// An event with one change, as ingest records it.
pub(super) fn entry(number: u32, user: &str, action: Action) -> Entry {
    let change = change(number, user, action);
    let event = Event {
        id: change.id.event,
        sender: sender(),
        source: "shop".to_owned(),
        event_id: number.to_string(),
        kind: kind(),
        subject: None,
        time: None,
        extensions: Extensions::default(),
        trace: None,
        data: serde_json::Value::Null,
    };
    Entry {
        event,
        received_at: Timestamp::now(),
        failure: None,
        changes: vec![change],
        urgent: false,
        keys: Vec::new(),
    }
}
