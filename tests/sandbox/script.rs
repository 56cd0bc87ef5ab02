//! Faults that a test writes down: which calls they meet, in which order, with what effect.

use std::time::{Duration, Instant};

use awc::http::Method;
use serde_json::{Value, json};
use usher::sandbox::{Faults, Options};

use super::client::{ACME, Sandbox};

#[actix_web::test]
async fn a_fault_meets_the_calls_it_matches_as_often_as_it_says() {
    let sandbox = Sandbox::plain();
    let answer = json!({ "status": 429, "headers": { "Retry-After": "2" }, "body": null });
    let creates = json!({ "method": "POST", "path": "*/memberships" });
    let left = sandbox.script(json!([{ "match": creates, "times": 2, "answer": answer }])).await;
    assert_eq!((&left[0]["times"], &left[0]["effect"]), (&json!(2), &json!("before")));
    assert_eq!(sandbox.get(ACME).await.status, 200);
    let limited = sandbox.join("user_ada", "org:member").await;
    assert_eq!((limited.status, limited.retry_after.as_deref(), &limited.body), (429, Some("2"), &Value::Null));
    assert_eq!(sandbox.get("/sandbox/faults").await.body[0]["times"], 1);
    assert_eq!(sandbox.join("user_ada", "org:member").await.status, 429);
    assert_eq!(sandbox.get("/sandbox/faults").await.body, json!([]));
    assert_eq!(sandbox.join("user_ada", "org:member").await.status, 200);
    let calls = sandbox.calls().await;
    assert_eq!((&calls[1]["fault"], &calls[1]["effect"]), (&json!("scripted"), &json!(false)));
}

#[actix_web::test]
async fn an_effect_may_come_before_its_fault() {
    let sandbox = Sandbox::plain();
    sandbox.script(json!([
        { "match": { "body": "*user_ada*" }, "effect": "after", "answer": { "status": 504, "code": "gateway_timeout" } },
        { "match": { "body": "*user_bob*" }, "effect": "after", "drop": true },
        { "match": { "body": "*user_carol*" }, "effect": "before", "drop": true },
    ])).await;
    let late = sandbox.join("user_ada", "org:member").await;
    assert_eq!(late.code(), (504, "gateway_timeout"));
    assert_eq!(late.body["clerk_trace_id"].as_str(), late.trace_id.as_deref());
    for user in ["user_bob", "user_carol"] {
        let body = json!({ "user_id": user, "role": "org:member" });
        assert!(sandbox.call(Method::POST, ACME, Some(body)).await.is_none(), "{user}");
    }
    let mut users: Vec<_> =
        sandbox.members().await.as_array().unwrap().iter().map(|m| m["user_id"].to_string()).collect();
    users.sort();
    assert_eq!(users, ["\"user_ada\"", "\"user_bob\""]);
    assert_eq!(sandbox.calls().await[1]["status"], Value::Null);
}

#[actix_web::test]
async fn answers_are_json_a_page_or_nothing_at_all() {
    let sandbox = Sandbox::plain();
    sandbox
        .script(json!([
            { "answer": { "status": 502, "body": "<html>bad gateway</html>" } },
            { "answer": { "status": 409, "body": { "errors": [{ "code": "resource_locked" }] } } },
            { "answer": { "status": 429, "headers": { "content-type": "text/plain" }, "body": "slow down" } },
        ]))
        .await;
    let request = sandbox.client.get(sandbox.url("/v1/users")).bearer_auth(sandbox.key);
    let mut page = request.send().await.unwrap();
    assert_eq!(page.status().as_u16(), 502);
    assert_eq!(page.headers().get("content-type").unwrap(), "text/html");
    assert!(!page.headers().contains_key("clerk-trace-id"));
    assert_eq!(page.body().await.unwrap(), "<html>bad gateway</html>");
    let locked = sandbox.get("/v1/users").await;
    assert_eq!(locked.code(), (409, "resource_locked"));
    assert!(locked.trace_id.is_some());
    let plain = sandbox.client.get(sandbox.url("/v1/users")).send().await.unwrap();
    assert_eq!(plain.headers().get("content-type").unwrap(), "text/plain");
}

#[actix_web::test]
async fn faults_are_taken_in_order_and_latency_alone_only_delays() {
    let sandbox = Sandbox::plain();
    sandbox.script(json!([{ "latency_ms": 40 }])).await;
    sandbox.script(json!([{ "times": null, "match": { "query": "limit=1" }, "answer": { "status": 500 } }])).await;
    let started = Instant::now();
    assert_eq!(sandbox.get("/v1/users?limit=1").await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(40));
    for _ in 0..3 {
        assert_eq!(sandbox.get("/v1/users?limit=1").await.status, 500);
        assert_eq!(sandbox.get("/v1/users?limit=2").await.status, 200);
    }
    assert_eq!(sandbox.get("/sandbox/faults").await.body[0]["times"], Value::Null);
    assert_eq!(sandbox.delete("/sandbox/faults").await.status, 204);
    assert_eq!(sandbox.get("/v1/users?limit=1").await.status, 200);
}

#[actix_web::test]
async fn seeded_faults_stay_where_they_are_and_scripted_ones_go_first() {
    let faulty = || Options { faults: Faults { fail: 0.5, ..Faults::default() }, seed: 5, ..Options::default() };
    let (plain, scripted) = (Sandbox::start(faulty()), Sandbox::start(faulty()));
    scripted.script(json!([{ "times": 3, "answer": { "status": 418 } }])).await;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        before.push(plain.get("/v1/users").await.status);
        after.push(scripted.get("/v1/users").await.status);
    }
    assert_eq!((&after[..3], &after[3..]), (&[418, 418, 418][..], &before[3..]));
}

#[actix_web::test]
async fn faults_that_mean_nothing_are_refused_all_together() {
    let sandbox = Sandbox::plain();
    for wrong in [
        json!({ "drop": true }),
        json!([{ "drop": true }, {}]),
        json!([{ "drop": true, "answer": { "status": 500 } }]),
        json!([{ "answer": { "status": 100 } }]),
        json!([{ "drop": true, "times": 0 }]),
        json!([{ "drop": true, "effect": "during" }]),
        json!([{ "drop": true, "match": { "verb": "GET" } }]),
    ] {
        let refused = sandbox.post("/sandbox/faults", wrong.clone()).await;
        assert!(refused.status == 400 && refused.body["error"].is_string(), "{wrong}");
    }
    assert_eq!(sandbox.get("/sandbox/faults").await.body, json!([]));
}

#[actix_web::test]
async fn the_faults_of_the_readme_strike_as_it_says() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```json\n").find(|block| block.starts_with(r#"[{"match""#)).unwrap();
    let example: Value = serde_json::from_str(example.split("```").next().unwrap()).unwrap();
    let sandbox = Sandbox::plain();
    assert_eq!(sandbox.script(example).await[0]["times"], 3);
    assert_eq!(sandbox.join("user_bob", "org:member").await.status, 200);
    let limited = sandbox.join("user_ada", "org:member").await;
    assert_eq!((limited.status, limited.retry_after.as_deref()), (429, Some("2")));
}
