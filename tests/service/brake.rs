//! The brake and time limits, from outside.

use serde_json::{Value, json};

use crate::support::*;

const BRAKED: &str = r#"
senders:
  support:
    tokens: [{ env: SUPPORT_TOKEN }]
    events: ["*"]
    roles: ["org:viewer", "org:member"]
    brake: { limit: 3, window: 1h }
  billing:
    tokens: [{ env: BILLING_TOKEN }]
    events: ["*"]
    roles: ["org:viewer", "org:member"]
roles: ["org:viewer", "org:member", "org:admin"]
rules:
  - name: purged
    on: purged
    for_each: data.users
    revoke: { organization: '"org_acme"', user: item }
  - name: added
    on: added
    for_each: data.users
    grant: { organization: '"org_acme"', user: item, role: '"org:member"' }
  - name: trial
    on: trial
    grant: { organization: '"org_acme"', user: data.user, role: '"org:member"', until: data.until }
"#;

fn many(id: &str, kind: &str, users: &[&str]) -> Value {
    json!({"id": id, "type": kind, "data": {"users": users}})
}

#[test]
fn more_revokes_than_the_brake_allows_are_held_and_grants_are_not() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).rules(BRAKED).start();
    let users = ["user_ada", "user_bob", "user_carol", "user_dan"];
    service.settle_as(OTHER_TOKEN, &many("1", "added", &users));
    let answer = service.http.post_as(OTHER_TOKEN, &many("2", "purged", &users));
    let location = answer.header("location").unwrap().to_owned();
    let authorization = format!("Bearer {OTHER_TOKEN}");
    let held = eventually("held changes", || {
        let event = service.http.request("GET", &location, &[("authorization", &authorization)], b"").body;
        event["changes"].as_array().unwrap().iter().all(|change| change["state"] == "held").then_some(event)
    });
    assert!(held["changes"][0]["reason"].as_str().unwrap().contains("brake"), "{held}");
    for user in users {
        assert_eq!(sandbox.role("org_acme", user).as_deref(), Some("org:member"), "{user}");
    }
    let grant = service.settle_as(OTHER_TOKEN, &many("3", "added", &["user_ada"]));
    assert_eq!(grant["status"], "done", "a grant passes a held revoke of its membership");
    let after = service.http.request("GET", &location, &[("authorization", &authorization)], b"").body;
    assert_eq!(after["changes"][0]["outcome"], "superseded", "{after}");
    let other = service.settle(&many("4", "purged", &["user_bob"]));
    assert_eq!(other["changes"][0]["state"], "settled", "another sender has a brake of its own: {other}");
}

#[test]
fn a_grant_with_a_time_limit_ends_by_itself_and_a_later_one_moves_the_limit() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).rules(BRAKED).start();
    let trial =
        |id: &str, user: &str, until: &str| json!({"id": id, "type": "trial", "data": {"user": user, "until": until}});
    let event = service.settle(&trial("1", "user_ada", "2s"));
    assert_eq!((&event["status"], &event["changes"][0]["outcome"]), (&json!("done"), &json!("granted")));
    let limit = &event["changes"][1];
    assert_eq!((&limit["action"], &limit["state"]), (&json!("revoke"), &json!("waiting")));
    assert!(limit["next_attempt_at"].is_string(), "{event}");
    service.settle(&trial("2", "user_bob", "2s"));
    service.settle(&trial("3", "user_bob", "100h"));
    eventually("the end of the trial", || sandbox.role("org_acme", "user_ada").is_none().then_some(()));
    assert_eq!(sandbox.role("org_acme", "user_bob").as_deref(), Some("org:member"), "the later limit counts");
}
