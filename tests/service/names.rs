//! Users and organizations that senders name by what they know: slugs, e-mail addresses, external ids.

use serde_json::{Value, json};

use crate::support::*;

const NAMED: &str = r#"
senders:
  billing:
    tokens: [{ env: BILLING_TOKEN }]
    events: ["*"]
    roles: ["org:viewer", "org:member"]
roles: ["org:viewer", "org:member", "org:admin"]
rules:
  - name: by address
    on: by.address
    grant: { organization: { slug: data.slug }, user: { email: data.email }, role: data.role }
  - name: by external id
    on: by.external_id
    grant: { organization: data.organization_id, user: { external_id: data.id }, role: data.role }
  - name: waiting
    on: waiting
    grant: { organization: data.organization_id, user: { email: data.email }, role: data.role, missing_user: wait }
  - name: inviting
    on: inviting
    grant: { organization: data.organization_id, user: { email: data.email }, role: data.role, missing_user: invite }
  - name: removed
    on: removed
    revoke: { organization: data.organization_id, user: { email: data.email } }
"#;

fn event(id: &str, kind: &str, data: Value) -> Value {
    let mut data = data;
    data["organization_id"] = json!("org_acme");
    data["slug"] = json!("acme");
    if data["role"].is_null() {
        data["role"] = json!("org:member");
    }
    json!({"id": id, "type": kind, "data": data})
}

fn service(sandbox: &Sandbox) -> Service {
    Setup::new(&sandbox.http.base).rules(NAMED).start()
}

/// Signs somebody up and gives his id.
fn sign_up(sandbox: &Sandbox, email: &str, external_id: &str) -> String {
    let body = json!({"email_address": [email], "external_id": external_id});
    sandbox.bapi("POST", "/v1/users", &body).unwrap().body["id"].as_str().unwrap().to_owned()
}

fn change(event: &Value) -> &Value {
    &event["changes"][0]
}

fn invitations(sandbox: &Sandbox) -> Vec<Value> {
    let all = sandbox.http.get("/sandbox/invitations").body;
    all.as_array().unwrap().iter().filter(|invitation| invitation["status"] == "pending").cloned().collect()
}

#[test]
fn a_slug_and_an_address_are_looked_up_once_and_remembered() {
    let sandbox = Sandbox::start(&[]);
    let user = sign_up(&sandbox, "Eve@Example.com", "crm-7");
    let service = service(&sandbox);
    let first = service.settle(&event("1", "by.address", json!({"email": "eve@example.com", "role": "org:viewer"})));
    assert_eq!((&change(&first)["outcome"], &change(&first)["user"]), (&json!("granted"), &json!(user)));
    assert_eq!(change(&first)["organization"], "org_acme");
    assert_eq!(change(&first)["attempts"].as_array().unwrap().len(), 3, "two lookups and the grant");
    let second = service.settle(&event("2", "by.address", json!({"email": "EVE@example.com"})));
    assert_eq!(change(&second)["outcome"], "updated");
    assert_eq!(change(&second)["attempts"].as_array().unwrap().len(), 3, "create, inspect, update: no lookup");
    let third = service.settle(&event("3", "by.external_id", json!({"id": "crm-7"})));
    assert_eq!((&change(&third)["outcome"], &change(&third)["user"]), (&json!("unchanged"), &json!(user)));
}

#[test]
fn nobody_and_two_of_a_name_are_refused_with_a_reason() {
    let sandbox = Sandbox::start(&[]);
    let service = service(&sandbox);
    let nobody = service.settle(&event("1", "by.external_id", json!({"id": "crm-404"})));
    assert_eq!((&nobody["status"], &change(&nobody)["outcome"]), (&json!("failed"), &json!("dead")));
    assert!(change(&nobody)["reason"].as_str().unwrap().contains("no such user"), "{nobody}");
    let two = json!([{"id": "user_1", "external_id": "twin"}, {"id": "user_2", "external_id": "twin"}]);
    let fault = json!([{"match": {"path": "/v1/users"}, "answer": {"status": 200, "body": two}}]);
    assert_eq!(sandbox.http.request("POST", "/sandbox/faults", &[], fault.to_string().as_bytes()).status, 200);
    let twins = service.settle(&event("2", "by.external_id", json!({"id": "twin"})));
    assert_eq!(change(&twins)["outcome"], "dead");
    assert!(change(&twins)["reason"].as_str().unwrap().contains("several users"), "{twins}");
}

#[test]
fn a_grant_waits_until_its_user_signs_up() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).rules(NAMED).with("USHER_WAIT_FIRST", "50ms").start();
    let answer = service.http.post(&event("1", "waiting", json!({"email": "late@example.com"})));
    let location = answer.header("location").unwrap().to_owned();
    eventually("a first look", || sandbox.calls().iter().find(|call| call["path"] == "/v1/users").cloned());
    assert_eq!(service.http.get(&location).body["status"], "pending");
    let user = sign_up(&sandbox, "late@example.com", "late");
    let settled = service.settled_as(TOKEN, &location);
    assert_eq!(change(&settled)["outcome"], "granted");
    assert_eq!(sandbox.role("org_acme", &user).as_deref(), Some("org:member"));
}

#[test]
fn whoever_is_not_there_is_invited_once_and_revoked_before_he_joins() {
    let sandbox = Sandbox::start(&[]);
    let service = service(&sandbox);
    let invited = service.settle(&event("1", "inviting", json!({"email": "new@example.com", "role": "org:viewer"})));
    assert_eq!(change(&invited)["outcome"], "invited");
    let pending = invitations(&sandbox);
    assert_eq!((pending.len(), &pending[0]["role"]), (1, &json!("org:viewer")));
    assert_eq!(change(&invited)["membership_id"], pending[0]["id"]);
    let again = service.settle(&event("2", "inviting", json!({"email": "new@example.com", "role": "org:viewer"})));
    assert_eq!(change(&again)["outcome"], "unchanged", "{again}");
    let raised = service.settle(&event("3", "inviting", json!({"email": "new@example.com"})));
    assert_eq!(change(&raised)["outcome"], "invited");
    assert_eq!(invitations(&sandbox)[0]["role"], "org:member");
    let revoked = service.settle(&event("4", "removed", json!({"email": "new@example.com"})));
    assert_eq!(change(&revoked)["outcome"], "revoked");
    assert!(invitations(&sandbox).is_empty());
}

#[test]
fn an_invitation_whose_answer_was_lost_is_not_sent_twice() {
    let sandbox = Sandbox::start(&[]);
    let fault = json!([{"match": {"method": "POST", "path": "*/invitations"}, "effect": "after", "drop": true}]);
    sandbox.http.request("POST", "/sandbox/faults", &[], fault.to_string().as_bytes());
    let service = service(&sandbox);
    let invited = service.settle(&event("1", "inviting", json!({"email": "new@example.com"})));
    assert_eq!(change(&invited)["outcome"], "invited");
    assert_eq!(invitations(&sandbox).len(), 1);
    let sent = sandbox.calls().iter().filter(|call| call["method"] == "POST" && call["effect"] == true).count();
    assert_eq!(sent, 1);
}

#[test]
fn whoever_joined_meanwhile_gets_the_grant_directly() {
    let sandbox = Sandbox::start(&[]);
    let service = service(&sandbox);
    let user = sign_up(&sandbox, "there@example.com", "there");
    let event = service.settle(&event("1", "inviting", json!({"email": "there@example.com"})));
    assert_eq!((&change(&event)["outcome"], &change(&event)["user"]), (&json!("granted"), &json!(user)));
    assert!(invitations(&sandbox).is_empty());
}

#[test]
fn no_address_reaches_a_log() {
    let sandbox = Sandbox::start(&[]);
    let mut service = Setup::new(&sandbox.http.base).rules(NAMED).with("RUST_LOG", "trace").start();
    service.settle(&event("1", "inviting", json!({"email": "hidden@example.com"})));
    service.settle(&event("2", "by.address", json!({"email": "nobody@example.com"})));
    service.process.signal("TERM");
    assert_eq!(service.process.exit_code(), Some(0));
    let output = service.process.output();
    assert!(!output.contains("hidden@") && !output.contains("nobody@") && !output.contains("%40example"), "{output}");
}
