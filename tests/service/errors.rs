//! Whatever goes wrong is answered by a problem document that says what to do, on both listeners.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::*;

/// Sends these bytes and gives all that is said until the other side hangs up.
fn say(http: &Http, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(http.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    // Who is refused early cuts a client off that goes on.
    let _ = stream.write_all(bytes);
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[track_caller]
fn is_problem(said: &str, status: u16, slug: &str) {
    assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
    assert!(said.contains("content-type: application/problem+json"), "{said}");
    assert!(said.contains(&format!("\"urn:usher:problem:{slug}\"")), "{said}");
}

#[test]
fn what_is_no_http_gets_a_document_and_its_connection_ends() {
    let service = Setup::new("http://127.0.0.1:1").start();
    let many: String = (0..97).map(|number| format!("x-{number}: 1\r\n")).collect();
    let huge = "x".repeat(140_000);
    for http in [&service.http, &service.admin] {
        is_problem(&say(http, b"what?\r\n\r\n"), 400, "malformed-request");
        is_problem(&say(http, b"GET / HTTP/1.1\r\nbad header\r\n\r\n"), 400, "malformed-request");
        is_problem(&say(http, format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()), 431, "headers-too-large");
        is_problem(&say(http, format!("GET / HTTP/1.1\r\nx: {huge}\r\n\r\n").as_bytes()), 431, "headers-too-large");
    }
    assert_eq!(service.admin.get("/livez").status, 200);
}

#[test]
fn what_is_no_http_gets_its_document_behind_another_answer_too() {
    let service = Setup::new("http://127.0.0.1:1").start();
    let many: String = (0..97).map(|number| format!("x-{number}: 1\r\n")).collect();
    for (http, method, version) in [
        (&service.http, "GET", "1.1"),
        (&service.admin, "GET", "1.1"),
        (&service.http, "HEAD", "1.1"),
        (&service.http, "GET", "1.0\r\nconnection: keep-alive"),
    ] {
        for (second, status, slug) in [("bad header\r\n", 400, "malformed-request"), (&many, 431, "headers-too-large")]
        {
            let both =
                format!("{method} /nope HTTP/{version}\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n{second}\r\n");
            let said = say(http, both.as_bytes());
            let (first, refused) = said.split_at(said.rfind(&format!("HTTP/1.1 {status} ")).unwrap());
            assert!(first.contains(" 404 ") && first.contains("application/problem+json"), "{said}");
            assert_eq!(first.contains("urn:usher:problem:not-found"), method == "GET", "{said}");
            is_problem(refused, status, slug);
        }
    }
}

#[test]
fn heads_that_are_too_large_are_refused_with_their_bound() {
    let service = Setup::new("http://127.0.0.1:1").start();
    for http in [&service.http, &service.admin] {
        let value = "v".repeat(33 * 1024);
        let large = http.request("GET", "/livez", &[("x-large", &value)], b"");
        assert!(large.problem(431, "headers-too-large").contains("32768"));
        let many: Vec<(String, &str)> = (0..70).map(|number| (format!("x-{number}"), "1")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert!(http.request("GET", "/livez", &many, b"").problem(431, "headers-too-large").contains("64"));
        let long = format!("/v1/events/{}", "a".repeat(9000));
        assert!(http.request("GET", &long, &[], b"").problem(414, "uri-too-long").contains("8192"));
    }
}

#[test]
fn paths_and_methods_that_are_not_there_are_problems_on_both_listeners() {
    let service = Setup::new("http://127.0.0.1:1").start();
    service.http.get("/livez").problem(404, "not-found");
    service.admin.get("/v1/events").problem(404, "not-found");
    for (http, path, allowed) in [
        (&service.http, "/v1/events", "POST"),
        (&service.http, "/v1/events/1", "GET, HEAD"),
        (&service.admin, "/readyz", "GET, HEAD"),
        (&service.admin, "/metrics", "GET, HEAD"),
    ] {
        for method in ["PUT", "DELETE", "OPTIONS", "PATCH"] {
            let answer = http.request(method, path, &[], b"");
            answer.problem(405, "method-not-allowed");
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        }
    }
    let head = service.http.request("HEAD", "/v1/events", &[], b"");
    assert_eq!((head.status, head.header("allow")), (405, Some("POST")));
}

#[test]
fn a_webhook_handshake_is_granted_to_whoever_asks() {
    let service = Setup::new("http://127.0.0.1:1").start();
    let asks = [("webhook-request-origin", "billing.example.com"), ("webhook-request-rate", "120")];
    let answer = service.http.request("OPTIONS", "/v1/events", &asks, b"");
    assert_eq!((answer.status, answer.header("allow")), (200, Some("POST")));
    assert_eq!(answer.header("webhook-allowed-origin"), Some("*"));
    assert!(answer.header("webhook-allowed-rate").is_some());
}
