//! The trace that a sender names, from its request to the row in the ledger.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::*;

const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const EXTENSION: &str = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-00";
const PLAIN: &str = "application/json";
const STRUCTURED: &str = "application/cloudevents+json";

type Headers<'h> = &'h [(&'h str, &'h str)];

struct Fixture {
    setup: Setup,
    service: Service,
}

fn start() -> Fixture {
    let setup = Setup::new("http://127.0.0.1:1");
    let service = setup.start();
    Fixture { setup, service }
}

fn plain(id: &str) -> Value {
    json!({"id": id, "type": "odd.thing", "data": {}})
}

fn cloud(id: &str, more: &[(&str, &str)]) -> Value {
    let mut event = json!({"specversion": "1.0", "id": id, "source": "/shop", "type": "odd.thing"});
    more.iter().for_each(|(name, value)| event[name] = json!(value));
    event
}

impl Fixture {
    #[track_caller]
    fn send(&self, media_type: &str, headers: Headers<'_>, body: &Value) {
        let authorization = format!("Bearer {TOKEN}");
        let own = [("authorization", &*authorization), ("content-type", media_type)];
        let answer =
            self.service.http.request("POST", "/v1/events", &[&own[..], headers].concat(), body.to_string().as_bytes());
        assert_eq!(answer.status, 202, "{}", answer.body);
    }

    fn ledger(&self) -> Connection {
        Connection::open(self.setup.ledger().join("usher.db")).unwrap()
    }

    /// `traceparent` and `tracestate` as they are kept of an event.
    #[track_caller]
    fn kept(&self, event_id: &str) -> (Option<String>, Option<String>) {
        let sql = "SELECT traceparent, tracestate FROM events WHERE event_id = ?1";
        self.ledger().query_row(sql, [event_id], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    #[track_caller]
    fn keeps(&self, event_id: &str, parent: Option<&str>, state: Option<&str>) {
        assert_eq!(self.kept(event_id), (parent.map(str::to_owned), state.map(str::to_owned)), "{event_id}");
    }
}

#[test]
fn the_trace_of_a_request_is_kept_with_its_event_in_every_form() {
    let fixture = start();
    let trace = [("traceparent", HEADER), ("tracestate", "a=1"), ("tracestate", "b=2")];
    let binary = [("ce-specversion", "1.0"), ("ce-id", "binary"), ("ce-source", "/shop"), ("ce-type", "odd.thing")];
    fixture.send(PLAIN, &trace, &plain("plain"));
    fixture.send(STRUCTURED, &trace, &cloud("structured", &[]));
    fixture.send(PLAIN, &[&binary[..], &trace].concat(), &json!({}));
    let batch = json!([cloud("batch-1", &[]), cloud("batch-2", &[("traceparent", EXTENSION)])]);
    fixture.send("application/cloudevents-batch+json", &trace, &batch);
    for id in ["plain", "structured", "binary", "batch-1", "batch-2"] {
        fixture.keeps(id, Some(HEADER), Some("a=1,b=2"));
    }
    fixture.send(PLAIN, &[("traceparent", HEADER)], &plain("no state"));
    fixture.keeps("no state", Some(HEADER), None);
}

#[test]
fn without_headers_the_trace_is_that_of_the_extension() {
    let fixture = start();
    let extension = [("traceparent", EXTENSION), ("tracestate", "c=3")];
    fixture.send(STRUCTURED, &[], &cloud("structured", &extension));
    let batch = json!([cloud("batch-1", &extension), cloud("batch-2", &[])]);
    fixture.send("application/cloudevents-batch+json", &[], &batch);
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "binary"),
        ("ce-source", "/shop"),
        ("ce-type", "odd.thing"),
        ("ce-traceparent", EXTENSION),
        ("ce-tracestate", "c=3"),
    ];
    fixture.send(PLAIN, &binary, &json!({}));
    for id in ["structured", "batch-1", "binary"] {
        fixture.keeps(id, Some(EXTENSION), Some("c=3"));
    }
    fixture.keeps("batch-2", None, None);
}

#[test]
fn a_trace_that_is_none_is_not_kept_and_the_event_is_taken() {
    let fixture = start();
    let zero = HEADER.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
    let (upper, long) = (HEADER.to_uppercase(), format!("{HEADER}-x"));
    for (number, bad) in ["", "nonsense", &zero, &upper, &long, &HEADER[..54]].into_iter().enumerate() {
        let (header, extension) = (format!("header-{number}"), format!("extension-{number}"));
        fixture.send(PLAIN, &[("traceparent", bad), ("tracestate", "a=1")], &plain(&header));
        fixture.keeps(&header, None, None);
        if !bad.is_empty() {
            fixture.send(STRUCTURED, &[], &cloud(&extension, &[("traceparent", bad), ("tracestate", "a=1")]));
            fixture.keeps(&extension, None, None);
        }
    }
    fixture.send(PLAIN, &[("tracestate", "a=1")], &plain("state alone"));
    fixture.keeps("state alone", None, None);
    fixture.send(PLAIN, &[("traceparent", HEADER), ("tracestate", "A=1")], &plain("bad state"));
    fixture.keeps("bad state", Some(HEADER), None);
}

#[test]
fn a_repeat_is_the_same_event_whatever_its_trace_and_the_first_one_stays() {
    let fixture = start();
    fixture.send(PLAIN, &[("traceparent", HEADER)], &plain("1"));
    fixture.send(PLAIN, &[("traceparent", EXTENSION)], &plain("1"));
    fixture.send(PLAIN, &[], &plain("1"));
    fixture.keeps("1", Some(HEADER), None);
    let rows: i64 = fixture.ledger().query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}
