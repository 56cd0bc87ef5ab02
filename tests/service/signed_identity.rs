//! The identity of a signed event whose body has none: the `webhook-id` that its signature covers, and nothing else.

use jiff::Timestamp;
use serde_json::{Value, json};
use usher::webhook::{self, Key};

use crate::support::*;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

const SENDERS: &str = r#"
senders:
  orders: { signing_secrets: [{ env: ORDERS_SECRET }], events: ["*"], roles: ["org:member"] }
roles: ["org:member"]
rules:
  - name: joined
    on: joined
    grant: { organization: data.organization, user: data.user, role: '"org:member"' }
"#;

fn start(bapi: &str) -> Service {
    Setup::new(bapi).rules(SENDERS).with("ORDERS_SECRET", SECRET).without("BILLING_TOKEN").start()
}

fn event(n: i64) -> Value {
    json!({"type": "odd.thing", "data": {"n": n}})
}

/// Signs the event under this id and posts it, with its id in the headers of this family.
fn send(service: &Service, family: &str, id: &str, event: &Value, more: &[(&str, &str)]) -> Answer {
    let (timestamp, body) = (Timestamp::now().as_second(), event.to_string());
    let signature = webhook::sign(&Key::parse(SECRET).unwrap(), id, timestamp, body.as_bytes()).unwrap();
    let [name, time, proof] = ["id", "timestamp", "signature"].map(|end| format!("{family}-{end}"));
    let timestamp = timestamp.to_string();
    let own = [("content-type", "application/json"), (&*name, id), (&*time, &*timestamp), (&*proof, &*signature)];
    service.http.request("POST", "/v1/events", &[&own[..], more].concat(), body.as_bytes())
}

/// Asserts that it is accepted under this identity; for the first time, or again.
#[track_caller]
fn is(answer: &Answer, identity: &str, again: bool) {
    assert_eq!((answer.status, &answer.body["event_id"]), (202, &json!(identity)), "{}", answer.body);
    assert_eq!(answer.header("idempotent-replayed"), again.then_some("true"), "{}", answer.body);
}

#[test]
fn a_signed_event_without_an_id_is_known_by_the_id_of_its_message() {
    let service = start("http://127.0.0.1:1");
    for family in ["webhook", "svix"] {
        let first = send(&service, family, family, &event(1), &[]);
        is(&first, family, false);
        let again = send(&service, family, family, &event(1), &[]);
        is(&again, family, true);
        assert_eq!(again.header("location"), first.header("location"));
    }
    is(&send(&service, "svix", "webhook", &event(1), &[]), "webhook", true);
    is(&send(&service, "webhook", "another", &event(1), &[]), "another", false);
}

#[test]
fn a_message_sent_twice_changes_a_membership_once() {
    let sandbox = Sandbox::start(&[]);
    let service = start(&sandbox.http.base);
    let joined = json!({"type": "joined", "data": {"organization": "org_acme", "user": "user_ada"}});
    let wait = [("prefer", "wait=20")];
    let first = send(&service, "webhook", "msg_1", &joined, &wait);
    assert_eq!((first.status, &first.body["changes"][0]["outcome"]), (200, &json!("granted")), "{}", first.body);
    let again = send(&service, "svix", "msg_1", &joined, &wait);
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!((again.body, sandbox.calls().len()), (first.body, 1));
}

#[test]
fn a_message_with_another_content_under_the_same_id_is_a_conflict() {
    let service = start("http://127.0.0.1:1");
    is(&send(&service, "webhook", "msg_1", &event(1), &[]), "msg_1", false);
    for family in ["webhook", "svix"] {
        let other = send(&service, family, "msg_1", &event(2), &[]);
        other.problem(422, "identity-conflict");
        let mut named = event(2);
        named["id"] = json!("an id of its own does not help");
        send(&service, family, "msg_1", &named, &[]).problem(422, "identity-conflict");
    }
    is(&send(&service, "webhook", "msg_1", &event(1), &[]), "msg_1", true);
}

#[test]
fn a_key_that_no_signature_covers_is_no_identity_of_a_signed_event() {
    let service = start("http://127.0.0.1:1");
    let key = |key| [("idempotency-key", key)];
    let first = send(&service, "webhook", "msg_1", &event(1), &key("k-1"));
    is(&first, "msg_1", false);
    // Whoever caught a message cannot make another event of it.
    for again in [
        send(&service, "webhook", "msg_1", &event(1), &key("k-2")),
        send(&service, "svix", "msg_1", &event(1), &key("\"k-3\"")),
        send(&service, "webhook", "msg_1", &event(1), &[]),
    ] {
        is(&again, "msg_1", true);
        assert_eq!(again.header("location"), first.header("location"));
    }
    send(&service, "webhook", "msg_1", &event(2), &key("k-4")).problem(422, "identity-conflict");
}

#[test]
fn a_signed_batch_is_known_by_the_id_of_its_message_event_by_event() {
    let service = start("http://127.0.0.1:1");
    let cloud =
        |id: &str, n: i64| json!({"specversion": "1.0", "id": id, "source": "/x", "type": "odd.thing", "data": n});
    let batch = |events: &[Value]| {
        let (timestamp, body) = (Timestamp::now().as_second(), json!(events).to_string());
        let signature = webhook::sign(&Key::parse(SECRET).unwrap(), "msg_1", timestamp, body.as_bytes()).unwrap();
        let timestamp = timestamp.to_string();
        let headers = [
            ("content-type", "application/cloudevents-batch+json"),
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", &*timestamp),
            ("webhook-signature", &*signature),
        ];
        let answer = service.http.request("POST", "/v1/events", &headers, body.as_bytes());
        let told = |result: &Value| (result["status"].clone(), result["replayed"].clone());
        answer.body["results"].as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    let first = [cloud("1", 1), cloud("2", 2)];
    assert_eq!(batch(&first), [(json!(202), json!(false)), (json!(202), json!(false))]);
    assert_eq!(batch(&first), [(json!(202), json!(true)), (json!(202), json!(true))]);
    let other = batch(&[cloud("1", 1), cloud("3", 3), cloud("4", 4)]);
    let expected = [(json!(202), json!(true)), (json!(422), json!(null)), (json!(202), json!(false))];
    assert_eq!(other, expected, "the second of this message was another event");
}
