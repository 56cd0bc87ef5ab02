//! An event as callers see it, the same wherever it is answered.
//! Knows nothing of status codes; the names here are a contract and never change.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Serialize, Serializer};

use crate::domain::{
    Attempt, ChangeId, ChangeRecord, ChangeState, EventId, EventRecord, EventStatus, ExternalId, OrganizationId,
    OrganizationRef, Outcome, Role, RuleFailure, Slug, UserId, UserRef,
};

const PRINTER: DateTimePrinter = DateTimePrinter::new();

/// What usher knows of an event.
#[derive(Debug, Serialize)]
pub(super) struct EventView<'a> {
    id: EventId,
    source: &'a str,
    event_id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    sender: &'a str,
    status: EventStatus,
    #[serde(serialize_with = "as_time")]
    received_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView<'a>>,
    changes: Vec<ChangeView<'a>>,
}

/// The rule that could not be evaluated; only on events that failed so.
#[derive(Debug, Serialize)]
struct FailureView<'a> {
    rule: &'a str,
    part: &'a str,
    expression: &'a str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct ChangeView<'a> {
    #[serde(serialize_with = "as_text")]
    id: ChangeId,
    rule: &'a str,
    action: &'static str,
    organization: OrganizationView<'a>,
    user: UserView<'a>,
    role: Option<&'a Role>,
    state: ChangeState,
    outcome: Option<Outcome>,
    attempts: &'a [Attempt],
    #[serde(serialize_with = "as_optional_time")]
    next_attempt_at: Option<Timestamp>,
    membership_id: Option<&'a str>,
    reason: Option<Cow<'a, str>>,
}

/// Clerk's id as a text, once it is known; until then what the sender named instead.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OrganizationView<'a> {
    Id(&'a OrganizationId),
    Slug { slug: &'a Slug },
}

/// As for the organization.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum UserView<'a> {
    Id(&'a UserId),
    Email { email: &'a str },
    ExternalId { external_id: &'a ExternalId },
}

impl<'a> From<&'a OrganizationRef> for OrganizationView<'a> {
    fn from(organization: &'a OrganizationRef) -> Self {
        match organization {
            OrganizationRef::Id(id) => Self::Id(id),
            OrganizationRef::Slug(slug) => Self::Slug { slug },
        }
    }
}

impl<'a> From<&'a UserRef> for UserView<'a> {
    fn from(user: &'a UserRef) -> Self {
        match user {
            UserRef::Id(id) => Self::Id(id),
            UserRef::Email(address) => Self::Email { email: address.reveal() },
            UserRef::ExternalId(external_id) => Self::ExternalId { external_id },
        }
    }
}

impl<'a> From<&'a EventRecord> for EventView<'a> {
    fn from(record: &'a EventRecord) -> Self {
        Self {
            id: record.event.id,
            source: &record.event.source,
            event_id: &record.event.event_id,
            kind: record.event.kind.as_str(),
            sender: record.event.sender.as_str(),
            status: record.status(),
            received_at: record.received_at,
            failure: record.failure.as_ref().map(FailureView::from),
            changes: record.changes.iter().map(ChangeView::from).collect(),
        }
    }
}

impl<'a> From<&'a RuleFailure> for FailureView<'a> {
    fn from(failure: &'a RuleFailure) -> Self {
        let RuleFailure { rule, part, expression, message } = failure;
        Self { rule, part, expression, message }
    }
}

impl<'a> From<&'a ChangeRecord> for ChangeView<'a> {
    fn from(record: &'a ChangeRecord) -> Self {
        let change = &record.change;
        Self {
            id: change.id,
            rule: &change.rule,
            action: change.action.name(),
            organization: (&change.key.organization).into(),
            user: (&change.key.user).into(),
            role: change.action.role(),
            state: record.state,
            outcome: record.outcome,
            attempts: &record.attempts,
            next_attempt_at: record.next_attempt_at,
            membership_id: record.membership_id.as_deref(),
            reason: reason(record),
        }
    }
}

/// A change that a later one of its own event replaced says so, whether or not anybody wrote a reason.
fn reason(record: &ChangeRecord) -> Option<Cow<'_, str>> {
    let superseded = || record.change.superseded_by.map(|id| format!("superseded by change {id}").into());
    record.reason.as_deref().map(Cow::from).or_else(superseded)
}

fn as_text<S: Serializer>(id: &ChangeId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// As the timestamp's own, which has every piece of the text escaped by itself.
fn as_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&PRINTER.timestamp_to_string(time))
}

#[expect(clippy::ref_option, reason = "serde hands it over so")]
fn as_optional_time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => as_time(time, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Action, AttemptCode, Change, Digest, Event, EventType, Existing, Grant, MembershipKey, SenderName,
    };
    use serde_json::json;

    fn change(event: EventId, index: u32, action: Action, superseded_by: Option<u32>) -> Change {
        let key = MembershipKey { organization: "org_acme".parse().unwrap(), user: "user_ada".parse().unwrap() };
        let rule = "team plan purchased".to_owned();
        let superseded_by = superseded_by.map(|index| ChangeId { event, index });
        Change {
            id: ChangeId { event, index },
            rule,
            rules_digest: Digest([0; 32]),
            key,
            action,
            schedule: None,
            superseded_by,
        }
    }

    fn record() -> EventRecord {
        let sender = SenderName::try_from("billing".to_owned()).unwrap();
        let id = EventId::of(&sender, "/shop", "1");
        let received_at: Timestamp = "2026-01-31T12:00:00.25Z".parse().unwrap();
        let attempt = Attempt {
            at: received_at,
            status: Some(429),
            code: Some(AttemptCode::new("too_many_requests")),
            duration_ms: 21,
            trace_id: Some("trace_1".to_owned()),
        };
        let grant = Action::Grant(Grant::new("org:member".parse().unwrap(), Existing::Raise, vec![]));
        let waiting = ChangeRecord {
            change: change(id, 1, grant, None),
            state: ChangeState::InFlight,
            outcome: None,
            attempts: vec![attempt],
            next_attempt_at: Some(received_at),
            membership_id: None,
            reason: None,
        };
        let settled = ChangeRecord {
            change: change(id, 0, Action::Revoke, Some(1)),
            state: ChangeState::Settled,
            outcome: Some(Outcome::Superseded),
            attempts: vec![],
            next_attempt_at: None,
            ..waiting.clone()
        };
        let kind = EventType::try_from("plan.purchased".to_owned()).unwrap();
        let (source, event_id) = ("/shop".to_owned(), "1".to_owned());
        let event = Event { id, sender, source, event_id, kind, subject: None, time: None, data: json!({"secret": 1}) };
        let content = event.content_digest();
        EventRecord { event, content, received_at, failure: None, changes: vec![settled, waiting] }
    }

    #[test]
    fn an_event_is_shown_with_its_changes_and_their_attempts_and_without_its_data() {
        let mut record = record();
        let superseded = record.changes.remove(0);
        let reason = "superseded by change 94b3da8a-9e4c-8e4e-8966-7f229eed695a.1";
        assert_eq!(ChangeView::from(&superseded).reason.as_deref(), Some(reason));
        insta::assert_json_snapshot!(EventView::from(&record), @r#"
        {
          "id": "94b3da8a-9e4c-8e4e-8966-7f229eed695a",
          "source": "/shop",
          "event_id": "1",
          "type": "plan.purchased",
          "sender": "billing",
          "status": "pending",
          "received_at": "2026-01-31T12:00:00.25Z",
          "changes": [
            {
              "id": "94b3da8a-9e4c-8e4e-8966-7f229eed695a.1",
              "rule": "team plan purchased",
              "action": "grant",
              "organization": "org_acme",
              "user": "user_ada",
              "role": "org:member",
              "state": "in_flight",
              "outcome": null,
              "attempts": [
                {
                  "at": "2026-01-31T12:00:00.25Z",
                  "status": 429,
                  "code": "too_many_requests",
                  "duration_ms": 21,
                  "trace_id": "trace_1"
                }
              ],
              "next_attempt_at": "2026-01-31T12:00:00.25Z",
              "membership_id": null,
              "reason": null
            }
          ]
        }
        "#);
    }

    #[test]
    fn an_event_that_no_rule_could_evaluate_says_where_to_look() {
        let [rule, part, expression, message] =
            ["r", "grant.role", "data.role", "no such key: role"].map(str::to_owned);
        let failure = Some(RuleFailure { rule, part, expression, message });
        let failed = EventRecord { failure, changes: vec![], ..record() };
        insta::assert_json_snapshot!(EventView::from(&failed), @r#"
        {
          "id": "94b3da8a-9e4c-8e4e-8966-7f229eed695a",
          "source": "/shop",
          "event_id": "1",
          "type": "plan.purchased",
          "sender": "billing",
          "status": "failed",
          "received_at": "2026-01-31T12:00:00.25Z",
          "failure": {
            "rule": "r",
            "part": "grant.role",
            "expression": "data.role",
            "message": "no such key: role"
          },
          "changes": []
        }
        "#);
    }
}
