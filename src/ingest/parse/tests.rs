//! What is an event and what is not, as tables.
//! Knows nothing of HTTP answers.

use actix_web::http::header::HeaderValue;
use serde_json::json;

use super::*;
use crate::http::problem::Place;

mod batches;
mod headers;
mod modes;

const CLOUD_EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"plan.purchased"}"#;
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn billing() -> SenderName {
    SenderName::try_from("billing".to_owned()).unwrap()
}

fn header_map(lines: &[(&str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut headers = HeaderMap::new();
    lines.iter().map(line).for_each(|(name, value)| headers.append(name, value));
    headers
}

fn request(mode: Mode, body: &str, lines: &[(&str, &str)], identity: Option<&str>) -> Result<Parsed, ParseError> {
    read(mode, body.as_bytes(), &billing(), &header_map(lines), identity.map(str::to_owned), 100)
}

fn one(parsed: Result<Parsed, ParseError>) -> Result<Event, ParseError> {
    match parsed? {
        Parsed::One(event) => Ok(event),
        Parsed::Batch(_) => panic!("a batch"),
    }
}

fn plain_known_as(body: &str, identity: &str) -> Result<Event, ParseError> {
    one(request(Mode::Plain, body, &[], Some(identity)))
}

fn plain(body: &str) -> Result<Event, ParseError> {
    one(request(Mode::Plain, body, &[], None))
}

fn cloud_with(body: &str, lines: &[(&str, &str)]) -> Result<Event, ParseError> {
    one(request(Mode::Structured, body, lines, None))
}

fn cloud(body: &str) -> Result<Event, ParseError> {
    cloud_with(body, &[])
}

/// The valid CloudEvent with these members instead of, or beside, its own.
fn cloud_but(changes: Value) -> Result<Event, ParseError> {
    let mut body: Value = serde_json::from_str(CLOUD_EVENT).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    cloud(&body.to_string())
}

/// Where the mistakes are: a pointer, or the name of a header.
fn pointers(parsed: Result<Event, ParseError>) -> Vec<String> {
    let place = |mistake: Mistake| match mistake.place {
        Place::Pointer(pointer) => pointer,
        Place::Header(name) => name,
    };
    match parsed {
        Err(ParseError::Invalid(mistakes)) => mistakes.into_iter().map(place).collect(),
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
    assert_eq!(plain_known_as(r#"{"type":"ping"}"#, "from-header").unwrap().event_id, "from-header");
    assert_eq!(plain_known_as(r#"{"id":null,"type":"ping"}"#, "from-header").unwrap().event_id, "from-header");
    assert_eq!(plain_known_as(r#"{"id":"1","type":"ping"}"#, "from-header").unwrap().event_id, "1");
    assert!(matches!(plain(r#"{"type":"ping"}"#), Err(ParseError::NoIdentity)));
    let headless = request(Mode::Structured, &CLOUD_EVENT.replace("\"id\":\"1\",", ""), &[], Some("from-header"));
    assert_eq!(pointers(one(headless)), ["#/id"], "only plain JSON takes its identity from a header");
}

#[test]
fn a_wrong_id_in_the_body_is_not_mended_by_a_header() {
    assert_eq!(pointers(plain_known_as(r#"{"id":1,"type":"ping"}"#, "msg_1")), ["#/id"]);
}

#[test]
fn a_wrong_id_is_told_as_wrong_not_as_missing() {
    for id in ["1", "\"\"", "\"a\\u0000\"", "{}"] {
        let Err(ParseError::Invalid(mistakes)) = plain(&format!(r#"{{"id":{id},"type":"ping"}}"#)) else {
            panic!("{id} is taken, or called missing")
        };
        assert!(
            mistakes[0].place == Place::Pointer("#/id".to_owned()) && mistakes[0].detail.starts_with("expected"),
            "{mistakes:?}"
        );
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
    let changes =
        json!({"specversion": "0.3", "data": "", "datacontenttype": "text/plain", "dataschema": "x", "Bad_Name": "x"});
    assert_eq!(pointers(cloud_but(changes)), ["#/datacontenttype", "#/specversion", "#/dataschema", "#/Bad_Name"]);
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
    let typed = json!({"data": null, "datacontenttype": "application/x+json; charset=utf-8"});
    assert_eq!(cloud_but(typed).unwrap().data, Value::Null);
    assert!(cloud_but(json!({"data_base64": null})).is_ok());
    let json = "application/json";
    for data in [json!(1), json!(null)] {
        let both = json!({"data": data, "data_base64": "e30=", "datacontenttype": json});
        assert_eq!(pointers(cloud_but(both)), ["#/data_base64"]);
    }
    for (data, content_type) in [(json!("text"), "text/plain"), (json!(null), "text/plain"), (json!(1), "nonsense")] {
        let other = json!({"data": data, "datacontenttype": content_type});
        assert_eq!(pointers(cloud_but(other)), ["#/datacontenttype"]);
    }
    assert!(cloud_but(json!({"datacontenttype": "text/plain"})).is_ok(), "there is nothing of that type");
}

#[test]
fn data_in_base64_is_read_as_json_if_it_says_that_it_is() {
    let encoded = |text: &str| json!({"data_base64": text, "datacontenttype": "application/vnd.acme+json"});
    for (text, data) in
        [("e30=", json!({})), ("eyJhIjpbMV19", json!({"a": [1]})), ("IntcImFcIjoxfSI=", json!("{\"a\":1}"))]
    {
        assert_eq!(cloud_but(encoded(text)).unwrap().data, data);
    }
    // Not padded, another alphabet, not JSON, nothing, the same name twice.
    for text in ["e30", "_-__", "e3 0=", "bm8=", "", "eyJhIjoxLCJhIjoyfQ=="] {
        assert_eq!(pointers(cloud_but(encoded(text))), ["#/data_base64"], "{text}");
    }
    assert_eq!(pointers(cloud_but(json!({"data_base64": 1, "datacontenttype": "text/json"}))), ["#/data_base64"]);
    assert_eq!(pointers(cloud_but(json!({"data_base64": "e30="}))), ["#/data_base64"]);
    let image = json!({"data_base64": "e30=", "datacontenttype": "image/png"});
    assert_eq!(pointers(cloud_but(image)), ["#/datacontenttype"]);
}

#[test]
fn source_is_a_uri_reference_and_dataschema_has_a_scheme() {
    for good in ["https://shop.example/a?b#c", "urn:shop:1", "/shop", "shop", "//shop.example"] {
        assert_eq!(cloud_but(json!({"source": good})).unwrap().source, good);
    }
    for bad in ["the shop", "/a|b", "/%zz", "http://[", "/é"] {
        assert_eq!(pointers(cloud_but(json!({"source": bad}))), ["#/source"], "{bad}");
        assert_eq!(pointers(plain(&json!({"id": "1", "type": "ping", "source": bad}).to_string())), ["#/source"]);
    }
    assert!(cloud_but(json!({"dataschema": "https://shop.example/schema#plan"})).is_ok());
    for bad in ["/schema", "schema", "", "1a:b", "a b:c"] {
        assert_eq!(pointers(cloud_but(json!({"dataschema": bad}))), ["#/dataschema"], "{bad}");
    }
}

#[test]
fn extensions_are_flat_simple_and_kept() {
    let good =
        json!({"partitionkey": "k€", "sequence": 7, "sampled": true, "gone": null, "x1": -2147483648_i64, "empty": ""});
    let mut kept = good.clone();
    kept.as_object_mut().unwrap().remove("gone");
    assert_eq!(Value::Object(cloud_but(good).unwrap().extensions), kept);
    let long = "anameofmorethantwentycharacters";
    assert_eq!(cloud_but(json!({ long: "x" })).unwrap().extensions[long], "x");
    for bad in [json!(1.5), json!(1.0), json!(1e3), json!(2147483648_i64), json!([]), json!({}), json!("\u{1}")] {
        assert_eq!(pointers(cloud_but(json!({ "ext": bad }))), ["#/ext"]);
    }
    for name in ["partitionKey", "trace-id", "a_b", "é", ""] {
        assert_eq!(pointers(cloud_but(json!({ name: "x" }))).len(), 1, "{name}");
    }
}

#[test]
fn plain_json_takes_no_extensions_and_says_where_they_go() {
    for (name, hint) in [("partitionkey", "in a CloudEvent"), ("specversion", "application/cloudevents+json")] {
        let Err(ParseError::Invalid(mistakes)) = plain(&json!({"id": "1", "type": "ping", name: "1.0"}).to_string())
        else {
            panic!("{name} is taken")
        };
        assert!(mistakes.len() == 1 && mistakes[0].detail.contains(hint), "{mistakes:?}");
    }
}

#[test]
fn the_version_is_the_one_that_is_known() {
    for bad in [json!("0.3"), json!("1"), json!("1.0.2"), json!(1.0), json!(""), json!(null)] {
        assert_eq!(pointers(cloud_but(json!({ "specversion": bad }))), ["#/specversion"]);
    }
}

#[test]
fn a_wrong_time_is_told_as_such() {
    assert_eq!(pointers(cloud_but(json!({"time": "2026-01-31 12:00:00Z"}))), ["#/time"]);
    assert_eq!(pointers(cloud_but(json!({"time": 1}))), ["#/time"]);
}

#[test]
fn a_body_full_of_mistakes_gets_a_short_answer() {
    let names: Vec<String> = (0..1000).map(|n| format!(r#""x{n}":1"#)).collect();
    assert_eq!(pointers(plain(&format!("{{{}}}", names.join(",")))).len(), 20);
}
