//! While Clerk is down it is spared, and its recovery is not missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use jiff::Timestamp;

use super::super::breaker::Phase;
use super::super::step::step;
use super::bench::{Bench, Log, created, member};
use crate::bapi::fake::Answer;
use crate::domain::{ChangeState, Outcome};

#[actix_rt::test]
async fn an_outage_opens_the_breaker_once_and_the_first_answer_closes_it() {
    let bench = Bench::new(20, |number, seen| match number {
        0..7 => Answer::error(503, "service_unavailable"),
        _ => created(seen),
    });
    let (log, _guard) = Log::start();
    for number in 0..14 {
        bench.accept(number, &format!("user_{number}"), member()).await;
    }
    bench.run().await;
    let lines: Vec<_> = log.lines().into_iter().filter(|line| line["target"] != "usher::outcome").collect();
    let levels: Vec<_> = lines.iter().filter_map(|line| line["level"].as_str()).collect();
    assert_eq!(levels, ["ERROR", "WARN"], "{lines:?}");
    assert!(lines[0]["fields"]["message"].as_str().is_some_and(|text| text.starts_with("breaker opened")));
}

#[actix_rt::test]
async fn a_change_that_met_an_outage_is_due_for_the_next_probe_and_not_called_before() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let mut bench = Bench::new(99, move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Answer::Cut
    });
    bench.policy.trip_after = 1;
    bench.policy.first_delay = std::time::Duration::from_secs(3600);
    let context = bench.context();
    bench.accept(1, "user_1", member()).await;
    let claim = bench.claim_one().await;
    step(&context, claim, Instant::now()).await;
    assert_eq!(context.control.borrow().phase(), Phase::Open);
    let record = bench.record(1, "user_1").await;
    assert!(record.next_attempt_at.is_some_and(|at| at <= Timestamp::now()), "no hour of backoff");
    let claim = bench.claim_one().await;
    step(&context, claim, Instant::now()).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let record = bench.record(1, "user_1").await;
    assert_eq!((record.state, record.outcome, record.attempts.len()), (ChangeState::Waiting, None::<Outcome>, 1));
}

#[actix_rt::test]
async fn of_a_long_outage_the_ledger_keeps_the_first_attempts() {
    let mut bench = Bench::new(99, |_, _| Answer::Cut);
    (bench.policy.trip_after, bench.policy.probe_within) = (1, std::time::Duration::ZERO);
    let context = bench.context();
    bench.accept(1, "user_1", member()).await;
    for _ in 0..15 {
        let claim = bench.claim_one().await;
        step(&context, claim, Instant::now()).await;
    }
    assert_eq!(bench.fake.seen().len(), 15);
    assert_eq!(bench.record(1, "user_1").await.attempts.len(), 10);
}
