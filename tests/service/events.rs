//! The main job: an event is accepted once, becomes a membership, and can be looked up by its sender.

use std::thread;

use serde_json::json;

use crate::support::*;

#[test]
fn a_purchase_becomes_a_membership_with_one_call() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let answer = service.http.post(&purchase("1", "user_ada", "team"));
    assert_eq!(answer.status, 202);
    let location = answer.header("location").unwrap().to_owned();
    assert_eq!(location, format!("/v1/events/{}", answer.body["id"].as_str().unwrap()));
    let event = service.settled_as(TOKEN, &location);
    assert_eq!(event["status"], "done");
    assert_eq!(
        (&event["sender"], &event["source"], &event["event_id"]),
        (&json!("billing"), &json!("billing"), &json!("1"))
    );
    let change = &event["changes"][0];
    assert_eq!(change["rule"], "plan purchased");
    assert_eq!((&change["action"], &change["role"]), (&json!("grant"), &json!("org:member")));
    assert_eq!((&change["state"], &change["outcome"]), (&json!("settled"), &json!("granted")));
    assert!(change["membership_id"].as_str().unwrap().starts_with("orgmem_"));
    assert_eq!(change["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(change["attempts"][0]["status"], 200);
    assert_eq!(sandbox.role("org_acme", "user_ada").as_deref(), Some("org:member"));
    assert_eq!(sandbox.calls().len(), 1);
}

#[test]
fn a_cloudevent_in_structured_mode_is_the_same_event_as_its_plain_twin() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let mut event = purchase("1", "user_ada", "team");
    event["source"] = json!("https://shop.example/orders");
    let plain = service.http.post(&event);
    assert_eq!(plain.status, 202, "{}", plain.body);
    event["specversion"] = json!("1.0");
    event["time"] = json!("2026-01-02T03:04:05Z");
    event["datacontenttype"] = json!("application/json");
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", &*authorization), ("content-type", "application/cloudevents+json; charset=UTF-8")];
    let structured = service.http.request("POST", "/v1/events", &headers, event.to_string().as_bytes());
    assert_eq!(structured.status, 202, "{}", structured.body);
    assert_eq!(structured.header("idempotent-replayed"), Some("true"));
    assert_eq!(structured.body["id"], plain.body["id"]);
}

#[test]
fn a_hundred_copies_of_one_event_make_one_change_and_one_call() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let answers: Vec<_> = thread::scope(|scope| {
        let copies: Vec<_> =
            (0..100).map(|_| scope.spawn(|| service.http.post(&purchase("1", "user_bob", "team")))).collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    let first = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).count();
    assert_eq!(first, 1);
    assert!(answers.iter().all(|answer| answer.status == 202 && answer.body["id"] == answers[0].body["id"]));
    service.settled_as(TOKEN, answers[0].header("location").unwrap());
    assert_eq!(sandbox.calls().len(), 1);
}

#[test]
fn another_content_under_the_same_identity_is_refused_without_echo() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    service.settle(&purchase("1", "user_ada", "team"));
    let answer = service.http.post(&purchase("1", "user_bob", "team"));
    answer.problem(422, "identity-conflict");
    assert!(!answer.body.to_string().contains("user_ada"));
    assert_eq!(sandbox.role("org_acme", "user_bob"), None);
}

#[test]
fn two_senders_may_use_the_same_event_id_and_never_see_each_others_events() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let mine = service.http.post(&purchase("1", "user_ada", "team"));
    let theirs = service.http.post_as(OTHER_TOKEN, &member("1", "set", "user_bob", "org:admin"));
    assert_eq!((mine.status, theirs.status), (202, 202));
    let foreign = service.http.get(theirs.header("location").unwrap());
    let unknown = service.http.get("/v1/events/00000000-0000-8000-8000-000000000000");
    foreign.problem(404, "not-found");
    assert_eq!(foreign.body["detail"], unknown.body["detail"]);
}

#[test]
fn an_event_that_no_rule_wants_is_accepted_and_ignored() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let answer = service.http.post(&json!({"id": "1", "type": "plan.viewed", "data": {}}));
    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("ignored")));
    assert_eq!(sandbox.calls().len(), 0);
}

#[test]
fn for_each_gives_one_change_per_element_and_the_later_of_two_for_one_user_wins() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let users = ["user_ada", "user_bob", "user_ada"];
    let event = json!({"id": "1", "type": "member.imported", "data": {"organization_id": "org_acme", "users": users}});
    let event = service.settle_as(OTHER_TOKEN, &event);
    let outcomes: Vec<_> =
        event["changes"].as_array().unwrap().iter().map(|change| change["outcome"].clone()).collect();
    assert_eq!(outcomes, ["superseded", "granted", "granted"]);
    assert_eq!(sandbox.calls().len(), 2);
}

#[test]
fn changes_of_one_membership_take_effect_in_the_order_of_acceptance() {
    let sandbox = Sandbox::start(&["--latency", "5ms"]);
    let service = Setup::new(&sandbox.http.base).start();
    let mut last = None;
    for round in 0..10 {
        service.http.post(&purchase(&format!("grant-{round}"), "user_dan", "team"));
        last = Some(service.http.post(&cancel(&format!("revoke-{round}"), "user_dan")));
    }
    service.settled_as(TOKEN, last.unwrap().header("location").unwrap());
    assert_eq!(sandbox.role("org_acme", "user_dan"), None);
    let methods: Vec<_> = sandbox.calls().iter().map(|call| call["method"].as_str().unwrap().to_owned()).collect();
    // What waits behind a call is made with one more: how many there are depends on how fast they come.
    assert_eq!(methods.last().map(String::as_str), Some("DELETE"));
    assert!(methods.len() <= 20, "{methods:?}");
}

#[test]
fn the_idempotency_key_is_the_identity_of_an_event_without_one() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let authorization = format!("Bearer {TOKEN}");
    let mut event = purchase("1", "user_ada", "team");
    event.as_object_mut().unwrap().remove("id");
    let post = |key: &str| {
        let headers =
            [("authorization", &*authorization), ("content-type", "application/json"), ("idempotency-key", key)];
        service.http.request("POST", "/v1/events", &headers, event.to_string().as_bytes())
    };
    let (bare, quoted) = (post("k-1"), post("\"k-1\""));
    assert_eq!((bare.status, quoted.header("idempotent-replayed")), (202, Some("true")));
    service.http.post(&event).problem(400, "missing-identity");
}

#[test]
fn a_sender_sends_from_its_sources_only() {
    let sandbox = Sandbox::start(&[]);
    let rules =
        RULES.replacen("    rate: off\n", "    rate: off\n    sources: [billing, \"https://shop.example/*\"]\n", 1);
    let service = Setup::new(&sandbox.http.base).rules(&rules).start();
    let from = |id: &str, source: &str| {
        let mut event = purchase(id, "user_ada", "team");
        event["source"] = json!(source);
        service.http.post(&event)
    };
    assert_eq!(from("1", "https://shop.example/checkout").status, 202);
    assert_eq!(service.http.post(&purchase("2", "user_ada", "team")).status, 202, "its name is its source");
    let refused = from("3", "https://shop.example.evil/");
    let detail = refused.problem(403, "source-not-allowed");
    assert_eq!(refused.body["errors"][0]["pointer"], "#/source");
    assert!(detail.contains("sources") && !detail.contains("evil"), "{detail}");
}
