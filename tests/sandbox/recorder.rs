//! What came in, counted, filtered and placed in time; and bodies however they come.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::client::{ACME, Sandbox};

#[actix_web::test]
async fn calls_are_counted_by_status_and_kind() {
    let sandbox = Sandbox::plain();
    sandbox.script(json!([{ "match": { "method": "DELETE" }, "drop": true }])).await;
    for role in ["org:member", "org:king", "org:member"] {
        sandbox.join("user_ada", role).await;
    }
    let _ = sandbox.call(awc::http::Method::DELETE, &format!("{ACME}/user_ada"), None).await;
    sandbox.get("/v1/what/ever/else/there/may/be/at/all").await;
    let statistics = sandbox.get("/sandbox/statistics").await.body;
    assert_eq!(
        (&statistics["calls"], &statistics["effects"], &statistics["remembered"]),
        (&json!(5), &json!(1), &json!(5))
    );
    assert_eq!(statistics["by_status"], json!({ "200": 1, "400": 1, "404": 2, "cut": 1 }));
    assert_eq!(statistics["by_fault"], json!({ "scripted": 1 }));
    assert_eq!(
        statistics["by_call"],
        json!({
            "POST /v1/organizations/*/memberships": { "200": 1, "400": 1, "404": 1 },
            "DELETE /v1/organizations/*/memberships/*": { "cut": 1 },
            "GET /v1/*/*/*/*/*/*": { "404": 1 },
        })
    );
    assert!(statistics["first_ms"].as_i64() <= statistics["last_ms"].as_i64());
}

#[actix_web::test]
async fn calls_are_filtered_and_counted_where_they_lie_in_time() {
    let sandbox = Sandbox::plain();
    for user in ["user_ada", "user_bob", "user_nobody"] {
        sandbox.join(user, "org:member").await;
    }
    sandbox.get("/v1/users").await;
    let count = async |query: &str| sandbox.get(&format!("/sandbox/calls?{query}")).await.body.as_array().map(Vec::len);
    for (query, calls) in [
        ("", 4),
        ("method=POST", 3),
        ("path=*%2Fmemberships&status=200", 2),
        ("after=1&method=POST", 2),
        ("since=3", 1),
        ("status=404", 1),
        ("limit=2", 2),
        ("path=%2Fv1%2Fusers", 1),
    ] {
        assert_eq!(count(query).await, Some(calls), "{query}");
    }
    let summary = sandbox.get("/sandbox/calls?count=1&method=POST&window_ms=60000").await.body;
    assert_eq!((&summary["count"], &summary["by_status"]), (&json!(3), &json!({ "200": 2, "404": 1 })));
    assert_eq!((&summary["busiest"]["calls"], &summary["busiest"]["from_ms"]), (&json!(3), &summary["times_ms"][0]));
    assert_eq!(summary["times_ms"].as_array().map(Vec::len), Some(3));
    assert_eq!(sandbox.get("/sandbox/calls?paht=x").await.status, 400);
}

/// Sends a create in chunks and gives the answer.
fn create_in_chunks(address: SocketAddr) -> String {
    let head = "Host: x\r\nAuthorization: Bearer sk_test_x\r\nContent-Type: application/json\r\nConnection: close";
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "POST {ACME} HTTP/1.1\r\n{head}\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    for chunk in [r#"{"user_id":"#, r#""user_ada","ro"#, r#"le":"org:member"}"#, ""] {
        write!(socket, "{:x}\r\n{chunk}\r\n", chunk.len()).unwrap();
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[actix_web::test]
async fn a_body_in_chunks_is_taken() {
    let sandbox = Sandbox::plain();
    let address = sandbox.address;
    let answer = actix_web::rt::task::spawn_blocking(move || create_in_chunks(address)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(sandbox.members().await[0]["user_id"], "user_ada");
    assert_ne!(sandbox.calls().await[0]["body"], Value::Null);
}
