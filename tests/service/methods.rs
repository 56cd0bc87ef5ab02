//! The other methods of each path: HEAD says what GET would, OPTIONS and the rest say what is allowed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::*;

/// What came over the wire: the status, the lines of the head in order but for the date, and whatever came behind it.
#[derive(Debug)]
struct Wire {
    status: String,
    head: Vec<String>,
    rest: String,
}

fn wire(http: &Http, method: &str, path: &str, token: &str) -> Wire {
    let mut stream = TcpStream::connect(http.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let head = format!("host: u\r\nauthorization: Bearer {token}\r\nconnection: close");
    write!(stream, "{method} {path} HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let (head, rest) = said.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines().map(str::to_lowercase).filter(|line| !line.starts_with("date:"));
    let status = lines.next().unwrap();
    let mut head: Vec<_> = lines.collect();
    head.sort();
    Wire { status, head, rest: rest.to_owned() }
}

impl Wire {
    fn has(&self, line: &str) -> bool {
        self.head.iter().any(|known| known == line)
    }
}

/// Asserts that HEAD is answered as GET, without the body, and gives the answer to GET.
#[track_caller]
fn head_is_get(service: &Service, path: &str, token: &str) -> Wire {
    let (get, head) = (wire(&service.http, "GET", path, token), wire(&service.http, "HEAD", path, token));
    assert_eq!((&head.status, &head.head), (&get.status, &get.head), "{path}");
    assert_eq!(head.rest, "", "{path}");
    assert!(get.has(&format!("content-length: {}", get.rest.len())), "{get:?}");
    get
}

#[test]
fn head_of_an_event_says_what_get_would_to_its_sender_and_to_nobody_else() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let answer = service.http.post(&purchase("1", "user_ada", "team"));
    let location = answer.header("location").unwrap();
    service.settled_as(TOKEN, location);
    let found = head_is_get(&service, location, TOKEN);
    assert!(found.status.starts_with("http/1.1 200") && found.has("content-type: application/json"), "{found:?}");
    assert!(found.rest.contains("\"granted\""), "{found:?}");
    let foreign = head_is_get(&service, location, OTHER_TOKEN);
    assert!(foreign.status.starts_with("http/1.1 404"), "{foreign:?}");
    let nobody = head_is_get(&service, location, "no-such-token");
    assert!(nobody.status.starts_with("http/1.1 401"), "{nobody:?}");
    assert!(nobody.head.iter().any(|line| line.starts_with("www-authenticate: ")), "{nobody:?}");
}

#[test]
fn head_of_the_contract_says_what_get_would() {
    let service = Setup::new("http://127.0.0.1:1").start();
    let contract = head_is_get(&service, "/openapi.json", TOKEN);
    assert!(contract.status.starts_with("http/1.1 200") && contract.has("content-type: application/json"));
    assert!(contract.rest.starts_with('{'));
    let nothing = head_is_get(&service, "/openapi.yaml", TOKEN);
    assert!(nothing.status.starts_with("http/1.1 404"), "{nothing:?}");
}

#[test]
fn a_method_that_the_contract_does_not_have_is_told_which_it_has() {
    let service = Setup::new("http://127.0.0.1:1").start();
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
        let answer = service.http.request(method, "/openapi.json", &[], b"");
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method}");
        let answer = service.http.request(method, "/openapi.yaml", &[], b"");
        answer.problem(404, "not-found");
        assert_eq!(answer.header("allow"), None, "{method}");
    }
    let post = service.http.request("POST", "/v1/events/1", &[], b"{}");
    post.problem(405, "method-not-allowed");
    assert_eq!(post.header("allow"), Some("GET, HEAD"));
}

#[test]
fn options_is_a_handshake_or_says_what_is_allowed() {
    let service = Setup::new("http://127.0.0.1:1").start();
    let options = |headers: &[(&str, &str)], path: &str| service.http.request("OPTIONS", path, headers, b"");
    let origin = [("webhook-request-origin", "billing.example.com")];
    let granted = options(&origin, "/v1/events");
    assert_eq!((granted.status, granted.header("allow")), (200, Some("POST")));
    // What browsers ask for is no handshake: nobody's page may send events.
    let preflight = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];
    for (headers, path, allowed) in [
        (&[][..], "/v1/events", "POST"),
        (&preflight, "/v1/events", "POST"),
        (&origin, "/v1/events/1", "GET, HEAD"),
        (&origin, "/openapi.json", "GET, HEAD"),
    ] {
        let answer = options(headers, path);
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{path}");
    }
}
