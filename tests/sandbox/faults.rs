//! Faults that were asked for, and the recorder that tells of them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use awc::http::Method;
use serde_json::{Value, json};
use usher::sandbox::{Faults, Options};

use super::client::{ACME, Sandbox};

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
