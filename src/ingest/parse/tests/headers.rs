//! Attributes and traces in headers: binary mode, and headers beside a body that says the same.
//! Knows nothing of HTTP answers.

use super::*;

const CE: [(&str, &str); 4] =
    [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/shop"), ("ce-type", "plan.purchased")];
const JSON: (&str, &str) = ("content-type", "application/json");

fn binary(body: &str, lines: &[(&str, &str)]) -> Result<Event, ParseError> {
    one(request(Mode::Binary, body, lines, None))
}

fn with<'l>(more: &[(&'l str, &'l str)]) -> Vec<(&'l str, &'l str)> {
    [&CE[..], &[JSON], more].concat()
}

/// Why the one mistake in `header` is one.
fn fault(header: &str, value: &str) -> String {
    let more = [(header, value)];
    let rest: Vec<_> = CE.into_iter().filter(|(name, _)| *name != header).collect();
    let lines = [&rest[..], &[JSON], &more].concat();
    match binary("{}", &lines) {
        Err(ParseError::Invalid(mistakes)) => {
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            assert_eq!(mistakes[0].place, Place::Header(header.to_owned()));
            mistakes[0].detail.clone().into_owned()
        }
        other => panic!("{header}: {value}: {other:?}"),
    }
}

#[test]
fn the_body_is_the_data_and_the_headers_are_the_attributes() {
    let more = [
        ("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
        ("ce-time", "2026-01-31T12:00:00.5+01:00"),
        ("ce-partitionkey", "\"k \\\"1\\\"\""),
        ("ce-sequence", "7"),
        ("ce-dataschema", "https://shop.example/plan"),
        ("user-agent", "x"),
    ];
    let event = binary(r#"{"a":[1]}"#, &with(&more)).unwrap();
    assert_eq!((event.event_id.as_str(), event.source.as_str(), event.kind.as_str()), ("1", "/shop", "plan.purchased"));
    assert_eq!(event.subject.as_deref(), Some("Euro € 😀"));
    assert_eq!(event.time.unwrap().to_string(), "2026-01-31T11:00:00.5Z");
    assert_eq!(Value::Object(event.extensions), json!({"partitionkey": "k \"1\"", "sequence": "7"}));
    assert_eq!(event.data, json!({"a": [1]}));
}

#[test]
fn an_event_without_data_has_no_body() {
    assert_eq!(binary("", &CE).unwrap().data, Value::Null);
    assert_eq!(binary("", &with(&[])).unwrap().data, Value::Null, "some libraries name a type for nothing");
    assert_eq!(binary("null", &with(&[])).unwrap().data, Value::Null);
    assert!(matches!(binary("{}", &CE), Err(ParseError::NoContentType)));
    for body in [" ", "{", "{}x", r#"{"a":1,"a":2}"#] {
        assert!(matches!(binary(body, &with(&[])), Err(ParseError::Json(_))), "{body}");
    }
}

#[test]
fn every_missing_attribute_is_named_by_its_header() {
    assert_eq!(pointers(binary("{}", &[JSON])), ["ce-specversion", "ce-id", "ce-source", "ce-type"]);
    assert_eq!(pointers(binary("{}", &[&CE[..1], &[JSON]].concat())), ["ce-id", "ce-source", "ce-type"]);
}

#[test]
fn a_header_is_decoded_or_refused_with_what_to_do() {
    for header in ["ce-id", "ce-type", "ce-subject", "ce-partitionkey"] {
        for (value, hint) in
            [("%C0%A0", "UTF-8"), ("%", "%25"), ("%zz", "%25"), ("\"a", "closing quote"), ("€", "percent-encoded")]
        {
            assert!(fault(header, value).contains(hint), "{header}: {value}");
        }
        assert!(fault(header, "%00").contains("control characters"));
    }
    assert!(fault("ce-id", "").contains("not empty"));
    assert!(fault("ce-specversion", "0.3").contains("1.0"));
    assert!(fault("ce-source", "the shop").contains("URI"));
    assert!(fault("ce-source", "%20").contains("URI"));
    assert!(fault("ce-time", "yesterday").contains("RFC 3339"));
    assert!(fault("ce-dataschema", "/relative").contains("absolute"));
}

#[test]
fn some_names_are_no_attributes_of_a_header() {
    assert!(fault("ce-datacontenttype", "application/json").contains("Content-Type"));
    for name in ["ce-data", "ce-data_base64", "ce-foo-bar", "ce-", "ce-a.b"] {
        assert!(fault(name, "x").contains("not an attribute name"), "{name}");
    }
    let long = format!("ce-{}", "x_".repeat(100));
    assert_eq!(pointers(binary("{}", &with(&[(&long, "x")]))), [&long[..67]]);
}

#[test]
fn every_header_of_an_attribute_is_there_once() {
    for header in ["ce-id", "ce-subject", "ce-partitionkey"] {
        let twice = with(&[(header, "1"), (header, "1")]);
        assert_eq!(pointers(binary("{}", &twice)), [header]);
    }
}

#[test]
fn every_mistake_in_headers_is_named_at_once() {
    let lines = [("ce-specversion", "1.1"), ("ce-id", "%"), ("ce-source", "a b"), ("ce-foo-bar", "x"), JSON];
    let mut found = pointers(binary("{}", &lines));
    found.sort();
    assert_eq!(found, ["ce-foo-bar", "ce-id", "ce-source", "ce-specversion", "ce-type"]);
}

#[test]
fn headers_beside_a_structured_event_may_say_the_same_and_nothing_else() {
    let body = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"plan.purchased","subject":"€",
        "time":"2026-01-31T12:00:00Z","sequence":7,"sampled":true,"datacontenttype":"application/json"}"#;
    let same = [
        &CE[..],
        &[("ce-subject", "%E2%82%AC"), ("ce-time", "2026-01-31T13:00:00+01:00"), ("ce-sequence", "7")],
        &[("ce-sampled", "true"), ("ce-datacontenttype", "application/json"), ("ce-id", "1")],
    ];
    assert_eq!(cloud_with(body, &same.concat()).unwrap(), cloud(body).unwrap());
    for (name, value) in [
        ("ce-id", "2"),
        ("ce-type", "plan.cancelled"),
        ("ce-time", "2026-01-31T12:00:01Z"),
        ("ce-time", "noon"),
        ("ce-sequence", "07"),
        ("ce-partitionkey", "k"),
        ("ce-foo-bar", "x"),
        ("ce-subject", "%"),
        ("ce-data", "x"),
    ] {
        assert_eq!(pointers(cloud_with(body, &[(name, value)])), [name]);
    }
}

#[test]
fn the_trace_is_that_of_the_request_before_that_of_the_event() {
    let other = TRACEPARENT.replace("4bf9", "aaaa");
    let extension = json!({"traceparent": other, "tracestate": "b=2"});
    let mut body: Value = serde_json::from_str(CLOUD_EVENT).unwrap();
    body.as_object_mut().unwrap().extend(extension.as_object().unwrap().clone());
    let trace = |lines: &[(&str, &str)]| {
        let event = cloud_with(&body.to_string(), lines).unwrap();
        assert_eq!(Value::Object(event.extensions), extension);
        event.trace.map(|trace| (trace.traceparent, trace.tracestate))
    };
    let of_event = Some((other.clone(), Some("b=2".to_owned())));
    let of_request = |state: Option<&str>| Some((TRACEPARENT.to_owned(), state.map(str::to_owned)));
    assert_eq!(trace(&[]), of_event);
    assert_eq!(trace(&[("traceparent", TRACEPARENT)]), of_request(None));
    let lines = [("traceparent", TRACEPARENT), ("tracestate", "a=1"), ("tracestate", "c=3")];
    assert_eq!(trace(&lines), of_request(Some("a=1,c=3")));
    assert_eq!(trace(&[("traceparent", TRACEPARENT), ("tracestate", "é")]), of_request(None));
    assert_eq!(trace(&[("traceparent", "bad"), ("tracestate", "a=1")]), of_event);
    assert_eq!(trace(&[("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)]), of_event);
}

#[test]
fn every_form_takes_the_trace_of_its_request_and_a_bad_one_is_no_mistake() {
    let line = ("traceparent", TRACEPARENT);
    let plain_body = r#"{"id":"1","type":"ping"}"#;
    for event in [one(request(Mode::Plain, plain_body, &[line], None)), binary("", &[&CE[..], &[line]].concat())] {
        assert_eq!(event.unwrap().trace.unwrap().traceparent, TRACEPARENT);
    }
    let extension = binary("", &[&CE[..], &[("ce-traceparent", TRACEPARENT)]].concat()).unwrap();
    assert_eq!(extension.trace.unwrap().traceparent, TRACEPARENT);
    let bad = binary("", &[&CE[..], &[("ce-traceparent", "nonsense"), ("ce-tracestate", "a=1")]].concat()).unwrap();
    assert_eq!((bad.trace, bad.extensions.len()), (None, 2));
}
