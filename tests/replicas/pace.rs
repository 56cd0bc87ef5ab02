//! One budget for all replicas, however many there are.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fleet::{Fleet, purge};
use crate::postgres::Cluster;
use crate::support::*;

const SPAN: Duration = Duration::from_secs(35);

/// Every two seconds somebody comes, goes or dies; at least one stays.
fn come_and_go(fleet: &Fleet, replicas: &mut Vec<Service>) {
    let begun = Instant::now();
    for round in 1.. {
        let next = begun + Duration::from_secs(2) * round;
        if next > begun + SPAN {
            return;
        }
        thread::park_timeout(next.saturating_duration_since(Instant::now()));
        match round % 3 {
            0 => replicas.push(fleet.setup.start()),
            1 => drop(replicas.pop()),
            _ => {
                replicas[0].process.signal("TERM");
                replicas.push(fleet.setup.start());
                replicas.remove(0);
            }
        }
    }
}

#[test]
fn replicas_that_come_and_go_never_exceed_the_budget_together() {
    let fleet = Fleet::new(&Cluster::shared(), &["--rate-limit", "100/10s"]);
    let fleet = Fleet { setup: fleet.setup.without("USHER_RATE"), ..fleet };
    let mut replicas = fleet.replicas::<3>().into_iter().collect::<Vec<_>>();
    for block in 0..3 {
        assert_eq!(replicas[block].http.post_as(OTHER_TOKEN, &purge(&format!("b{block}"), 400)).status, 202);
    }
    come_and_go(&fleet, &mut replicas);
    let calls = fleet.calls();
    let at = |n: usize| calls[n]["at_ms"].as_i64().unwrap();
    let used = calls.len() as f64 / ((at(calls.len() - 1) - at(0)) as f64 / 100.0);
    println!("{} calls, {:.0} % of the budget, at most {} in 10 s", calls.len(), used * 100.0, fleet.busiest());
    assert_eq!(fleet.answered(429), 0);
    assert!(fleet.busiest() <= 100, "{}", fleet.busiest());
    assert!(used > 0.6, "the budget is there to be used: {used}");
}

#[test]
fn two_replicas_use_the_budget_that_one_has() {
    let fleet = Fleet::new(&Cluster::shared(), &["--rate-limit", "100/10s"]);
    let fleet = Fleet { setup: fleet.setup.without("USHER_RATE"), ..fleet };
    let replicas: [Service; 2] = fleet.replicas();
    assert_eq!(replicas[0].http.post_as(OTHER_TOKEN, &purge("all", 500)).status, 202);
    let span = |calls: &[serde_json::Value]| Some(calls.last()?["at_ms"].as_i64()? - calls[0]["at_ms"].as_i64()?);
    let calls = eventually("twenty-five seconds of calls", || {
        let calls = fleet.calls();
        (span(&calls)? >= 25_000).then_some(calls)
    });
    let used = calls.len() as f64 / (span(&calls).unwrap() as f64 / 100.0);
    println!("{} calls of two replicas: {:.0} % of the budget", calls.len(), used * 100.0);
    assert_eq!(fleet.answered(429), 0);
    assert!((0.8..=1.1).contains(&used) && fleet.busiest() <= 100, "{used}, {}", fleet.busiest());
}

/// One answer of Clerk's that asks for silence, and how many calls came in spite of it.
#[test]
fn a_retry_after_that_one_replica_sees_closes_the_gate_for_all() {
    let fleet = Fleet::new(&Cluster::shared(), &["--latency", "20ms"]).with("USHER_CONCURRENCY", "2");
    let replicas: [Service; 3] = fleet.replicas();
    let full = json!([{"answer": {"status": 429, "headers": {"retry-after": "4"}, "code": "too_many_requests"}}]);
    assert_eq!(replicas[0].http.post_as(OTHER_TOKEN, &purge("before", 1)).status, 202);
    eventually("a first call", || (fleet.calls().len() == 1).then_some(()));
    fleet.sandbox.http.request("POST", "/sandbox/faults", &[], full.to_string().as_bytes());
    assert_eq!(replicas[0].http.post_as(OTHER_TOKEN, &purge("all", 300)).status, 202);
    let calls = eventually("calls after the silence", || {
        let calls = fleet.calls();
        let refused = calls.iter().position(|call| call["status"] == 429)?;
        let at = |call: &serde_json::Value| call["at_ms"].as_i64().unwrap() - calls[refused]["at_ms"].as_i64().unwrap();
        let after: Vec<_> = calls[refused + 1..].iter().map(at).collect();
        (*after.last()? > 4_000).then_some(after)
    });
    // What was on its way, and what the news takes to spread.
    let silent = calls.iter().filter(|at| (500..3_900).contains(*at)).count();
    let early = calls.iter().filter(|at| **at < 500).count();
    println!("after an answer 429 with Retry-After: 4, {early} calls within 0.5 s, {silent} in the silence");
    assert_eq!(silent, 0);
}

#[test]
fn a_key_that_clerk_refuses_halts_all_replicas_and_burns_no_change() {
    let fleet = Fleet::new(&Cluster::shared(), &[]).with("USHER_HALT_PAUSE", "2s");
    let replicas: [Service; 3] = fleet.replicas();
    let other = json!({"secret_key": "sk_test_another"});
    fleet.sandbox.http.request("PUT", "/sandbox/key", &[], other.to_string().as_bytes());
    let answer = replicas[0].http.post_as(OTHER_TOKEN, &purge("all", 60));
    eventually("probes", || (fleet.sandbox.calls().len() > 3).then_some(()));
    let probes = fleet.sandbox.calls().len();
    fleet.sandbox.http.request("DELETE", "/sandbox/key", &[], b"");
    let ended = replicas[1].settled_as(OTHER_TOKEN, answer.header("location").unwrap());
    println!("{probes} calls with a key that is refused");
    assert_eq!(ended["status"], "done");
    assert!(probes < 30, "{probes}");
}
