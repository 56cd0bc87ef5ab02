//! The same event again, and the `Idempotency-Key`: one effect and one answer, whoever repeats what and when.

use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::support::*;

fn post(http: &Http, token: &str, key: &str, event: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", &*authorization), ("content-type", "application/json"), ("idempotency-key", key)];
    http.request("POST", "/v1/events", &headers, event.to_string().as_bytes())
}

/// An event as answered, without what a call that goes on meanwhile may change.
fn lasting(mut event: Value) -> Value {
    for change in event["changes"].as_array_mut().unwrap() {
        for progress in ["state", "outcome", "attempts", "next_attempt_at", "membership_id"] {
            change.as_object_mut().unwrap().remove(progress);
        }
    }
    event.as_object_mut().unwrap().remove("status");
    event
}

#[test]
fn a_hundred_simultaneous_copies_get_a_hundred_equal_answers() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let answers: Vec<_> = thread::scope(|scope| {
        let http = &service.http;
        let post = || http.post(&purchase("1", "user_ada", "team"));
        let copies: Vec<_> = (0..100).map(|_| scope.spawn(post)).collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    let first = lasting(answers[0].body.clone());
    for answer in &answers {
        assert_eq!((answer.status, lasting(answer.body.clone())), (202, first.clone()));
        assert_eq!(answer.header("location"), answers[0].header("location"));
    }
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).count(), 1);
    service.settled_as(TOKEN, answers[0].header("location").unwrap());
    assert_eq!(sandbox.calls().len(), 1);
}

#[test]
fn a_key_is_bound_to_the_event_and_to_its_content() {
    let sandbox = Sandbox::start(&[]);
    let setup = Setup::new(&sandbox.http.base);
    let service = setup.start();
    let first = post(&service.http, TOKEN, "k", &purchase("1", "user_ada", "team"));
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, None));
    let renamed = post(&service.http, TOKEN, "\"k\"", &purchase("2", "user_ada", "team"));
    assert_eq!((renamed.status, renamed.header("idempotent-replayed")), (202, Some("true")));
    assert_eq!(renamed.body["event_id"], "1");
    let other = post(&service.http, TOKEN, "k", &purchase("2", "user_bob", "team"));
    other.problem(422, "identity-conflict");
    assert!(!other.body.to_string().contains("user_"), "{}", other.body);
    let theirs = post(&service.http, OTHER_TOKEN, "k", &member("1", "set", "user_eve", "org:admin"));
    assert_eq!((theirs.status, theirs.header("idempotent-replayed")), (202, None), "a key is its sender's");
    drop(service);

    let service = setup.start();
    post(&service.http, TOKEN, "k", &purchase("2", "user_bob", "team")).problem(422, "identity-conflict");
    let late = post(&service.http, TOKEN, "l", &purchase("1", "user_ada", "team"));
    assert_eq!(late.header("idempotent-replayed"), Some("true"));
    post(&service.http, TOKEN, "l", &purchase("3", "user_bob", "team")).problem(422, "identity-conflict");
    assert_eq!(sandbox.role("org_acme", "user_bob"), None);
}

#[test]
fn a_key_that_is_none_is_refused_beside_an_id_as_well() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    for key in ["\"open", "a b", &"x".repeat(256)] {
        post(&service.http, TOKEN, key, &purchase("1", "user_ada", "team")).problem(400, "invalid-event");
    }
    assert_eq!(post(&service.http, TOKEN, &"x".repeat(255), &purchase("1", "user_ada", "team")).status, 202);
}

#[test]
fn a_refused_event_leaves_its_key_free() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    post(&service.http, TOKEN, "k", &purchase("1", "user_ada", "enterprise")).problem(403, "above-ceiling");
    assert_eq!(post(&service.http, TOKEN, "k", &purchase("2", "user_ada", "team")).status, 202);
}

#[test]
fn while_the_first_is_in_flight_a_second_with_its_key_is_told_to_come_again() {
    let sandbox = Sandbox::start(&[]);
    let setup = Setup::new(&sandbox.http.base);
    let service = setup.start();
    service.http.post(&json!({"id": "1", "type": "plan.viewed"}));
    let file = rusqlite::Connection::open(setup.ledger().join("usher.db")).unwrap();
    // Nobody else can write meanwhile: whoever came first waits.
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (send, answers) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..2 {
            let send = send.clone();
            let http = &service.http;
            scope.spawn(move || send.send(post(http, TOKEN, "k", &purchase("2", "user_ada", "team"))).unwrap());
        }
        let second = answers.recv().unwrap();
        second.problem(409, "key-in-use");
        assert_eq!(second.header("retry-after"), Some("1"));
        file.execute_batch("ROLLBACK").unwrap();
        let first = answers.recv().unwrap();
        assert_eq!((first.status, first.header("idempotent-replayed")), (202, None));
    });
    let again = post(&service.http, TOKEN, "k", &purchase("2", "user_ada", "team"));
    assert_eq!((again.status, again.header("idempotent-replayed")), (202, Some("true")));
}

#[test]
fn many_repeats_of_a_known_key_are_all_answered() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let first = post(&service.http, TOKEN, "k", &json!({"type": "plan.viewed"}));
    thread::scope(|scope| {
        let http = &service.http;
        let post = || post(http, TOKEN, "k", &json!({"type": "plan.viewed"}));
        let repeats: Vec<_> = (0..50).map(|_| scope.spawn(post)).collect();
        for repeat in repeats {
            let repeat = repeat.join().unwrap();
            assert_eq!((repeat.status, &repeat.body), (202, &first.body));
        }
    });
}
