//! One event at several replicas is one event.

use std::thread;
use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::postgres::Cluster;
use crate::support::*;

#[test]
fn an_event_posted_to_all_replicas_at_once_has_one_effect_and_one_answer() {
    let fleet = Fleet::new(&Cluster::shared(), &[]);
    let replicas: [Service; 3] = fleet.replicas();
    for round in 0..20 {
        let event = purchase(&format!("once {round}"), "user_ada", "team");
        let posts: Vec<Answer> = thread::scope(|scope| {
            let post = |n: usize| {
                let (event, http) = (&event, replicas[n % 3].http.clone());
                scope.spawn(move || http.post(event))
            };
            let posts: Vec<_> = (0..9).map(post).collect();
            posts.into_iter().map(|post| post.join().unwrap()).collect()
        });
        let first = posts.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).count();
        assert_eq!(first, 1, "one of nine is the first");
        for answer in &posts {
            assert_eq!((answer.status, answer.header("location")), (202, posts[0].header("location")));
            assert_eq!(answer.body["received_at"], posts[0].body["received_at"]);
        }
        for replica in &replicas {
            assert_eq!(replica.settled_as(TOKEN, posts[0].header("location").unwrap())["status"], "done");
        }
    }
    let creates = fleet.calls().iter().filter(|call| call["method"] == "POST" && call["effect"] == true).count();
    assert_eq!((creates, fleet.sandbox.role("org_acme", "user_ada").as_deref()), (1, Some("org:member")));
}

#[test]
fn another_content_is_refused_at_every_replica() {
    let fleet = Fleet::new(&Cluster::shared(), &[]);
    let replicas: [Service; 2] = fleet.replicas();
    assert_eq!(replicas[0].http.post(&purchase("1", "user_ada", "team")).status, 202);
    for replica in &replicas {
        assert_eq!(replica.http.post(&purchase("1", "user_bob", "team")).status, 422);
    }
}

#[test]
fn whoever_waits_at_one_replica_hears_of_what_another_did() {
    let fleet = Fleet::new(&Cluster::shared(), &[]);
    let replicas: [Service; 2] = fleet.replicas();
    let authorization = format!("Bearer {TOKEN}");
    let headers =
        [("authorization", authorization.as_str()), ("content-type", "application/json"), ("prefer", "wait=20")];
    let mut waits = Vec::new();
    for round in 0..30 {
        let event = removal_or_purchase(round);
        let asked = Instant::now();
        let answer = replicas[round % 2].http.request("POST", "/v1/events", &headers, event.to_string().as_bytes());
        assert_eq!((answer.status, &answer.body["status"]), (200, &"done".into()), "{}", answer.body);
        waits.push(asked.elapsed());
    }
    waits.sort();
    println!("waited for the outcome: median {:?}, longest {:?}", waits[15], waits[29]);
    assert!(waits[15] < Duration::from_millis(500), "heard, not looked up: {waits:?}");
}

fn removal_or_purchase(round: usize) -> serde_json::Value {
    if round.is_multiple_of(2) {
        purchase(&format!("{round}"), "user_ada", "team")
    } else {
        cancel(&format!("{round}"), "user_ada")
    }
}
