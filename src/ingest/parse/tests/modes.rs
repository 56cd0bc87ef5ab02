//! What holds for any event in any mode, and for any bytes.
//! Knows no examples.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::Map;

use super::*;

/// Texts as CloudEvents has them.
fn text() -> impl Strategy<Value = String> {
    "[^\\p{C}\u{2028}\u{2029}]{1,20}".prop_filter("a String of CloudEvents", |text| is_string(text))
}

fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,6}", inner, 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// The attributes that every mode can carry, all texts.
fn attributes() -> impl Strategy<Value = Map<String, Value>> {
    let time = (-60_000_000_000_000_i64..250_000_000_000_000)
        .prop_map(|at| jiff::Timestamp::from_millisecond(at).unwrap().to_string());
    (text(), "[a-z]{1,5}:/{0,3}[a-z%2F.]{0,9}", text(), of(text()), of(time)).prop_map(
        |(id, source, kind, subject, time)| {
            let source = source.replace('%', "%25");
            let given = [
                ("id", Some(id)),
                ("source", Some(source)),
                ("type", Some(kind)),
                ("subject", subject),
                ("time", time),
            ];
            given.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?)))).collect()
        },
    )
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'"' | b'%' => _ = write!(out, "%{byte:02X}"),
            b'!'..=b'~' => out.push(char::from(byte)),
            _ => _ = write!(out, "%{byte:02x}"),
        }
        out
    })
}

fn in_binary(attributes: &Map<String, Value>, data: &Value) -> Event {
    let mut lines = vec![("content-type".to_owned(), "text/json".to_owned())];
    lines.extend(attributes.iter().map(|(name, text)| (format!("ce-{name}"), encoded(text.as_str().unwrap()))));
    let lines: Vec<_> = lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    one(request(Mode::Binary, &data.to_string(), &lines, None)).unwrap()
}

fn in_batch(body: &str) -> Event {
    match request(Mode::Batch, &format!("[7, {body}]"), &[], None) {
        Ok(Parsed::Batch(mut events)) => events.pop().unwrap().unwrap(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn an_event_is_the_same_in_every_mode(
        attributes in attributes(),
        extensions in btree_map("[a-z0-9]{11,24}", text(), 0..4),
        data in data(),
    ) {
        let mut object = attributes.clone();
        object.insert("data".to_owned(), data.clone());
        let as_plain = plain(&Value::Object(object.clone()).to_string()).unwrap();
        let extensions = extensions.into_iter().filter(|(name, _)| name != "datacontenttype");
        let extensions: Map<_, _> = extensions.map(|(name, text)| (name, Value::String(text))).collect();
        let mut context = attributes;
        context.insert("specversion".to_owned(), json!("1.0"));
        context.extend(extensions.clone());
        object.extend(context.clone());
        let structured = cloud(&Value::Object(object.clone()).to_string()).unwrap();
        prop_assert_eq!(&structured, &Event { extensions, ..as_plain });
        prop_assert_eq!(&in_binary(&context, &data), &structured);
        prop_assert_eq!(&in_batch(&Value::Object(object.clone()).to_string()), &structured);
        object.remove("data");
        object.insert("datacontenttype".to_owned(), json!("application/json"));
        object.insert("data_base64".to_owned(), Value::String(STANDARD.encode(data.to_string())));
        prop_assert_eq!(&cloud(&Value::Object(object).to_string()).unwrap(), &structured);
    }

    #[test]
    fn no_bytes_panic_in_any_mode(
        body in prop_oneof![vec(any::<u8>(), 0..64), r#"[\[\]{}:,"0-9eE.\-\\u tfn]{0,64}"#.prop_map(String::into_bytes)],
        values in vec(vec(any::<u8>(), 0..24), 0..6),
    ) {
        let names = ["ce-id", "ce-time", "ce-source", "ce-x", "ce-é", "traceparent", "tracestate", "ce-dataschema"];
        let mut headers = HeaderMap::new();
        for (name, value) in names.into_iter().zip(&values) {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        for mode in [Mode::Plain, Mode::Structured, Mode::Binary, Mode::Batch] {
            let _ = read(mode, &body, &billing(), &headers, None, 4);
        }
    }

    #[test]
    fn an_object_of_any_members_is_judged_and_never_without_a_reason(
        members in btree_map("(id|source|type|time|subject|data|data_base64|datacontenttype|dataschema|specversion|x|X_)", data(), 0..12),
    ) {
        for mode in [Mode::Plain, Mode::Structured] {
            let body = Value::Object(members.clone().into_iter().collect()).to_string();
            if let Err(ParseError::Invalid(mistakes)) = request(mode, &body, &[], None) {
                prop_assert!(!mistakes.is_empty());
            }
        }
    }
}
