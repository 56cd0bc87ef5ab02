//! What Clerk refuses is refused, with its status, its code and its words.

use std::time::Duration;

use serde_json::json;
use usher::sandbox::{Options, RateLimit};

use super::client::{ACME, Sandbox, read};

#[actix_web::test]
async fn creates_that_clerk_refuses_are_refused_in_its_words() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_ada", "org:member").await;
    let again = sandbox.join("user_ada", "org:admin").await;
    assert_eq!(again.code(), (400, "already_a_member_in_organization"));
    assert_eq!(again.body["clerk_trace_id"].as_str(), again.trace_id.as_deref());

    let user = sandbox.join("user_nobody", "org:member").await;
    assert_eq!(user.code(), (404, "resource_not_found"));
    assert_eq!(user.error("long_message"), "No user was found with id user_nobody");
    let role = sandbox.join("user_bob", "org:king").await;
    assert_eq!(role.code(), (404, "resource_not_found"));
    assert_eq!(role.error("meta")["param_name"], "role");
    let elsewhere = "/v1/organizations/org_nowhere/memberships";
    let organization = sandbox.post(elsewhere, json!({ "user_id": "user_bob", "role": "org:member" })).await;
    assert_eq!(organization.error("long_message"), "Given organization not found.");

    for (body, code) in [
        (json!({ "role": "org:member" }), "form_param_missing"),
        (json!({ "user_id": null, "role": "org:member" }), "form_param_nil"),
        (json!({ "user_id": 7, "role": "org:member" }), "form_param_value_invalid"),
        (json!({ "user_id": "user_bob", "role": "org:member", "public_metadata": 1 }), "form_param_value_invalid"),
    ] {
        assert_eq!(sandbox.post(ACME, body).await.code(), (422, code));
    }
}

#[actix_web::test]
async fn seats_end_where_the_organization_says_and_never_at_zero() {
    let sandbox = Sandbox::plain();
    for (limit, second) in [(1, (403, "organization_membership_quota_exceeded")), (0, (200, ""))] {
        let made = sandbox.post("/v1/organizations", json!({ "name": "Tiny", "max_allowed_memberships": limit })).await;
        let path = format!("/v1/organizations/{}/memberships", made.body["id"].as_str().unwrap());
        assert_eq!(sandbox.post(&path, json!({ "user_id": "user_ada", "role": "org:member" })).await.status, 200);
        assert_eq!(sandbox.post(&path, json!({ "user_id": "user_bob", "role": "org:member" })).await.code(), second);
    }
}

#[actix_web::test]
async fn the_last_admin_stays_one() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_ada", "org:admin").await;
    let refused = (400, "organization_minimum_permissions_needed");
    let (ada, demotion) = (format!("{ACME}/user_ada"), json!({ "role": "org:member" }));
    assert_eq!(sandbox.delete(&ada).await.code(), refused);
    assert_eq!(sandbox.patch(&ada, demotion.clone()).await.code(), refused);
    sandbox.join("user_bob", "org:admin").await;
    assert_eq!(sandbox.patch(&ada, demotion).await.status, 200);
    assert_eq!(sandbox.delete(&ada).await.status, 200);
}

#[actix_web::test]
async fn only_a_test_key_opens_the_door() {
    let mut sandbox = Sandbox::plain();
    let bare = sandbox.client.get(sandbox.url("/v1/users")).send().await.unwrap();
    assert_eq!(read(bare).await.unwrap().code(), (401, "authorization_header_format_invalid"));
    for key in ["sk_live_x", "sk_test_", "pk_test_x"] {
        sandbox.key = key;
        assert_eq!(sandbox.get("/v1/users").await.code(), (401, "clerk_key_invalid"), "{key}");
    }

    let mut strict = Sandbox::start(Options { secret_key: Some("sk_test_only".into()), ..Options::default() });
    assert_eq!(strict.get("/v1/users").await.code(), (401, "clerk_key_invalid"));
    strict.key = "sk_test_only";
    assert_eq!(strict.get("/v1/users").await.status, 200);
}

#[actix_web::test]
async fn an_unknown_or_doubled_api_version_is_refused() {
    let sandbox = Sandbox::plain();
    let invalid = (400, "api_version_invalid");
    for (version, path, expected) in [
        ("2026-05-12", "/v1/users", (200, "")),
        ("1999-01-01", "/v1/users", invalid),
        ("2026-05-12", "/v1/users?__clerk_api_version=2026-05-12", invalid),
    ] {
        let request = sandbox.client.get(sandbox.url(path)).bearer_auth(sandbox.key);
        let sent = request.insert_header(("Clerk-API-Version", version)).send().await.unwrap();
        assert_eq!(read(sent).await.unwrap().code(), expected, "{version} {path}");
    }
    assert_eq!(sandbox.get("/v1/users?__clerk_api_version=2025-11-10").await.status, 200);
}

#[actix_web::test]
async fn bodies_that_are_no_json_objects_are_refused() {
    let sandbox = Sandbox::plain();
    let huge = "x".repeat(2 << 20);
    for (kind, body, expected) in [
        ("text/plain", "{}", (415, "unsupported_content_type")),
        ("application/json", "{", (400, "request_body_invalid")),
        ("application/json", "[]", (400, "request_body_invalid")),
        ("application/json", huge.as_str(), (413, "request_body_too_large")),
    ] {
        let request = sandbox.client.post(sandbox.url("/v1/users")).bearer_auth(sandbox.key);
        let sent = request.insert_header(("Content-Type", kind)).send_body(body.to_owned()).await.unwrap();
        assert_eq!(read(sent).await.unwrap().code(), expected);
    }
    assert_eq!(sandbox.get("/v1/organizations/%6Frg_acme/memberships").await.code(), (404, "resource_not_found"));
    assert_eq!(sandbox.get("/v1/shoes").await.code(), (404, "resource_not_found"));
}

#[actix_web::test]
async fn beyond_the_rate_limit_comes_429_with_a_time_to_wait() {
    let rate_limit = Some(RateLimit { calls: 3, window: Duration::from_secs(3600) });
    let sandbox = Sandbox::start(Options { rate_limit, ..Options::default() });
    for _ in 0..3 {
        assert_eq!(sandbox.get("/v1/users").await.status, 200);
    }
    let limited = sandbox.join("user_ada", "org:member").await;
    assert_eq!(limited.code(), (429, "too_many_requests"));
    let seconds: u64 = limited.retry_after.unwrap().parse().unwrap();
    assert!((3590..=3600).contains(&seconds), "{seconds}");
    assert_eq!(sandbox.calls().await[3]["fault"], "rate_limited");
    assert_eq!(sandbox.members().await, json!([]));
}

#[actix_web::test]
async fn one_membership_changes_its_role_ten_times_in_ten_seconds() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_ada", "org:member").await;
    sandbox.join("user_bob", "org:member").await;
    let change = |user: &str| format!("{ACME}/{user}");
    for _ in 0..10 {
        assert_eq!(sandbox.patch(&change("user_ada"), json!({ "role": "org:viewer" })).await.status, 200);
    }
    let limited = sandbox.patch(&change("user_ada"), json!({ "role": "org:member" })).await;
    assert_eq!(limited.code(), (429, "too_many_requests"));
    assert!(limited.retry_after.is_some());
    assert_eq!(sandbox.patch(&change("user_bob"), json!({ "role": "org:viewer" })).await.status, 200);
}
