//! The idempotent recipe: existing members, lost answers, refusals, rate limits.

use serde_json::{Value, json};

use crate::support::*;

fn outcome(event: &Value) -> &str {
    event["changes"][0]["outcome"].as_str().unwrap()
}

fn add(sandbox: &Sandbox, user: &str, role: &str) {
    let answer =
        sandbox.bapi("POST", "/v1/organizations/org_acme/memberships", &json!({"user_id": user, "role": role}));
    assert_eq!(answer.unwrap().status, 200);
}

#[test]
fn an_existing_member_with_the_same_role_is_unchanged() {
    let sandbox = Sandbox::start(&[]);
    add(&sandbox, "user_ada", "org:member");
    let service = Setup::new(&sandbox.http.base).start();
    let event = service.settle(&purchase("1", "user_ada", "team"));
    assert_eq!(outcome(&event), "unchanged");
    assert_eq!(event["changes"][0]["attempts"].as_array().unwrap().len(), 2);
}

#[test]
fn keep_raise_and_replace_decide_what_becomes_of_another_role() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let cases = [
        ("kept", "org:member", "org:admin", "unchanged", "org:member"),
        ("raised", "org:member", "org:admin", "updated", "org:admin"),
        ("raised", "org:admin", "org:member", "unchanged", "org:admin"),
        ("set", "org:admin", "org:member", "updated", "org:member"),
    ];
    add(&sandbox, "user_bob", "org:admin");
    for (number, (kind, before, wanted, expected, after)) in cases.into_iter().enumerate() {
        sandbox.bapi("DELETE", "/v1/organizations/org_acme/memberships/user_ada", &Value::Null).unwrap();
        add(&sandbox, "user_ada", before);
        let event = service.settle_as(OTHER_TOKEN, &member(&number.to_string(), kind, "user_ada", wanted));
        assert_eq!(outcome(&event), expected, "{kind}: {event}");
        assert_eq!(sandbox.role("org_acme", "user_ada").as_deref(), Some(after), "{kind}");
    }
}

#[test]
fn revoking_what_is_not_there_is_unchanged() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    assert_eq!(outcome(&service.settle(&cancel("1", "user_ada"))), "unchanged");
    add(&sandbox, "user_ada", "org:member");
    add(&sandbox, "user_bob", "org:admin");
    assert_eq!(outcome(&service.settle(&cancel("2", "user_ada"))), "revoked");
}

#[test]
fn a_grant_whose_answer_was_lost_is_granted_not_unchanged() {
    let sandbox = Sandbox::start(&["--drop-after", "0.5", "--seed", "7"]);
    let service = Setup::new(&sandbox.http.base).start();
    for number in 0..20 {
        let user = ["user_ada", "user_bob", "user_carol", "user_dan"][number % 4];
        let event = service.settle(&purchase(&format!("g{number}"), user, "team"));
        assert_eq!(outcome(&event), "granted", "{event}");
        let event = service.settle(&cancel(&format!("r{number}"), user));
        assert_eq!(outcome(&event), "revoked", "{event}");
    }
    assert!(
        sandbox.calls().iter().any(|call| call["fault"] == "drop_after"),
        "no answer was lost: the test proves nothing"
    );
}

#[test]
fn an_unknown_user_is_dead_with_clerks_code_and_trace() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let event = service.settle(&purchase("1", "user_nobody", "team"));
    assert_eq!((&event["status"], outcome(&event)), (&json!("failed"), "dead"));
    let change = &event["changes"][0];
    assert_eq!(
        (&change["attempts"][0]["status"], &change["attempts"][0]["code"]),
        (&json!(404), &json!("resource_not_found"))
    );
    assert!(change["attempts"][0]["trace_id"].is_string());
    assert!(!change["reason"].as_str().unwrap().is_empty());
}

#[test]
fn a_dead_change_lets_its_successor_pass() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    assert_eq!(outcome(&service.settle(&purchase("1", "user_late", "team"))), "dead");
    assert_eq!(outcome(&service.settle(&cancel("2", "user_late"))), "unchanged");
}

#[test]
fn a_change_that_never_succeeds_is_dead_after_its_time() {
    let sandbox = Sandbox::start(&["--fail", "1.0"]);
    let service = Setup::new(&sandbox.http.base).with("USHER_GIVE_UP_AFTER", "1s").start();
    let event = service.settle(&purchase("1", "user_ada", "team"));
    assert_eq!(outcome(&event), "dead");
    assert!(event["changes"][0]["attempts"].as_array().unwrap().len() > 2);
}

#[test]
fn retry_after_is_obeyed_by_every_change() {
    let sandbox = Sandbox::start(&["--rate-limit", "2/10s"]);
    let service = Setup::new(&sandbox.http.base).with("USHER_CONCURRENCY", "1").start();
    for (id, user) in [("1", "user_ada"), ("2", "user_bob"), ("3", "user_carol"), ("4", "user_dan")] {
        assert_eq!(service.http.post(&purchase(id, user, "team")).status, 202);
    }
    let last = service.settle(&purchase("5", "user_ada", "team"));
    assert_ne!(outcome(&last), "dead");
    let refused = sandbox.calls().iter().filter(|call| call["status"] == 429).count();
    assert!((1..=4).contains(&refused), "one refused call a window: {refused}");
}

#[test]
fn a_wrong_key_burns_no_change_and_the_service_goes_on_accepting() {
    let sandbox = Sandbox::start(&[]);
    let mut service = Setup::new(&sandbox.http.base).with("CLERK_SECRET_KEY", "sk_live_wrong").start();
    let answer = service.http.post(&purchase("1", "user_ada", "team"));
    service.process.json_line("a loud line", |line| line["level"] == "ERROR");
    assert_eq!(service.http.post(&purchase("2", "user_bob", "team")).status, 202);
    let event = service.http.get(answer.header("location").unwrap()).body;
    assert_eq!(event["status"], "pending");
    assert_eq!(service.admin.get("/readyz").status, 200, "Clerk's refusal does not make the pod unready");
}
