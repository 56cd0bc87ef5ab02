//! What a change leaves in the log and the metrics when no call of its own ends it.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::fixtures::{change, claim, claim_of};
use super::super::{report, step::step};
use super::bench::{Bench, Log, created, member};
use crate::domain::{Action, ChangeId, Outcome};
use crate::ledger::{Claim, Finished};

fn finished() -> Finished {
    let mut change = change(1, "email:ada@example.com", Action::Revoke);
    change.superseded_by = Some(ChangeId { event: change.id.event, index: 7 });
    let reason = Some("a later change took its place".to_owned());
    Finished { change, event: claim(Action::Revoke).event, outcome: Outcome::Superseded, attempts: 3, reason }
}

#[actix_rt::test]
async fn a_change_that_another_took_with_it_is_told_like_any_other() {
    let (bench, (log, _guard)) = (Bench::new(9, |_, seen| created(seen)), Log::start());
    let (context, finished) = (bench.context(), finished());
    report::finished(&context, &finished);
    let mut fields = log.lines()[0]["fields"].clone();
    assert!(fields["duration_ms"].take().is_i64());
    let event = finished.change.id.event.to_string();
    let expected = json!({
        "message": "change settled", "event_id": event, "change": format!("{event}.0"), "sender": "billing",
        "event_type": "plan.purchased", "rule": "a rule", "action": "revoke", "organization": "org_1",
        "user": "email:(redacted)", "outcome": "superseded", "superseded_by": format!("{event}.7"), "attempts": 3,
        "reason": "a later change took its place", "duration_ms": null,
    });
    assert_eq!(fields, expected);
    assert!(context.metrics.render().contains(r#"usher_changes_total{action="revoke",outcome="superseded"} 1"#));
}

#[actix_rt::test]
async fn a_held_change_is_a_warning_and_a_count() {
    let (bench, (log, _guard)) = (Bench::new(9, |_, seen| created(seen)), Log::start());
    let context = bench.context();
    report::held(&context, &claim_of("org_1", "email:ada@example.com", Action::Revoke), "too many");
    let lines = log.lines();
    assert_eq!((&lines[0]["level"], &lines[0]["fields"]["reason"]), (&json!("WARN"), &json!("too many")));
    assert!(!lines[0].to_string().contains("example.com"));
    assert!(context.metrics.render().contains(r#"usher_changes_held_total{action="revoke"} 1"#));
}

#[actix_rt::test]
async fn the_brake_is_asked_before_the_call() {
    let bench = Bench::new(9, |_, seen| created(seen));
    bench.accept(1, "user_1", Action::Revoke).await;
    let claim = Claim { removals: 101, ..bench.claim_one().await };
    step(&bench.context(), claim, Instant::now()).await;
    assert_eq!(bench.fake.seen().len(), 0);
}

#[actix_rt::test]
async fn a_released_removal_is_known_to_the_ledger_before_its_call() {
    let bench = Bench::new(9, |_, seen| created(seen));
    bench.accept(1, "user_1", Action::Revoke).await;
    let counts = crate::domain::Step::CountMembers;
    let claim = Claim { step: counts, removals: 101, released: true, ..bench.claim_one().await };
    step(&bench.context(), claim, Instant::now()).await;
    assert_eq!(bench.fake.seen().len(), 0);
    assert_eq!(bench.claim_one().await.step, crate::domain::Step::Delete);
}

#[actix_rt::test]
async fn a_step_that_does_not_fit_its_change_makes_no_call_and_is_dead() {
    let (bench, (log, _guard)) = (Bench::new(9, |_, seen| created(seen)), Log::start());
    bench.accept(1, "user_1", member()).await;
    let claim = Claim { step: crate::domain::Step::FindUser, ..bench.claim_one().await };
    step(&bench.context(), claim, Instant::now()).await;
    assert_eq!(bench.fake.seen().len(), 0);
    let record = bench.record(1, "user_1").await;
    assert_eq!((record.outcome, record.attempts.len()), (Some(Outcome::Dead), 0));
    assert_eq!(log.lines()[0]["fields"]["attempts"], Value::from(0));
}
