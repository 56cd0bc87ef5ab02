//! What is switched while the sandbox runs: keys, features, an outage, terse errors; and what a reset takes back.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use awc::http::Method;
use serde_json::json;
use usher::sandbox::Options;

use super::client::{ACME, Sandbox};

#[actix_web::test]
async fn a_key_is_rotated_revoked_and_restored() {
    let mut sandbox = Sandbox::plain();
    let refused = (401, "clerk_key_invalid");
    assert_eq!(sandbox.put("/sandbox/key", json!({ "secret_key": "sk_test_other" })).await.status, 204);
    assert_eq!(sandbox.get("/v1/users").await.code(), refused);
    sandbox.key = "sk_test_other";
    assert_eq!(sandbox.get("/v1/users").await.status, 200);
    sandbox.put("/sandbox/key", json!({ "secret_key": null })).await;
    assert_eq!(sandbox.get("/v1/users").await.code(), refused);
    assert_eq!(sandbox.delete("/sandbox/key").await.status, 204);
    sandbox.key = "sk_test_any";
    assert_eq!(sandbox.get("/v1/users").await.status, 200);
    assert_eq!(sandbox.put("/sandbox/key", json!({ "secret_key": 7 })).await.status, 400);
    assert_eq!(sandbox.put("/sandbox/key", json!({})).await.status, 400);
}

#[actix_web::test]
async fn organizations_can_be_switched_off() {
    let sandbox = Sandbox::plain();
    sandbox.patch("/sandbox/instance", json!({ "organizations_enabled": false })).await;
    assert_eq!(sandbox.join("user_ada", "org:member").await.code(), (403, "organization_not_enabled_in_instance"));
    let invitations = sandbox.get("/v1/organizations/org_acme/invitations").await;
    assert_eq!(invitations.code(), (403, "organization_not_enabled_in_instance"));
    assert_eq!(sandbox.get("/v1/users/user_ada").await.status, 200);
    sandbox.patch("/sandbox/instance", json!({ "organizations_enabled": true })).await;
    assert_eq!(sandbox.join("user_ada", "org:member").await.status, 200);
}

#[actix_web::test]
async fn nobody_leaves_their_last_organization_where_one_is_required() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_ada", "org:member").await;
    let ada = format!("{ACME}/user_ada");
    sandbox.patch("/sandbox/instance", json!({ "membership_required": true })).await;
    assert_eq!(sandbox.delete(&ada).await.code(), (422, "personal_accounts_not_allowed"));
    let globex = json!({ "user_id": "user_ada", "role": "org:member" });
    sandbox.post("/v1/organizations/org_globex/memberships", globex).await;
    assert_eq!(sandbox.delete(&ada).await.status, 200);
}

#[actix_web::test]
async fn an_outage_meets_every_call_and_changes_nothing() {
    let sandbox = Sandbox::plain();
    sandbox.patch("/sandbox/instance", json!({ "outage": "503" })).await;
    assert_eq!(sandbox.join("user_ada", "org:member").await.code(), (503, "service_unavailable"));
    let switched = sandbox.patch("/sandbox/instance", json!({ "outage": "cut" })).await;
    assert_eq!(
        switched.body,
        json!({ "organizations_enabled": true, "membership_required": false, "terse_errors": false, "outage": "cut" })
    );
    assert!(sandbox.call(Method::GET, "/v1/users", None).await.is_none());
    sandbox.patch("/sandbox/instance", json!({ "outage": null })).await;
    assert_eq!(sandbox.get("/v1/users").await.status, 200);
    assert_eq!(sandbox.members().await, json!([]));
    let faults: Vec<_> = sandbox.calls().await.iter().map(|call| call["fault"].clone()).collect();
    assert_eq!(faults, [json!("outage"), json!("outage"), json!(null)]);
    for wrong in [json!({ "outage": "500" }), json!({ "outages": null }), json!([])] {
        assert_eq!(sandbox.patch("/sandbox/instance", wrong).await.status, 400);
    }
}

#[actix_web::test]
async fn terse_errors_do_not_tell_what_is_missing() {
    let sandbox = Sandbox::start(Options { terse_errors: true, ..Options::default() });
    let elsewhere = "/v1/organizations/org_nowhere/memberships";
    let organization = sandbox.post(elsewhere, json!({ "user_id": "user_bob", "role": "org:member" })).await;
    for refused in [
        organization,
        sandbox.join("user_nobody", "org:member").await,
        sandbox.join("user_ada", "org:king").await,
        sandbox.get("/v1/users/user_nobody").await,
    ] {
        assert_eq!(refused.code(), (404, "resource_not_found"));
        assert_eq!(
            (refused.error("meta"), refused.error("long_message")),
            (&json!(null), &json!("Resource not found"))
        );
    }
    sandbox.patch("/sandbox/instance", json!({ "terse_errors": false })).await;
    assert_eq!(sandbox.join("user_ada", "org:king").await.error("meta")["param_name"], "role");
}

#[actix_web::test]
async fn a_reset_takes_everything_back() {
    let sandbox = Sandbox::plain();
    sandbox.put("/sandbox/organizations/org_acme/policy", json!({ "scim": true })).await;
    sandbox.put("/sandbox/role_sets/role_set:small", json!({ "roles": ["org:new"] })).await;
    sandbox.script(json!([{ "drop": true, "times": null }])).await;
    sandbox.patch("/sandbox/instance", json!({ "outage": "cut", "organizations_enabled": false })).await;
    sandbox.put("/sandbox/key", json!({ "secret_key": null })).await;
    sandbox.call(Method::POST, "/sandbox/reset", None).await;
    assert_eq!(sandbox.join("user_ada", "org:member").await.status, 200);
    assert_eq!(sandbox.delete(&format!("{ACME}/user_ada")).await.status, 200);
    assert_eq!(sandbox.get("/v1/organization_roles").await.body["total_count"], 3);
    assert_eq!(sandbox.get("/sandbox/faults").await.body, json!([]));
    assert_eq!(sandbox.get("/sandbox/statistics").await.body["calls"], 3);
}

#[actix_web::test]
async fn flags_of_the_binary_reach_the_sandbox() {
    let flags =
        ["--secret-key", "sk_test_only", "--terse-errors", "--invitation-limit", "1/1h", "--role-change-limit", "none"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_usher"))
        .args(["sandbox", "--json", "--listen", "127.0.0.1:0"])
        .args(flags)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = serde_json::from_str::<serde_json::Value>(&line).unwrap()["sandbox"].as_str().unwrap().to_owned();
    let mut sandbox = Sandbox::at(url.strip_prefix("http://").unwrap().parse().unwrap());
    assert_eq!(sandbox.get("/v1/users").await.code(), (401, "clerk_key_invalid"));
    sandbox.key = "sk_test_only";
    assert_eq!(sandbox.join("user_ada", "org:king").await.error("meta"), &json!(null));
    let invite = async |address: &str| {
        let body = json!({ "email_address": address, "role": "org:member" });
        sandbox.post("/v1/organizations/org_acme/invitations", body).await.status
    };
    assert_eq!((invite("a@example.com").await, invite("b@example.com").await), (200, 429));
    child.kill().unwrap();
    child.wait().unwrap();
}
