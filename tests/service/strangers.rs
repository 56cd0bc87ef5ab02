//! What those can do who prove nothing: very little, and not for long.

use std::io::Write as _;
use std::net::TcpStream;

use jiff::Timestamp;
use usher::webhook::{self, Key};

use crate::support::*;

const SHARED: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A service to which billing may sign as well.
fn start() -> Service {
    let tokens = "tokens: [{ env: BILLING_TOKEN }]";
    let rules = RULES.replacen(tokens, &format!("{tokens}\n    signing_secrets: [{{ env: SHARED }}]"), 1);
    Setup::new("http://127.0.0.1:9").rules(&rules).with("SHARED", SHARED).start()
}

/// The head of a signed request that never brings its body.
fn stranger(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "host: x\r\ncontent-type: application/json\r\ncontent-length: 262144\r\nwebhook-id: 1";
    let signature = format!("webhook-timestamp: {}\r\nwebhook-signature: v1,AAAA", Timestamp::now().as_second());
    stream.write_all(format!("POST /v1/events HTTP/1.1\r\n{head}\r\n{signature}\r\n\r\n{{").as_bytes()).unwrap();
    stream
}

fn send_signed(service: &Service, body: &str) -> Answer {
    let now = Timestamp::now().as_second();
    let signature = webhook::sign(&Key::parse(SHARED).unwrap(), "msg_1", now, body.as_bytes()).unwrap();
    let time = now.to_string();
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", &*time),
        ("webhook-signature", &*signature),
    ];
    service.http.request("POST", "/v1/events", &headers, body.as_bytes())
}

#[test]
fn who_announces_large_bodies_keeps_nobody_out() {
    let service = start();
    let address = service.http.base.trim_start_matches("http://").to_owned();
    let strangers: Vec<_> = (0..200).map(|_| stranger(&address)).collect();
    assert_eq!(service.http.post(&purchase("1", "user_ada", "team")).status, 202);
    assert_eq!(send_signed(&service, &purchase("2", "user_ada", "team").to_string()).status, 202);
    drop(strangers);
}

#[test]
fn who_proves_nothing_keeps_no_connection() {
    let service = start();
    for (method, path) in [("POST", "/v1/events"), ("GET", "/nope"), ("PUT", "/v1/events")] {
        let answer = service.http.request(method, path, &[], b"");
        assert_eq!(answer.header("connection"), Some("close"), "{method} {path} {}", answer.status);
    }
    assert_eq!(service.http.post(&purchase("1", "user_ada", "team")).header("connection"), None);
}
