//! What is an event and what is not, as tables.
//! Knows nothing of HTTP answers.

use actix_web::http::header::{HeaderName, HeaderValue};
use serde_json::json;

use super::*;

const CLOUD_EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"plan.purchased"}"#;

fn billing() -> SenderName {
    SenderName::try_from("billing".to_owned()).unwrap()
}

fn plain_with(body: &str, lines: &[(&'static str, &'static str)]) -> Result<Event, ParseError> {
    let line =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    event(Format::Plain, body.as_bytes(), &billing(), &lines.iter().map(line).collect())
}

fn plain(body: &str) -> Result<Event, ParseError> {
    plain_with(body, &[])
}

fn cloud(body: &str) -> Result<Event, ParseError> {
    event(Format::CloudEvent, body.as_bytes(), &billing(), &HeaderMap::new())
}

/// The valid CloudEvent with these members instead of, or beside, its own.
fn cloud_but(changes: Value) -> Result<Event, ParseError> {
    let mut body: Value = serde_json::from_str(CLOUD_EVENT).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    cloud(&body.to_string())
}

fn pointers(parsed: Result<Event, ParseError>) -> Vec<String> {
    match parsed {
        Err(ParseError::Invalid(mistakes)) => mistakes.into_iter().map(|mistake| mistake.pointer).collect(),
        other => panic!("expected mistakes, got {other:?}"),
    }
}

#[test]
fn plain_json_and_a_cloud_event_of_the_same_content_are_the_same_event() {
    let members = r#""id":"1","source":"/shop","type":"plan.purchased","subject":"s",
        "time":"2026-01-31T12:00:00.5+01:00","data":{"a":[1]}"#;
    let event = plain(&format!("{{{members}}}")).unwrap();
    assert_eq!(cloud(&format!(r#"{{"specversion":"1.0",{members}}}"#)).unwrap(), event);
    assert_eq!(event.id, EventId::of(&billing(), "/shop", "1"));
    assert_eq!(event.subject.as_deref(), Some("s"));
    assert_eq!(event.time.unwrap().to_string(), "2026-01-31T11:00:00.5Z");
    assert_eq!(event.data, json!({"a": [1]}));
}

#[test]
fn plain_json_may_leave_out_all_but_type_and_identity() {
    let event = plain(r#"{"id":"1","type":"ping","subject":null,"time":null}"#).unwrap();
    assert_eq!((event.source.as_str(), event.data), ("billing", Value::Null));
    assert_eq!((event.subject, event.time), (None, None));
}

#[test]
fn the_identity_is_that_of_the_body_before_that_of_a_header() {
    let key = [("idempotency-key", "\"from-header\"")];
    assert_eq!(plain_with(r#"{"type":"ping"}"#, &key).unwrap().event_id, "from-header");
    assert_eq!(plain_with(r#"{"id":null,"type":"ping"}"#, &key).unwrap().event_id, "from-header");
    assert_eq!(plain_with(r#"{"id":"1","type":"ping"}"#, &key).unwrap().event_id, "1");
    assert_eq!(plain_with(r#"{"type":"ping"}"#, &[("webhook-id", "msg_1")]).unwrap().event_id, "msg_1");
    assert!(matches!(plain(r#"{"type":"ping"}"#), Err(ParseError::NoIdentity)));
    assert!(matches!(plain_with(r#"{"type":"ping"}"#, &[("webhook-id", "")]), Err(ParseError::Identity(_))));
}

#[test]
fn a_wrong_id_in_the_body_is_not_mended_by_a_header() {
    assert_eq!(pointers(plain_with(r#"{"id":1,"type":"ping"}"#, &[("webhook-id", "msg_1")])), ["#/id"]);
}

#[test]
fn a_wrong_id_is_told_as_wrong_not_as_missing() {
    for id in ["1", "\"\"", "\"a\\u0000\"", "{}"] {
        let Err(ParseError::Invalid(mistakes)) = plain(&format!(r#"{{"id":{id},"type":"ping"}}"#)) else {
            panic!("{id} is taken, or called missing")
        };
        assert!(mistakes[0].pointer == "#/id" && mistakes[0].detail.starts_with("expected"), "{mistakes:?}");
    }
}

#[test]
fn what_is_not_an_object_is_not_an_event() {
    for body in ["", " \n"] {
        assert!(matches!(plain(body), Err(ParseError::Empty)), "{body:?}");
    }
    for body in ["null", "[]", "\"x\"", "1"] {
        assert_eq!(pointers(plain(body)), ["#"], "{body}");
        assert_eq!(pointers(cloud(body)), ["#"], "{body}");
    }
    for body in ["{", "{}x", r#"{"id":"1","id":"2"}"#] {
        assert!(matches!(plain(body), Err(ParseError::Json(_))), "{body}");
    }
}

#[test]
fn every_mistake_of_a_plain_body_is_named_at_once() {
    let body = r#"{"id":7,"type":"","source":[],"subject":"","time":"yesterday","user":{},"specversion":"1.0"}"#;
    let expected = ["#/id", "#/source", "#/type", "#/subject", "#/time", "#/specversion", "#/user"];
    assert_eq!(pointers(plain(body)), expected);
    assert_eq!(pointers(plain("{}")), ["#/id", "#/type"]);
}

#[test]
fn every_mistake_of_a_cloud_event_is_named_at_once() {
    assert_eq!(pointers(cloud("{}")), ["#/specversion", "#/id", "#/source", "#/type"]);
    let changes = json!({"specversion": "0.3", "datacontenttype": "text/plain", "dataschema": "x", "Bad_Name": "x"});
    assert_eq!(pointers(cloud_but(changes)), ["#/specversion", "#/datacontenttype", "#/dataschema", "#/Bad_Name"]);
}

#[test]
fn lengths_and_control_characters_are_bounded() {
    let texts = [("id", MAX_ID), ("type", MAX_TYPE), ("source", MAX_TEXT), ("subject", MAX_TEXT)];
    for (name, max) in texts {
        assert!(cloud_but(json!({ name: "x".repeat(max) })).is_ok(), "{name}");
        for bad in
            ["x".repeat(max + 1), "a\u{0}".to_owned(), "a\n".to_owned(), "\u{85}".to_owned(), "\u{ffff}".to_owned()]
        {
            assert_eq!(pointers(cloud_but(json!({ name: bad }))), [format!("#/{name}")]);
        }
    }
}

#[test]
fn data_is_json_and_there_is_one_of_it() {
    assert_eq!(cloud_but(json!({"data": "{\"a\":1}"})).unwrap().data, json!("{\"a\":1}"));
    assert_eq!(
        cloud_but(json!({"data": null, "datacontenttype": "application/x+json; charset=utf-8"})).unwrap().data,
        Value::Null
    );
    assert!(cloud_but(json!({"data_base64": null})).is_ok());
    assert_eq!(pointers(cloud_but(json!({"data_base64": "e30="}))), ["#/data_base64"]);
    assert_eq!(pointers(cloud_but(json!({"data": 1, "data_base64": "e30="}))), ["#/data_base64"]);
}

#[test]
fn extensions_are_flat_and_simple() {
    let good = json!({"traceparent": "00-x", "sequence": 7, "sampled": true, "gone": null, "x1": -2147483648_i64});
    assert!(cloud_but(good).is_ok());
    for bad in [json!(1.5), json!(2147483648_i64), json!([]), json!({})] {
        assert_eq!(pointers(cloud_but(json!({ "ext": bad }))), ["#/ext"]);
    }
    for name in ["partitionKey", "trace-id", "a_b", "é", ""] {
        assert_eq!(pointers(cloud_but(json!({ name: "x" }))).len(), 1, "{name}");
    }
}

#[test]
fn times_are_those_of_rfc_3339() {
    for good in ["2026-01-31T12:00:00Z", "2026-01-31t12:00:00.123456789z", "2026-01-31T12:00:00-05:30"] {
        assert!(cloud_but(json!({ "time": good })).is_ok(), "{good}");
    }
    let bad = [
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00+0100",
        "2026-01-31T12:00:00Z[Europe/Paris]",
        "2026-01-31T12:00:00+01:00[x]",
        "20260131T120000Z",
        "1769860800",
        "2026-01-31T12:00:0é",
    ];
    for bad in bad {
        assert_eq!(pointers(cloud_but(json!({ "time": bad }))), ["#/time"], "{bad}");
    }
}

#[test]
fn a_body_full_of_mistakes_gets_a_short_answer() {
    let names: Vec<String> = (0..1000).map(|n| format!(r#""x{n}":1"#)).collect();
    assert_eq!(pointers(plain(&format!("{{{}}}", names.join(",")))).len(), 20);
}
