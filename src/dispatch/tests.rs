//! Steps and the loop against a ledger and a socket that answers as Clerk would.

mod bench;
mod lines;
mod model;
mod order;
mod outage;
mod pause;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::bench::{Bench, Log, created, member};
use super::Dispatcher;
use super::breaker::Phase;
use super::fixtures::{change, sender};
use super::run::{Pause, fill};
use super::step::step;
use crate::bapi::fake::Answer;
use crate::domain::{Action, Brakes, ChangeState, Outcome};
use crate::ledger::Claim;
use crate::wake::Wake;

#[actix_rt::test]
async fn a_change_leaves_one_canonical_line() {
    let bench = Bench::new(1, |_, seen| created(seen));
    let (log, _guard) = Log::start();
    bench.accept(1, "user_1", member()).await;
    bench.run().await;
    let lines: Vec<_> = log.lines().into_iter().filter(|line| line["target"] == "usher::outcome").collect();
    assert_eq!(lines.len(), 1);
    let mut fields = lines[0]["fields"].clone();
    assert!(fields["duration_ms"].take().is_i64());
    let id = change(1, "user_1", Action::Revoke).id;
    let expected = json!({
        "message": "change settled", "event_id": id.event.to_string(), "change": id.to_string(), "sender": "billing",
        "event_type": "plan.purchased", "rule": "a rule", "action": "grant", "organization": "org_1", "user": "user_1",
        "role": "org:member", "outcome": "granted", "attempts": 1, "status": 200, "duration_ms": null,
    });
    assert_eq!(fields, expected);
    assert_eq!(log.lines().len(), 1, "nothing else at info: {:?}", log.lines());
}

#[actix_rt::test]
async fn a_lost_answer_is_made_good_by_the_recipe() {
    let own = change(1, "user_1", Action::Revoke).id.event.to_string();
    let bench = Bench::new(3, move |number, _| match number {
        0 => Answer::Cut,
        1 => Answer::error(400, "already_a_member_in_organization"),
        _ => {
            let membership = json!({"id": "m", "role": "org:member", "private_metadata": {"usher_event": own}});
            Answer::json(200, &json!({"data": [membership], "total_count": 1}))
        }
    });
    bench.accept(1, "user_1", member()).await;
    bench.run().await;
    let record = bench.record(1, "user_1").await;
    assert_eq!((record.outcome, record.membership_id.as_deref()), (Some(Outcome::Granted), Some("m")));
    let codes: Vec<_> =
        record.attempts.iter().map(|attempt| attempt.code.as_ref().map(|code| code.to_string())).collect();
    let codes: Vec<_> = codes.iter().map(Option::as_deref).collect();
    assert_eq!(codes, [Some("connection_lost"), Some("already_a_member_in_organization"), None]);
    assert_eq!(record.attempts[1].trace_id.as_deref(), Some("trace_1"));
}

#[actix_rt::test]
async fn a_refusal_is_dead_and_the_change_that_it_stood_for_goes_on() {
    let bench = Bench::new(2, |number, seen| match number {
        0 => Answer::error(422, "form_param_value_invalid"),
        _ => created(seen),
    });
    bench.accept(1, "user_1", member()).await;
    bench.accept(2, "user_1", member()).await;
    bench.run().await;
    let dead = bench.record(2, "user_1").await;
    assert_eq!(dead.outcome, Some(Outcome::Dead));
    assert!(dead.reason.is_some_and(|reason| reason.contains("422 form_param_value_invalid")));
    assert_eq!(bench.record(1, "user_1").await.outcome, Some(Outcome::Granted));
}

#[actix_rt::test]
async fn a_change_that_keeps_failing_is_given_up() {
    let mut bench = Bench::new(2, |_, _| Answer::error(503, "service_unavailable"));
    bench.policy.give_up_after = Duration::ZERO;
    bench.accept(1, "user_1", member()).await;
    bench.run().await;
    let record = bench.record(1, "user_1").await;
    assert_eq!((record.outcome, record.attempts.len()), (Some(Outcome::Dead), 2));
}

#[actix_rt::test]
async fn changes_of_one_membership_cost_the_call_of_the_last_and_calls_keep_their_limit() {
    let (calls, limit) = (20, 3);
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen_most = Arc::clone(&most);
    let mut bench = Bench::new(calls, move |_, seen| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let answer = created(seen);
        now.fetch_sub(1, Ordering::SeqCst);
        answer
    });
    bench.policy.concurrency = limit;
    bench.policy.brakes = Arc::new(Brakes::new([(sender(), None)]));
    let users = calls as u32;
    for number in 0..users * 3 {
        let action = if number < users { member() } else { Action::Revoke };
        bench.accept(number, &format!("user_{:02}", number % users), action).await;
    }
    bench.run().await;
    assert!(seen_most.load(Ordering::SeqCst) <= limit);
    let seen = bench.fake.seen();
    let mut users_seen: Vec<_> = seen.iter().filter_map(|seen| seen.line.rsplit_once('/')).collect();
    users_seen.sort_unstable();
    users_seen.dedup();
    assert_eq!((seen.len(), users_seen.len()), (calls, calls));
    assert!(seen.iter().all(|seen| seen.line.starts_with("DELETE")));
    for number in 0..users * 2 {
        let outcome = bench.record(number, &format!("user_{:02}", number % users)).await.outcome;
        assert_eq!(outcome, Some(Outcome::Superseded));
    }
}

#[actix_rt::test]
async fn a_retry_after_holds_for_everybody() {
    let bench = Bench::new(1, |_, _| Answer::Text(429, "Retry-After: 600\r\n".to_owned(), String::new()));
    let context = bench.context();
    bench.accept(1, "user_1", member()).await;
    bench.accept(2, "user_2", member()).await;
    let (first, second) = (bench.claim_one().await, bench.claim_one().await);
    step(&context, first, Instant::now()).await;
    step(&context, second, Instant::now()).await;
    assert_eq!(bench.fake.seen().len(), 1, "the second made no call");
    let in_ten_minutes = Timestamp::now().checked_add(Duration::from_secs(595)).unwrap();
    for (number, user, attempts) in [(1, "user_1", 1), (2, "user_2", 0)] {
        let record = bench.record(number, user).await;
        assert_eq!((record.state, record.attempts.len()), (ChangeState::Waiting, attempts));
        assert!(record.next_attempt_at.is_some_and(|at| at > in_ten_minutes));
    }
}

#[actix_rt::test]
async fn a_halt_burns_nothing_is_said_once_and_ends_with_a_probe() {
    let mut bench = Bench::new(9, |number, seen| match number {
        0 | 1 => Answer::error(401, "clerk_key_invalid"),
        _ => created(seen),
    });
    bench.policy.halt_pause = Duration::from_secs(60);
    let (log, _guard) = Log::start();
    let context = bench.context();
    for (number, user) in [(1, "user_1"), (2, "user_2")] {
        bench.accept(number, user, member()).await;
    }
    let (first, second) = (bench.claim_one().await, bench.claim_one().await);
    step(&context, first, Instant::now()).await;
    step(&context, second, Instant::now()).await;
    assert_eq!(bench.fake.seen().len(), 1);
    let halted = bench.record(1, "user_1").await;
    assert_eq!((halted.state, halted.outcome), (ChangeState::Waiting, None));
    assert!(halted.next_attempt_at.is_some_and(|at| at > Timestamp::now()));
    let levels: Vec<_> = log.lines().iter().map(|line| line["level"].as_str().map(str::to_owned)).collect();
    assert_eq!(levels, [Some("ERROR".to_owned())]);
    assert_eq!(context.control.borrow().phase(), Phase::Halted);
}

#[actix_rt::test]
async fn the_loop_probes_until_clerk_accepts_usher_again() {
    let mut bench = Bench::new(4, |number, seen| match number {
        0 | 1 => Answer::error(401, "clerk_key_invalid"),
        _ => created(seen),
    });
    bench.policy.halt_pause = Duration::from_millis(1);
    bench.policy.concurrency = 1;
    bench.accept(1, "user_1", member()).await;
    bench.accept(2, "user_2", member()).await;
    bench.run().await;
    for (number, user) in [(1, "user_1"), (2, "user_2")] {
        assert_eq!(bench.record(number, user).await.outcome, Some(Outcome::Granted));
    }
}

#[actix_rt::test]
async fn a_shutdown_finishes_calls_and_gives_back_the_rest() {
    let mut bench = Bench::new(1, |_, seen| created(seen));
    bench.policy.concurrency = 1;
    bench.accept(1, "user_1", member()).await;
    bench.accept(2, "user_2", member()).await;
    bench.run().await;
    assert_eq!(bench.fake.seen().len(), 1);
    assert_eq!(bench.record(1, "user_1").await.outcome, Some(Outcome::Granted));
    let rest = bench.record(2, "user_2").await;
    assert_eq!((rest.state, rest.attempts.len()), (ChangeState::Waiting, 0));
}

#[actix_rt::test]
async fn an_attempt_under_a_lapsed_lease_is_not_reported() {
    let bench = Bench::new(1, |_, seen| created(seen));
    let (log, _guard) = Log::start();
    bench.accept(1, "user_1", member()).await;
    let claim = bench.claim_one().await;
    step(&bench.context(), Claim { lease: claim.lease + 1, ..claim }, Instant::now()).await;
    assert_eq!(log.lines(), Vec::<Value>::new());
    assert_eq!(bench.record(1, "user_1").await.outcome, None);
}

#[actix_rt::test]
async fn a_ring_is_heard_by_a_sleeping_loop() {
    let mut bench = Bench::new(1, |_, seen| created(seen));
    bench.policy.poll = Duration::from_secs(3600);
    let wake = Wake::default();
    let dispatcher =
        Dispatcher::new(bench.ledger.clone(), bench.client(), bench.policy.clone(), wake.clone(), Arc::default());
    let accepting = async {
        bench.accept(1, "user_1", member()).await;
        wake.ring();
    };
    tokio::join!(dispatcher.run(bench.shutdown.clone(), || ()), accepting);
    assert_eq!(bench.record(1, "user_1").await.outcome, Some(Outcome::Granted));
}

#[actix_rt::test]
async fn a_loop_that_held_back_by_a_retry_after_still_turns() {
    let bench = Bench::new(2, |_, _| Answer::Text(429, "Retry-After: 600\r\n".to_owned(), String::new()));
    bench.accept(1, "user_1", member()).await;
    let (turns, shutdown) = (Cell::new(0), bench.shutdown.clone());
    let running = bench.dispatcher().run(shutdown.clone(), || turns.set(turns.get() + 1));
    let watching = async {
        while bench.record(1, "user_1").await.attempts.is_empty() {
            actix_rt::time::sleep(Duration::from_millis(10)).await;
        }
        let before = turns.get();
        actix_rt::time::sleep(Duration::from_millis(2500)).await;
        shutdown.cancel();
        turns.get() - before
    };
    let ((), turned) = tokio::join!(running, watching);
    assert!((2..20).contains(&turned), "{turned} turns in 2.5 s");
}

#[actix_rt::test]
async fn the_loop_ends_with_a_ledger_that_is_gone() {
    let bench = Bench::new(1, |_, seen| created(seen));
    bench.ledger.clone().close().await;
    let running = bench.dispatcher().run(CancellationToken::new(), || ());
    assert!(actix_rt::time::timeout(Duration::from_secs(5), running).await.is_ok());
}

#[actix_rt::test]
async fn a_change_whose_call_is_in_flight_is_not_called_again_whatever_became_of_its_lease() {
    let bench = Bench::new(9, |_, seen| {
        std::thread::sleep(Duration::from_millis(300));
        created(seen)
    });
    let context = bench.context();
    bench.accept(1, "user_1", member()).await;
    let first = bench.claim_one().await;
    let lapsed = Timestamp::now() + Duration::from_secs(3600);
    let second = bench.claim_at(lapsed).await;
    tokio::join!(step(&context, first, Instant::now()), step(&context, second, Instant::now()));
    assert_eq!(bench.fake.seen().len(), 1);
    let record = bench.record(1, "user_1").await;
    assert_eq!(record.state, ChangeState::Waiting);
    assert!(record.next_attempt_at.is_some_and(|at| at > Timestamp::now()));
}

#[actix_rt::test]
async fn a_claim_that_came_too_late_for_its_lease_makes_no_call() {
    let bench = Bench::new(9, |_, seen| created(seen));
    bench.accept(1, "user_1", member()).await;
    let claim = bench.claim_one().await;
    let asked = Instant::now() - Duration::from_secs(20);
    step(&bench.context(), claim, asked).await;
    assert_eq!(bench.fake.seen().len(), 0);
    assert_eq!(bench.record(1, "user_1").await.state, ChangeState::Waiting);
}

#[actix_rt::test]
async fn nothing_is_claimed_before_what_is_known_is_written() {
    let bench = Bench::new(9, |_, seen| created(seen));
    bench.accept(1, "user_1", member()).await;
    let (context, mut steps) = (Rc::new(bench.context()), JoinSet::new());
    context.unwritten.set(1);
    assert!(matches!(fill(&context, &mut steps).await, Some(Pause::Room(None))));
    assert_eq!(bench.record(1, "user_1").await.state, ChangeState::Waiting);
    context.unwritten.set(0);
    fill(&context, &mut steps).await;
    assert_ne!(bench.record(1, "user_1").await.state, ChangeState::Waiting, "claimed, and perhaps settled already");
}
