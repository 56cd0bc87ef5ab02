//! A replica that is killed in the middle of its calls.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::fleet::{Fleet, removal};
use crate::postgres::Cluster;
use crate::support::*;

/// Nothing that the killed one began may still be on its way when another takes it up.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn what_a_killed_replica_had_claimed_is_taken_up_by_another() {
    let fleet = Fleet::new(&Cluster::shared(), &[]);
    let doomed = fleet.setup.start();
    // Its calls are not answered while it lives.
    let slow = json!([{"times": 16, "latency_ms": 600_000}]);
    fleet.sandbox.http.request("POST", "/sandbox/faults", &[], slow.to_string().as_bytes());
    let users: Vec<_> = (0..16).map(|n| format!("user_k{n}")).collect();
    let post = |service: &Service, user: &String| {
        let answer = service.http.post_as(OTHER_TOKEN, &removal(user, user));
        answer.header("location").unwrap().to_owned()
    };
    let locations: Vec<_> = users.iter().map(|user| post(&doomed, user)).collect();
    eventually("calls of the doomed", || (!fleet.calls().is_empty()).then_some(()));
    let other = fleet.setup.start();
    let claimed =
        |location: &&String| other.http.get_as(OTHER_TOKEN, location).body["changes"][0]["state"] == "in_flight";
    let claimed: Vec<_> = locations.iter().filter(claimed).collect();
    assert!(!claimed.is_empty());

    let (killed, killed_ms) = (Instant::now(), fleet.sandbox.now_ms());
    drop(doomed);
    fleet.sandbox.http.request("DELETE", "/sandbox/faults", &[], b"");
    let location = post(&other, &"user_fresh".to_owned());
    assert_eq!(other.settled_as(OTHER_TOKEN, &location)["status"], "done");
    let fresh = killed.elapsed();
    for location in &locations {
        assert_eq!(other.settled_as(OTHER_TOKEN, location)["status"], "done");
    }
    let again = fleet.calls().iter().filter_map(|call| call["at_ms"].as_i64()).max().unwrap();
    let taken_up = Duration::from_millis((again - killed_ms) as u64);
    println!("{} claims of a killed replica taken up after {taken_up:?}; new work done after {fresh:?}", claimed.len());
    assert!(taken_up < TAKEN_UP_WITHIN, "{taken_up:?}");
    assert!(fresh < Duration::from_secs(3), "{fresh:?}");
}

#[test]
fn what_a_replica_had_claimed_that_leaves_is_taken_up_at_once() {
    let fleet = Fleet::new(&Cluster::shared(), &["--latency", "100ms"]).with("USHER_CONCURRENCY", "2");
    let mut leaving = fleet.setup.start();
    let answer = leaving.http.post_as(OTHER_TOKEN, &crate::fleet::purge("leaving", 60));
    eventually("calls", || (fleet.calls().len() > 2).then_some(()));
    let other = fleet.setup.start();
    leaving.process.signal("TERM");
    assert_eq!(leaving.process.exit_code(), Some(0));
    let left = Instant::now();
    assert_eq!(other.settled_as(OTHER_TOKEN, answer.header("location").unwrap())["status"], "done");
    println!("the rest of a replica that left was done {:?} after", left.elapsed());
    assert!(left.elapsed() < Duration::from_secs(8), "{:?}", left.elapsed());
    let calls = fleet.calls().len();
    assert_eq!(calls, 60, "no call is made twice");
}
