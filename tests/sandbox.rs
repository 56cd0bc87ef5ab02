//! The sandbox over real sockets: what Clerk's Backend API promises, and the faults that were asked for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use awc::Client;
use awc::http::Method;
use serde_json::{Value, json};
use usher::sandbox::{self, Faults, Options, RateLimit};

const ACME: &str = "/v1/organizations/org_acme/memberships";

struct Sandbox {
    address: SocketAddr,
    client: Client,
    key: &'static str,
}

struct Reply {
    status: u16,
    retry_after: Option<String>,
    trace_id: Option<String>,
    body: Value,
}

impl Sandbox {
    fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        actix_web::rt::spawn(sandbox::start(listener, options).unwrap());
        Self { address, client: Client::default(), key: "sk_test_tests" }
    }

    fn plain() -> Self {
        Self::start(Options::default())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Option<Reply> {
        let request = self.client.request(method, self.url(path)).bearer_auth(self.key);
        let sent = match body {
            Some(body) => request.send_json(&body).await,
            None => request.send().await,
        };
        read(sent.ok()?).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(body)).await.unwrap()
    }

    async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PATCH, path, Some(body)).await.unwrap()
    }

    async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None).await.unwrap()
    }

    async fn join(&self, user: &str, role: &str) -> Reply {
        self.post(ACME, json!({ "user_id": user, "role": role })).await
    }

    async fn calls(&self) -> Vec<Value> {
        self.get("/sandbox/calls").await.body.as_array().unwrap().clone()
    }

    async fn members(&self) -> Value {
        self.get("/sandbox/memberships").await.body
    }
}

async fn read(
    mut response: awc::ClientResponse<
        impl futures_util::Stream<Item = Result<actix_web::web::Bytes, awc::error::PayloadError>> + Unpin,
    >,
) -> Option<Reply> {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (retry_after, trace_id) = (header("retry-after"), header("clerk-trace-id"));
    let body = response.body().limit(64 << 20).await.ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Reply { status: response.status().as_u16(), retry_after, trace_id, body })
}

impl Reply {
    fn code(&self) -> (u16, &str) {
        (self.status, self.body["errors"][0]["code"].as_str().unwrap_or_default())
    }

    fn error(&self, field: &str) -> &Value {
        &self.body["errors"][0][field]
    }

    /// The user ids of a list of memberships, in order.
    fn users(&self) -> Vec<&str> {
        let data = self.body["data"].as_array().unwrap();
        data.iter().map(|member| member["public_user_data"]["user_id"].as_str().unwrap()).collect()
    }
}

#[actix_web::test]
async fn the_users_that_events_name_are_found_by_id_address_and_external_id() {
    let sandbox = Sandbox::plain();
    for query in ["user_id=user_ada", "email_address=ADA%40example.com", "external_id=ext_ada", "query=ada"] {
        let found = sandbox.get(&format!("/v1/users?{query}")).await;
        assert_eq!(found.body.as_array().map(Vec::len), Some(1), "{query}");
        assert_eq!(found.body[0]["id"], "user_ada", "{query}");
    }
    assert_eq!(sandbox.get("/v1/users").await.body.as_array().map(Vec::len), Some(4));
    assert_eq!(sandbox.get("/v1/users?user_id=-user_ada").await.body.as_array().map(Vec::len), Some(3));
    assert_eq!(sandbox.get("/v1/users/count").await.body["total_count"], 4);
    assert_eq!(sandbox.get("/v1/users/user_ada").await.body["email_addresses"][0]["email_address"], "ada@example.com");
}

#[actix_web::test]
async fn users_are_created_once_per_address_and_external_id() {
    let sandbox = Sandbox::plain();
    let eve = json!({ "email_address": ["eve@example.com"], "external_id": "ext_eve", "first_name": "Eve" });
    let created = sandbox.post("/v1/users", eve).await;
    assert_eq!(created.status, 200);
    let id = created.body["id"].as_str().unwrap();
    assert!(id.starts_with("user_") && id.len() == 32, "{id}");
    assert_eq!(sandbox.get(&format!("/v1/users/{id}")).await.body, created.body);

    for (body, code, parameter) in [
        (json!({ "email_address": ["EVE@example.com"] }), "form_identifier_exists", "email_address"),
        (json!({ "external_id": "ext_eve" }), "form_identifier_exists", "external_id"),
        (json!({ "email_address": ["eve"] }), "form_param_format_invalid", "email_address"),
        (json!({ "email_address": "eve@example.com" }), "form_param_value_invalid", "email_address"),
        (json!({ "shoe_size": 3 }), "form_param_unknown", "shoe_size"),
    ] {
        let refused = sandbox.post("/v1/users", body).await;
        assert_eq!(refused.code(), (422, code));
        assert_eq!(refused.error("meta")["param_name"], parameter);
    }
}

#[actix_web::test]
async fn organizations_are_found_by_id_and_slug() {
    let sandbox = Sandbox::plain();
    assert_eq!(sandbox.get("/v1/organizations/org_acme").await.body["slug"], "acme");
    assert_eq!(sandbox.get("/v1/organizations/acme").await.body["id"], "org_acme");
    assert_eq!(sandbox.get("/v1/organizations/nowhere").await.code(), (404, "resource_not_found"));

    let made = sandbox.post("/v1/organizations", json!({ "name": "Umbrella", "created_by": "user_ada" })).await;
    assert_eq!((made.status, &made.body["slug"], &made.body["members_count"]), (200, &Value::Null, &json!(1)));
    let list = sandbox.get("/v1/organizations?user_id=user_ada&include_members_count=true").await;
    assert_eq!((&list.body["total_count"], &list.body["data"][0]["id"]), (&json!(1), &made.body["id"]));
    let by_name = sandbox.get("/v1/organizations?order_by=name&limit=2").await;
    assert_eq!((&by_name.body["total_count"], &by_name.body["data"][1]["name"]), (&json!(4), &json!("Globex")));

    for (body, status, code) in [
        (json!({}), 422, "form_param_missing"),
        (json!({ "name": "x", "slug": "acme" }), 422, "form_identifier_exists"),
        (json!({ "name": "x", "slug": "Not A Slug" }), 422, "form_param_format_invalid"),
        (json!({ "name": "x", "created_by": "user_nobody" }), 400, "organization_creator_not_found"),
    ] {
        assert_eq!(sandbox.post("/v1/organizations", body).await.code(), (status, code));
    }
}

#[actix_web::test]
async fn a_membership_is_created_changed_and_removed() {
    let sandbox = Sandbox::plain();
    let metadata = json!({ "usher_event": "evt_1" });
    let body = json!({ "user_id": "user_ada", "role": "org:member", "private_metadata": metadata });
    let created = sandbox.post(ACME, body).await;
    assert_eq!((created.status, &created.body["role"]), (200, &json!("org:member")));
    assert_eq!(created.body["organization"]["id"], "org_acme");
    assert_eq!(created.body["private_metadata"], metadata);
    assert!(created.body["created_at"].as_i64().unwrap() > 1_600_000_000_000);

    let member = format!("{ACME}/user_ada");
    let updated = sandbox.patch(&member, json!({ "role": "org:viewer" })).await;
    assert_eq!((&updated.body["role"], &updated.body["id"]), (&json!("org:viewer"), &created.body["id"]));
    let list = sandbox.get(&format!("{ACME}?user_id=user_ada&limit=1")).await;
    assert_eq!((&list.body["total_count"], &list.body["data"][0]), (&json!(1), &updated.body));

    assert_eq!(sandbox.delete(&member).await.body["id"], created.body["id"]);
    assert_eq!(sandbox.delete(&member).await.code(), (404, "resource_not_found"));
    assert_eq!(sandbox.patch(&member, json!({ "role": "org:viewer" })).await.code(), (404, "resource_not_found"));
    assert_eq!(sandbox.get(ACME).await.body, json!({ "data": [], "total_count": 0 }));
}

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
async fn memberships_are_filtered_ordered_and_paged() {
    let sandbox = Sandbox::plain();
    for (user, role) in [("user_carol", "org:admin"), ("user_ada", "org:member"), ("user_bob", "org:member")] {
        sandbox.join(user, role).await;
    }
    for (query, users, total) in [
        ("", vec!["user_bob", "user_ada", "user_carol"], 3),
        ("order_by=%2Bcreated_at", vec!["user_carol", "user_ada", "user_bob"], 3),
        ("order_by=first_name&limit=2", vec!["user_ada", "user_bob"], 3),
        ("order_by=first_name&limit=2&offset=2", vec!["user_carol"], 3),
        ("user_id=user_ada&user_id=%2Buser_carol", vec!["user_ada", "user_carol"], 2),
        ("user_id=-user_ada", vec!["user_bob", "user_carol"], 2),
        ("user_id=user_dan", vec![], 0),
        ("email_address=carol%40example.com", vec!["user_carol"], 1),
        ("role=org%3Amember", vec!["user_bob", "user_ada"], 2),
        ("role=org%3Amember&query=BOB", vec!["user_bob"], 1),
    ] {
        let list = sandbox.get(&format!("{ACME}?{query}")).await;
        assert_eq!((list.users(), &list.body["total_count"]), (users, &json!(total)), "{query}");
    }
    for wrong in ["limit=0", "limit=501", "limit=10.0", "offset=-1", "order_by=shoe_size"] {
        assert_eq!(sandbox.get(&format!("{ACME}?{wrong}")).await.status, 422, "{wrong}");
    }
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

fn faulty(fail: f64, drop_before: f64, drop_after: f64) -> Options {
    Options { faults: Faults { fail, drop_before, drop_after }, ..Options::default() }
}

/// Sends a create by hand and gives every byte that comes back.
fn create_by_hand(address: SocketAddr) -> Vec<u8> {
    let body = r#"{"user_id":"user_ada","role":"org:member"}"#;
    let head = "Host: x\r\nAuthorization: Bearer sk_test_x\r\nContent-Type: application/json";
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "POST {ACME} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = Vec::new();
    // A reset is as good a cut as an orderly end.
    let _ = socket.read_to_end(&mut answer);
    answer
}

#[actix_web::test]
async fn a_call_dropped_afterwards_took_effect_and_got_no_byte() {
    let sandbox = Sandbox::start(faulty(0.0, 0.0, 1.0));
    let address = sandbox.address;
    let answer = actix_web::rt::task::spawn_blocking(move || create_by_hand(address)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "");
    let expected = json!([
        { "organization_id": "org_acme", "user_id": "user_ada", "role": "org:member", "created_count": 1 }
    ]);
    assert_eq!(sandbox.members().await, expected);
    let call = &sandbox.calls().await[0];
    assert_eq!((&call["fault"], &call["effect"], &call["status"]), (&json!("drop_after"), &json!(true), &Value::Null));
}

#[actix_web::test]
async fn a_call_dropped_before_had_no_effect_and_got_no_byte() {
    let sandbox = Sandbox::start(faulty(0.0, 1.0, 0.0));
    let address = sandbox.address;
    let answer = actix_web::rt::task::spawn_blocking(move || create_by_hand(address)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "");
    assert_eq!(sandbox.members().await, json!([]));
    let call = &sandbox.calls().await[0];
    assert_eq!(
        (&call["fault"], &call["effect"], &call["status"]),
        (&json!("drop_before"), &json!(false), &Value::Null)
    );
}

#[actix_web::test]
async fn a_failed_call_had_no_effect() {
    let sandbox = Sandbox::start(faulty(1.0, 0.0, 0.0));
    assert_eq!(sandbox.join("user_ada", "org:member").await.code(), (500, "internal_clerk_error"));
    assert_eq!(sandbox.members().await, json!([]));
    assert_eq!(sandbox.calls().await[0]["fault"], "fail");
}

#[actix_web::test]
async fn the_same_seed_and_the_same_calls_meet_the_same_faults() {
    let mut runs = Vec::new();
    for seed in [3, 3, 4] {
        let sandbox = Sandbox::start(Options { seed, ..faulty(0.2, 0.2, 0.2) });
        for _ in 0..60 {
            let _ = sandbox.call(Method::GET, "/v1/users", None).await;
        }
        runs.push(sandbox.calls().await.iter().map(|call| call["fault"].clone()).collect::<Vec<_>>());
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    for fault in ["fail", "drop_before", "drop_after"] {
        assert!(runs[0].contains(&json!(fault)), "{fault}");
    }
}

#[actix_web::test]
async fn latency_holds_back_every_answer() {
    let sandbox = Sandbox::start(Options { latency: Duration::from_millis(30), ..Options::default() });
    let started = Instant::now();
    sandbox.get("/v1/users").await;
    assert!(started.elapsed() >= Duration::from_millis(30));
}

#[actix_web::test]
async fn the_recorder_tells_what_came_in_and_creates_are_counted_for_ever() {
    let sandbox = Sandbox::plain();
    for _ in 0..2 {
        sandbox.join("user_ada", "org:member").await;
        sandbox.delete(&format!("{ACME}/user_ada")).await;
    }
    let calls = sandbox.calls().await;
    assert_eq!(calls.len(), 4);
    assert_eq!((&calls[0]["n"], &calls[0]["method"], &calls[0]["path"]), (&json!(1), &json!("POST"), &json!(ACME)));
    assert_eq!((&calls[0]["status"], &calls[0]["effect"]), (&json!(200), &json!(true)));
    assert_eq!((&calls[3]["user_id"], &calls[3]["organization_id"]), (&json!("user_ada"), &json!("org_acme")));
    assert_eq!(calls[0]["body"], json!({ "user_id": "user_ada", "role": "org:member" }));
    assert_eq!(sandbox.get("/sandbox/calls?since=3").await.body.as_array().map(Vec::len), Some(1));

    assert_eq!(sandbox.members().await, json!([]));
    let ended = sandbox.get("/sandbox/memberships?ended=true").await.body;
    assert_eq!((&ended[0]["role"], &ended[0]["created_count"]), (&Value::Null, &json!(2)));
    sandbox.join("user_ada", "org:member").await;
    assert_eq!(sandbox.members().await[0]["created_count"], 3);

    assert_eq!(sandbox.call(Method::POST, "/sandbox/reset", None).await.unwrap().status, 204);
    assert_eq!((sandbox.members().await, sandbox.calls().await.len()), (json!([]), 0));
}
