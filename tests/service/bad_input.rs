//! Whatever is sent: a clear 4xx, nothing recorded, nothing called, the service goes on.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::*;

struct Fixture {
    sandbox: Sandbox,
    service: Service,
}

impl Fixture {
    fn start() -> Self {
        let sandbox = Sandbox::start(&[]);
        let service = Setup::new(&sandbox.http.base).start();
        Self { sandbox, service }
    }

    #[track_caller]
    fn raw(&self, content_type: &str, body: &[u8]) -> Answer {
        let authorization = format!("Bearer {TOKEN}");
        let headers = [("authorization", authorization.as_str()), ("content-type", content_type)];
        self.service.http.request("POST", "/v1/events", &headers, body)
    }

    #[track_caller]
    fn json(&self, body: &str) -> Answer {
        self.raw("application/json", body.as_bytes())
    }

    /// Ends every test: the service is well and Clerk never heard of it.
    fn stays_unharmed(mut self) {
        assert_eq!(self.sandbox.calls().len(), 0);
        self.service.settle(&purchase("afterwards", "user_ada", "team"));
        let output = self.service.process.output();
        assert!(!output.contains("panicked"), "{output}");
        assert!(!output.contains(TOKEN) && !output.contains(SECRET_KEY), "{output}");
    }
}

#[test]
fn malformed_bodies_are_400_with_where_and_what() {
    let fixture = Fixture::start();
    for (body, hint) in [
        ("", "empty"),
        ("not json", "line 1"),
        ("{\"id\":\"1\"", "line 1"),
        ("{\"id\":\"1\",\"type\":\"plan.purchased\",\"data\":{}} trailing", "line 1"),
    ] {
        let answer = fixture.json(body);
        let detail = answer.problem(400, "malformed-json");
        assert!(format!("{detail} {}", answer.body["errors"]).contains(hint), "{body:?}: {}", answer.body);
    }
    for body in ["[]", "null", "\"text\""] {
        let answer = fixture.json(body);
        answer.problem(400, "invalid-event");
        assert!(answer.body["errors"].to_string().contains("object"), "{body}: {}", answer.body);
    }
    fixture.json("{\"id\":\"1\",\"type\":\"plan.purchased\",\"data\":\"\\ud800\"}").problem(400, "malformed-json");
    fixture.raw("application/json", b"{\"id\":\"\xff\"}").problem(400, "malformed-json");
    fixture.stays_unharmed();
}

#[test]
fn the_offending_member_is_pointed_at() {
    let fixture = Fixture::start();
    for (body, pointer) in [
        (json!({"id": 1, "type": "plan.purchased", "data": {}}), "#/id"),
        (json!({"id": "1", "type": ["plan.purchased"], "data": {}}), "#/type"),
        (json!({"id": "1", "type": "", "data": {}}), "#/type"),
        (json!({"id": "1", "data": {}}), "#/type"),
        (json!({"id": "", "type": "plan.purchased"}), "#/id"),
        (json!({"id": "1", "type": "plan.purchased", "time": "yesterday"}), "#/time"),
        (json!({"id": "1", "type": "plan.purchased", "Data": {}}), "#/Data"),
        (json!({"id": "a".repeat(3000), "type": "plan.purchased"}), "#/id"),
    ] {
        let answer = fixture.json(&body.to_string());
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        let pointers: Vec<_> =
            answer.body["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
        assert!(pointers.contains(&&json!(pointer)), "{body}: {}", answer.body);
    }
    fixture.stays_unharmed();
}

#[test]
fn duplicate_keys_and_deep_nesting_are_refused() {
    let fixture = Fixture::start();
    let twice =
        fixture.json(r#"{"id":"1","type":"plan.purchased","data":{"user_id":"user_ada","user_id":"user_bob"}}"#);
    twice.problem(400, "malformed-json");
    assert!(twice.body.to_string().contains("/data/user_id"), "{}", twice.body);
    assert!(!twice.body.to_string().contains("user_bob"));
    for depth in [40, 1_000, 100_000] {
        let body =
            format!("{{\"id\":\"1\",\"type\":\"plan.purchased\",\"data\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        fixture.json(&body).problem(400, "malformed-json");
    }
    fixture.stays_unharmed();
}

#[test]
fn ten_megabytes_are_413_and_other_types_415() {
    let fixture = Fixture::start();
    let body = format!("{{\"id\":\"1\",\"type\":\"plan.purchased\",\"data\":\"{}\"}}", "x".repeat(10 << 20));
    fixture.json(&body).problem(413, "too-large");
    let event = purchase("1", "user_ada", "team").to_string();
    for content_type in
        ["text/plain", "application/xml", "application/cloudevents+avro", "application/json; charset=utf-16", ""]
    {
        let detail = fixture.raw(content_type, event.as_bytes()).problem(415, "unsupported-media-type");
        assert!(detail.contains("application/json"), "{detail}");
    }
    fixture.stays_unharmed();
}

#[test]
fn without_a_known_token_nothing_is_told() {
    let fixture = Fixture::start();
    let event = purchase("1", "user_ada", "team");
    let wrong = fixture.service.http.post_as("no such token", &event);
    wrong.problem(401, "not-authenticated");
    assert!(wrong.header("www-authenticate").unwrap().starts_with("Bearer"));
    let json = ("content-type", "application/json");
    let bytes = event.to_string().into_bytes();
    let none = fixture.service.http.request("POST", "/v1/events", &[json], &bytes);
    none.problem(401, "not-authenticated");
    let basic = [("authorization", "Basic dGVzdA=="), json];
    fixture.service.http.request("POST", "/v1/events", &basic, &bytes).problem(401, "not-authenticated");
    let query = format!("/v1/events?access_token={TOKEN}");
    fixture.service.http.request("POST", &query, &[json], &bytes).problem(401, "not-authenticated");
    fixture.stays_unharmed();
}

#[test]
fn a_sender_may_send_only_its_types_and_give_only_its_roles() {
    let fixture = Fixture::start();
    let event = member("1", "set", "user_ada", "org:viewer");
    fixture.service.http.post(&event).problem(403, "type-not-allowed");
    let above = fixture.service.http.post(&purchase("2", "user_ada", "enterprise"));
    let detail = above.problem(403, "above-ceiling");
    assert!(detail.contains("org:admin") && detail.contains("plan purchased"), "{detail}");
    let later = fixture.service.http.post(&purchase("2", "user_ada", "team"));
    assert_eq!(later.status, 202, "nothing was recorded under the refused identity");
    fixture.service.settled_as(TOKEN, later.header("location").unwrap());
    assert_eq!(fixture.sandbox.calls().len(), 1);
}

#[test]
fn a_rule_that_fails_on_an_event_keeps_it_as_a_dead_letter() {
    let fixture = Fixture::start();
    let event = json!({"id": "1", "type": "plan.purchased", "data": {"organization_id": "org_acme", "plan": "team"}});
    let answer = fixture.service.http.post(&event);
    let detail = answer.problem(422, "rule-failed");
    assert!(detail.contains("plan purchased") && detail.contains("data.user_id"), "{detail}");
    let kept = fixture.service.http.get(answer.header("location").unwrap());
    assert_eq!((kept.status, &kept.body["status"]), (200, &json!("failed")));
    let again = fixture.service.http.post(&event);
    again.problem(422, "rule-failed");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    fixture.stays_unharmed();
}

#[test]
fn ids_that_would_bend_a_url_never_get_near_a_request() {
    let fixture = Fixture::start();
    let hostile = ["org_1/../../users", "..", "org_%2e%2e", "org_1?x=1", "user_ada", "", "org_1\u{0}", "org_\u{202e}1"];
    for (number, organization) in hostile.into_iter().enumerate() {
        let mut event = purchase(&format!("o{number}"), "user_ada", "team");
        event["data"]["organization_id"] = json!(organization);
        fixture.service.http.post(&event).problem(422, "rule-failed");
        let mut event = purchase(&format!("u{number}"), &organization.replace("org_", "user_"), "team");
        event["data"]["user_id"] =
            if organization == "user_ada" { Value::Null } else { event["data"]["user_id"].clone() };
        fixture.service.http.post(&event).problem(422, "rule-failed");
    }
    fixture.stays_unharmed();
}

#[test]
fn unknown_paths_and_methods_are_problems_too() {
    let fixture = Fixture::start();
    fixture.service.http.get("/v1/nothing").problem(404, "not-found");
    fixture.service.http.get("/v1/events/not-an-id").problem(404, "not-found");
    fixture.service.http.get("/v1/events/%2e%2e%2flivez").problem(404, "not-found");
    let answer = fixture.service.http.request("PUT", "/v1/events", &[], b"");
    answer.problem(405, "method-not-allowed");
    assert!(answer.header("allow").unwrap().contains("POST"));
    fixture.stays_unharmed();
}

#[test]
fn a_body_without_end_does_not_hold_the_connection_once_it_is_answered() {
    let fixture = Fixture::start();
    let address = fixture.service.http.base.trim_start_matches("http://").to_owned();
    for (line, status) in [("POST /v1/events", "401"), ("GET /v1/events/1", "401"), ("POST /nothing", "404")] {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        write!(stream, "{line} HTTP/1.1\r\nHost: usher\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let answer = dribble(&mut stream);
        assert!(answer.contains(status), "{line}: {answer}");
    }
    fixture.stays_unharmed();
}

/// Sends chunk after chunk until the other side hangs up; what it said.
fn dribble(stream: &mut TcpStream) -> String {
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    let deadline = Instant::now() + Duration::from_secs(15);
    while stream.write_all(b"1\r\na\r\n").is_ok() {
        assert!(Instant::now() < deadline, "still open: {}", String::from_utf8_lossy(&answer));
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}
