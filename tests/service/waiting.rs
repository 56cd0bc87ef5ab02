//! `Prefer`: an answer that waits for the outcome, or not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::*;

fn post(http: &Http, prefer: &str, event: &Value) -> Answer {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", &*authorization), ("content-type", "application/json"), ("prefer", prefer)];
    http.request("POST", "/v1/events", &headers, event.to_string().as_bytes())
}

/// A request that is sent, and whose answer nobody has read yet.
fn send(service: &Service, event: &Value) -> TcpStream {
    let address = service.http.base.strip_prefix("http://").unwrap();
    let (mut stream, body) = (TcpStream::connect(address).unwrap(), event.to_string());
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: usher\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Prefer: wait=30\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    stream
}

/// The ids of so many new users, signed up all at once.
fn sign_up(sandbox: &Sandbox, count: usize) -> Vec<String> {
    let (http, authorization) = (&sandbox.http, &*format!("Bearer {SECRET_KEY}"));
    let one = |n: usize| {
        let headers = [("authorization", authorization), ("content-type", "application/json")];
        let body = json!({"email_address": [format!("user-{n}@example.com")]}).to_string();
        http.request("POST", "/v1/users", &headers, body.as_bytes()).body["id"].as_str().unwrap().to_owned()
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..count).map(|n| scope.spawn(move || one(n))).collect();
        running.into_iter().map(|user| user.join().unwrap()).collect()
    })
}

/// How many files and sockets the service has open.
fn open_files(service: &Service) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", service.process.child.id())).unwrap().count()
}

#[test]
fn who_waits_gets_the_outcome_with_the_answer() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let began = Instant::now();
    let answer = post(&service.http, "wait=20", &purchase("1", "user_ada", "team"));
    assert!(began.elapsed() < Duration::from_secs(10), "it is told, not timed out");
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("done")), "{}", answer.body);
    assert_eq!(answer.body["changes"][0]["outcome"], "granted");
    assert_eq!(answer.header("preference-applied"), Some("wait=20"));
    assert_eq!(answer.header("retry-after"), None);
    let repeat = post(&service.http, "respond-async, WAIT=\"99\"; x=y", &purchase("1", "user_ada", "team"));
    assert_eq!((repeat.status, repeat.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(repeat.header("preference-applied"), Some("wait=30"));
    assert_eq!(repeat.body, answer.body);
}

#[test]
fn what_ends_at_once_or_ends_dead_is_finished_too() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let ignored = post(&service.http, "wait=20", &json!({"id": "1", "type": "plan.viewed"}));
    assert_eq!((ignored.status, &ignored.body["status"]), (200, &json!("ignored")));
    let mut nowhere = purchase("2", "user_ada", "team");
    nowhere["data"]["organization_id"] = json!("org_nowhere");
    let failed = post(&service.http, "wait=20", &nowhere);
    assert_eq!((failed.status, &failed.body["status"]), (200, &json!("failed")), "{}", failed.body);
    let before = post(&service.http, "wait=0", &json!({"id": "1", "type": "plan.viewed"}));
    assert_eq!((before.status, before.header("preference-applied")), (200, Some("wait=0")));
}

#[test]
fn who_waited_in_vain_is_told_when_to_look_again() {
    let sandbox = Sandbox::start(&["--latency", "3s"]);
    let service = Setup::new(&sandbox.http.base).start();
    let began = Instant::now();
    let answer = post(&service.http, "respond-async, wait=1", &purchase("1", "user_ada", "team"));
    assert!(began.elapsed() >= Duration::from_millis(900));
    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("pending")));
    assert_eq!(answer.header("preference-applied"), Some("respond-async, wait=1"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(service.settled_as(TOKEN, answer.header("location").unwrap())["status"], "done");
}

#[test]
fn nobody_waits_who_did_not_ask_for_it() {
    let sandbox = Sandbox::start(&["--latency", "3s"]);
    let service = Setup::new(&sandbox.http.base).start();
    let began = Instant::now();
    for (id, prefer, applied) in [
        ("1", "respond-async", Some("respond-async")),
        ("2", "wait=-1, return=minimal", None),
        ("3", "wait=0", Some("wait=0")),
    ] {
        let answer = post(&service.http, prefer, &purchase(id, "user_ada", "team"));
        assert_eq!((answer.status, answer.header("preference-applied")), (202, applied), "{prefer}");
    }
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[test]
fn an_event_of_many_changes_is_answered_when_all_have_ended() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let users: Vec<_> = (0..100).map(|user| format!("user_{user}")).collect();
    let event = json!({"id": "1", "type": "member.imported", "data": {"organization_id": "org_acme", "users": users}});
    let authorization = format!("Bearer {OTHER_TOKEN}");
    let headers = [("authorization", &*authorization), ("content-type", "application/json"), ("prefer", "wait=30")];
    let answer = service.http.request("POST", "/v1/events", &headers, event.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body["changes"].as_array().unwrap().iter().all(|change| change["state"] == "settled"));
}

#[test]
fn whoever_waits_when_the_service_stops_is_answered_at_once() {
    let sandbox = Sandbox::start(&["--latency", "2s"]);
    let mut service = Setup::new(&sandbox.http.base).start();
    let mut waiting = send(&service, &purchase("1", "user_ada", "team"));
    eventually("the call", || (!sandbox.calls().is_empty()).then_some(()));
    service.process.signal("TERM");
    let mut answer = [0; 12];
    let began = Instant::now();
    waiting.read_exact(&mut answer).unwrap();
    assert_eq!(std::str::from_utf8(&answer), Ok("HTTP/1.1 202"));
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(service.process.exit_code(), Some(0));
}

#[test]
fn whoever_waits_is_answered_when_it_is_done_and_not_before() {
    let sandbox = Sandbox::start(&["--latency", "700ms"]);
    let service = Setup::new(&sandbox.http.base).start();
    let began = Instant::now();
    let answer = post(&service.http, "wait=20", &purchase("1", "user_ada", "team"));
    let took = began.elapsed();
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("done")), "{}", answer.body);
    assert!(took >= Duration::from_millis(700) && took < Duration::from_secs(10), "{took:?}");
    assert_eq!(sandbox.role("org_acme", "user_ada").as_deref(), Some("org:member"));
}

#[test]
fn five_hundred_who_wait_at_once_are_all_answered_with_the_outcome() {
    let sandbox = Sandbox::start(&["--latency", "200ms"]);
    let service = Setup::new(&sandbox.http.base).start();
    let users = sign_up(&sandbox, 250);
    // Half of them wait for one event together, the others each for its own.
    let event = |n: usize| purchase(&n.min(249).to_string(), &users[n.min(249)], "team");
    let waiting: Vec<_> = (0..500).map(|n| send(&service, &event(n))).collect();
    for (number, mut stream) in waiting.into_iter().enumerate() {
        let mut answer = String::new();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"granted\""), "{number}: {answer}");
    }
    let grants = sandbox.calls().iter().filter(|call| call["path"] == "/v1/organizations/org_acme/memberships").count();
    assert_eq!(grants, 250, "one call for each event");
}

#[test]
fn what_a_caller_waited_for_who_went_away_is_done_all_the_same() {
    let sandbox = Sandbox::start(&["--latency", "1s"]);
    let service = Setup::new(&sandbox.http.base).start();
    let waiting = send(&service, &purchase("1", "user_ada", "team"));
    eventually("the call", || (!sandbox.calls().is_empty()).then_some(()));
    drop(waiting);
    let again = post(&service.http, "wait=20", &purchase("1", "user_ada", "team"));
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")), "{}", again.body);
    assert_eq!(again.body["changes"][0]["outcome"], "granted");
    assert_eq!(sandbox.calls().len(), 1);
}

#[test]
fn a_waiting_caller_who_goes_away_leaves_nothing_behind() {
    let sandbox = Sandbox::start(&["--latency", "20s"]);
    let service = Setup::new(&sandbox.http.base).with("USHER_CONCURRENCY", "1").start();
    // Its first answer: whatever it opens for itself is open.
    service.http.post(&purchase("0", "user_0", "team"));
    let before = open_files(&service);
    let waiting: Vec<_> =
        (0..100).map(|n| send(&service, &purchase(&n.to_string(), &format!("user_{n}"), "team"))).collect();
    eventually("all of them", || (open_files(&service) >= before + 100).then_some(()));
    drop(waiting);
    // Long before their thirty seconds are over.
    eventually_within(Duration::from_secs(10), "their end", || (open_files(&service) < before + 10).then_some(()));
    assert_eq!(service.http.post(&purchase("99", "user_99", "team")).header("idempotent-replayed"), Some("true"));
}
