//! What callers see of an event, word by word.

use super::*;
use crate::domain::{
    Action, AttemptCode, Change, Digest, Event, EventType, Existing, Extensions, Grant, MembershipKey, Schedule,
    SenderName,
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
    let (extensions, trace) = (Extensions::default(), None);
    let data = json!({"secret": 1});
    let event = Event { id, sender, source, event_id, kind, subject: None, time: None, extensions, trace, data };
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
    let [rule, part, expression, message] = ["r", "grant.role", "data.role", "no such key: role"].map(str::to_owned);
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

#[test]
fn names_that_are_not_looked_up_yet_are_shown_as_given() {
    let mut record = record();
    record.changes[1].change.key =
        MembershipKey { organization: "slug:acme".parse().unwrap(), user: "email:ada@example.com".parse().unwrap() };
    let view = serde_json::to_value(ChangeView::from(&record.changes[1])).unwrap();
    assert_eq!(view["organization"], json!({"slug": "acme"}));
    assert_eq!(view["user"], json!({"email": "ada@example.com"}));
    record.changes[1].change.key.user = "external_id:42".parse().unwrap();
    let view = serde_json::to_value(ChangeView::from(&record.changes[1])).unwrap();
    assert_eq!(view["user"], json!({"external_id": "42"}));
    assert!(view.get("superseded_by").is_none() && view.get("not_before").is_none());
}

#[test]
fn the_end_of_a_time_bound_grant_says_when_it_is_due_and_what_took_its_place() {
    let mut record = record();
    let at = "2026-02-14T12:00:00Z".parse().unwrap();
    record.changes[0].change.schedule = Some(Schedule { grant: 1, at });
    let text = serde_json::to_string(&ChangeView::from(&record.changes[0])).unwrap();
    let expected = r#""action":"revoke","organization":"org_acme","user":"user_ada","role":null,"not_before":"2026-02-14T12:00:00Z","state":"settled","outcome":"superseded","superseded_by":"94b3da8a-9e4c-8e4e-8966-7f229eed695a.1","attempts":[]"#;
    assert!(text.contains(expected), "{text}");
}
