//! What every ledger must do, told without naming one: each crate that has a `Backend` runs the same stories.

mod keys;
mod limits;
mod model;
mod operators;
mod queues;
mod settling;

use std::sync::{Arc, Barrier};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use usher::domain::{
    Action, Attempt, AttemptCode, Brake, Brakes, Change, ChangeId, ChangeState, Digest, Event, EventId, EventStatus,
    EventType, Existing, Extensions, Grant, MembershipKey, Metadata, MissingUser, Outcome, Role, RuleFailure, Schedule,
    SenderName, Step, TraceContext, Turns,
};
use usher::ledger::{
    Claim, ClaimRequest, Claimed, Entry, HeldFilter, Ledger, LedgerError, LetterFilter, LetterId, LetterKind, Next,
    Reconsidered, Recorded, Replay, Replayed, Settled, Settlement, Statistics, Ticket,
};

use crate::{Backend, HISTORIES, invariants};

fn backend() -> Backend {
    Backend::new()
}

/// A fresh ledger, which lives as long as its backend.
fn opened() -> (Backend, Ledger) {
    let backend = backend();
    let ledger = backend.open();
    (backend, ledger)
}

const LEASE: Duration = Duration::from_secs(30);

/// A time in milliseconds on the tests' own clock.
fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

fn key(user: &str) -> MembershipKey {
    MembershipKey { organization: "org_acme".parse().unwrap(), user: format!("user_{user}").parse().unwrap() }
}

fn grant() -> Action {
    let role = |name: &str| -> Role { name.parse().unwrap() };
    let lower = vec![role("org:viewer"), role("org:guest")];
    Action::Grant(Grant::new(role("org:member"), Existing::Raise, lower))
}

/// An event called `name`, accepted at `received`, with one grant for each of `users`.
pub(crate) fn entry(name: &str, received: i64, users: &[&str]) -> Entry {
    let sender = SenderName::try_from("billing".to_owned()).unwrap();
    let event = Event {
        id: EventId::of(&sender, "shop", name),
        sender,
        source: "shop".to_owned(),
        event_id: name.to_owned(),
        kind: EventType::try_from("plan.purchased".to_owned()).unwrap(),
        subject: Some("é \u{0} \"quoted\"".to_owned()),
        time: Some("2026-11-24T10:00:00.123456789Z".parse().unwrap()),
        extensions: Extensions::from_iter([
            ("partitionkey".to_owned(), json!("acmé")),
            ("sequence".to_owned(), json!(7)),
        ]),
        trace: Some(TraceContext {
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
            tracestate: Some("vendor=1".to_owned()),
        }),
        data: json!({ "plan": "team", "seats": [1, 2.5, null], "note": "naïve\u{0}\n" }),
    };
    let changes = users.iter().zip(0..).map(|(user, index)| change(event.id, index, user)).collect();
    Entry { event, received_at: at(received), failure: None, changes, urgent: false, keys: Vec::new() }
}

fn change(event: EventId, index: u32, user: &str) -> Change {
    Change {
        id: ChangeId { event, index },
        rule: "team plan purchased".to_owned(),
        rules_digest: Digest::of_bytes(b"rules"),
        key: key(user),
        action: grant(),
        schedule: None,
        superseded_by: None,
    }
}

fn attempt(milliseconds: i64) -> Attempt {
    Attempt {
        at: at(milliseconds),
        status: Some(422),
        code: Some(AttemptCode::new("form_param_invalid")),
        duration_ms: 12,
        trace_id: Some("trace-1".to_owned()),
    }
}

fn settlement(claim: &Claim, next: Next) -> Settlement {
    Settlement {
        ticket: claim.ticket,
        lease: claim.lease,
        attempt: Some(attempt(5)),
        counted: true,
        lowers: false,
        next,
    }
}

fn done(outcome: Outcome) -> Next {
    Next::Done { outcome, membership_id: Some("orgmem_1".to_owned()), reason: Some("because".to_owned()) }
}

fn request(now: i64, limit: usize) -> ClaimRequest {
    ClaimRequest { now: at(now), limit, lease: LEASE, turns: Turns::default(), brakes: Arc::default() }
}

async fn claimed(ledger: &Ledger, now: i64, limit: usize) -> Claimed {
    ledger.claim(request(now, limit)).await.unwrap()
}

async fn take(ledger: &Ledger, now: i64, limit: usize) -> Vec<Claim> {
    claimed(ledger, now, limit).await.claims
}

fn names(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(|claim| claim.change.key.user.to_text().trim_start_matches("user_").to_owned()).collect()
}

async fn finish(ledger: &Ledger, now: i64, outcome: Outcome) {
    for claim in take(ledger, now, 100).await {
        assert_ne!(ledger.settle(settlement(&claim, done(outcome))).await, Ok(Settled::Stale));
    }
}

#[tokio::test]
async fn what_is_recorded_is_found_exactly_and_after_a_reopening() {
    let backend = backend();
    let ledger = backend.open();
    let mut wanted = entry("1", 0, &["ada", "ada", "bob"]);
    wanted.changes[0].superseded_by = Some(wanted.changes[1].id);
    wanted.changes[2].action = Action::Revoke;
    let Ok(Recorded::New(record)) = ledger.record(wanted.clone()).await else { panic!("not new") };

    assert_eq!(ledger.find(wanted.event.id).await, Ok(Some(record.clone())));
    ledger.close().await;
    assert_eq!(backend.open().find(wanted.event.id).await, Ok(Some(record.clone())));
    assert_eq!((&record.event, record.content), (&wanted.event, wanted.event.content_digest()));
    assert_eq!(record.changes.iter().map(|c| c.change.clone()).collect::<Vec<_>>(), wanted.changes);
    let states: Vec<_> = record.changes.iter().map(|c| (c.state, c.outcome, c.next_attempt_at)).collect();
    let waiting = (ChangeState::Waiting, None, Some(at(0)));
    assert_eq!(states, [(ChangeState::Settled, Some(Outcome::Superseded), None), waiting, waiting]);
    assert_eq!(record.status(), EventStatus::Pending);
}

#[tokio::test]
async fn an_event_without_changes_is_kept_with_its_failure() {
    let (_backend, ledger) = opened();
    let text = || "{\"'} é".to_owned();
    let failure = RuleFailure { rule: text(), part: text(), expression: text(), message: text() };
    let failed = Entry { failure: Some(failure.clone()), ..entry("1", 0, &[]) };
    ledger.record(failed.clone()).await.unwrap();
    let found = ledger.find(failed.event.id).await.unwrap().unwrap();
    assert_eq!((found.status(), found.failure), (EventStatus::Failed, Some(failure)));
    assert_eq!(ledger.find(entry("2", 0, &[]).event.id).await, Ok(None));
}

#[tokio::test]
async fn a_repeat_is_answered_from_the_ledger_and_another_content_is_a_conflict() {
    let (_backend, ledger) = opened();
    ledger.record(entry("1", 0, &["ada"])).await.unwrap();
    finish(&ledger, 10, Outcome::Granted).await;

    // Other changes, as after an edit of the rules, make no other event.
    let Ok(Recorded::Repeated(record)) = ledger.record(entry("1", 99, &["bob", "eve"])).await else {
        panic!("not a repeat")
    };
    assert_eq!((record.received_at, record.changes[0].outcome), (at(0), Some(Outcome::Granted)));
    let mut other = entry("1", 0, &["ada"]);
    other.event.data = json!({ "plan": "enterprise" });
    assert_eq!(ledger.record(other).await, Ok(Recorded::Conflict));
    assert_eq!(ledger.statistics().await.unwrap().unfinished, 0);
}

#[test]
fn many_threads_that_record_one_event_make_it_once() {
    let (_backend, ledger) = opened();
    let start = Barrier::new(8);
    let new = std::thread::scope(|scope| {
        let record = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            start.wait();
            (0..25).filter(|i| is_new(&runtime.block_on(ledger.record(entry(&i.to_string(), 0, &["ada"]))))).count()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(record)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
    });
    assert_eq!(new, 25);
}

fn is_new(recorded: &Result<Recorded, LedgerError>) -> bool {
    match recorded {
        Ok(Recorded::New(_)) => true,
        Ok(Recorded::Repeated(_)) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_entry_that_cannot_be_written_fails_alone() {
    let (_backend, ledger) = opened();
    let mut twice = entry("1", 0, &["ada", "bob"]);
    twice.changes[1].id.index = 0;
    let mut strange = entry("2", 0, &["ada"]);
    strange.changes[0].id.event = twice.event.id;
    let (twice, strange, good) =
        tokio::join!(ledger.record(twice), ledger.record(strange), ledger.record(entry("3", 0, &["ada"])));
    assert!(matches!((twice, strange), (Err(LedgerError::Unavailable(_)), Err(LedgerError::Unavailable(_)))));
    assert!(is_new(&good));
}

#[tokio::test]
async fn statistics_count_what_is_unfinished_and_what_is_dead() {
    let (_backend, ledger) = opened();
    let none = Statistics { unfinished: 0, oldest_received_at: None, dead: 0 };
    assert_eq!(ledger.statistics().await, Ok(none));
    let failure = RuleFailure { rule: "r".into(), part: "when".into(), expression: "e".into(), message: "m".into() };
    ledger.record(Entry { failure: Some(failure), ..entry("1", 0, &[]) }).await.unwrap();
    ledger.record(entry("2", 1, &["ada"])).await.unwrap();
    finish(&ledger, 10, Outcome::Dead).await;
    ledger.record(entry("3", 2, &["bob", "eve"])).await.unwrap();
    ledger.record(entry("4", 3, &["bob"])).await.unwrap();

    let wanted = Statistics { unfinished: 3, oldest_received_at: Some(at(2)), dead: 2 };
    assert_eq!(ledger.statistics().await, Ok(wanted));
}

#[tokio::test]
async fn a_purge_takes_what_is_finished_and_old_and_nothing_else() {
    let (_backend, ledger) = opened();
    let failure = RuleFailure { rule: "r".into(), part: "when".into(), expression: "e".into(), message: "m".into() };
    ledger.record(Entry { failure: Some(failure), ..entry("failed", 0, &[]) }).await.unwrap();
    ledger.record(entry("dead", 1, &["dan"])).await.unwrap();
    finish(&ledger, 10, Outcome::Dead).await;
    for (name, received) in [("done 1", 2), ("done 2", 3), ("young", 20)] {
        ledger.record(entry(name, received, &["ada", "bob"])).await.unwrap();
        finish(&ledger, 30, Outcome::Granted).await;
    }
    ledger.record(entry("ignored", 4, &[])).await.unwrap();
    ledger.record(entry("unfinished", 5, &["ada"])).await.unwrap();

    let mut purged = Vec::new();
    while purged.last() != Some(&0) {
        purged.push(ledger.purge(at(20), 2).await.unwrap());
    }
    assert_eq!(purged, [2, 1, 0]);
    for name in ["failed", "dead", "young", "unfinished"] {
        assert!(ledger.find(entry(name, 0, &[]).event.id).await.unwrap().is_some(), "{name}");
    }
    for name in ["done 1", "done 2", "ignored"] {
        assert!(is_new(&ledger.record(entry(name, 6, &[])).await), "{name}");
    }
}

#[tokio::test]
async fn a_closed_ledger_says_so_and_can_be_opened_again() {
    let backend = backend();
    let ledger = backend.open();
    let (other, waiting) = (ledger.clone(), ledger.clone());
    let (recorded, ()) = tokio::join!(waiting.record(entry("1", 0, &["ada"])), ledger.close());
    assert!(is_new(&recorded));
    assert_eq!(other.record(entry("2", 0, &["ada"])).await, Err(LedgerError::Closed));
    assert_eq!(other.next_due().await, Err(LedgerError::Closed));
    other.close().await;

    let ledger = backend.open();
    assert_eq!(ledger.check().await, Ok(()));
    assert_eq!(ledger.next_due().await, Ok(Some(at(0))));
}
