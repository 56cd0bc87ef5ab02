//! A CloudEvent in binary mode: its attributes as headers, its data as the body.
//! Knows nothing of the other modes.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::template::TemplateError;

type Headers = Vec<(String, String)>;

/// The headers and the body of one event.
pub(super) fn message(event: &Map<String, Value>) -> Result<(Headers, Vec<u8>), TemplateError> {
    let mut headers = Headers::new();
    for (name, value) in event {
        if !matches!(name.as_str(), "data" | "data_base64" | "datacontenttype") {
            headers.extend(attribute(name, value)?.map(|text| (format!("ce-{name}"), text)));
        }
    }
    let media_type = event.get("datacontenttype").and_then(Value::as_str);
    let body = body(event, media_type)?;
    let usual = || body.is_some().then_some("application/json");
    headers.extend(media_type.or_else(usual).map(|text| ("content-type".to_owned(), text.to_owned())));
    Ok((headers, body.unwrap_or_default()))
}

/// The text of an attribute, encoded for a header; `null` is no attribute.
fn attribute(name: &str, value: &Value) -> Result<Option<String>, TemplateError> {
    let fits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    match value {
        Value::Null => Ok(None),
        Value::String(text) if fits => Ok(Some(encoded(text))),
        Value::Bool(_) | Value::Number(_) if fits => Ok(Some(value.to_string())),
        _ => Err(TemplateError::NoHeader(name.to_owned())),
    }
}

fn body(event: &Map<String, Value>, media_type: Option<&str>) -> Result<Option<Vec<u8>>, TemplateError> {
    if let Some(text) = event.get("data_base64").and_then(Value::as_str) {
        return BASE64_STANDARD.decode(text).map(Some).or(Err(TemplateError::Base64));
    }
    Ok(event.get("data").map(|data| match data {
        Value::String(text) if !media_type.is_none_or(is_json) => text.clone().into_bytes(),
        data => data.to_string().into_bytes(),
    }))
}

/// `*/json` or `*/*+json`, whatever its parameters.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.split_once('/').is_some_and(|(_, subtype)| subtype == "json" || subtype.ends_with("+json"))
}

/// Percent-encodes what may not stand in a header: all but U+0021 to U+007E, `"` and `%`.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'"' && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            // Writing to memory cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message_of(event: &Value) -> (Headers, String) {
        let (headers, body) = message(event.as_object().unwrap()).unwrap();
        (headers, String::from_utf8(body).unwrap())
    }

    #[test]
    fn attributes_are_headers_and_data_is_the_body() {
        let (headers, body) = message_of(&json!({"specversion": "1.0", "id": "1", "subject": null, "seats": 3,
            "paid": true, "data": {"a": 1}}));
        let expected = [
            ("ce-id", "1"),
            ("ce-paid", "true"),
            ("ce-seats", "3"),
            ("ce-specversion", "1.0"),
            ("content-type", "application/json"),
        ];
        let expected: Headers = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        assert_eq!((headers, body.as_str()), (expected, r#"{"a":1}"#));
    }

    #[test]
    fn what_a_header_cannot_hold_is_percent_encoded() {
        assert_eq!(encoded("Euro € 😀"), "Euro%20%E2%82%AC%20%F0%9F%98%80");
        assert_eq!(encoded("50% \"off\"~!"), "50%25%20%22off%22~!");
    }

    #[test]
    fn the_body_is_the_data_as_its_media_type_says() {
        let cases = [
            (json!({"data": "text"}), "\"text\"", Some("application/json")),
            (json!({"data": "text", "datacontenttype": "Text/Plain"}), "text", Some("Text/Plain")),
            (json!({"data": "t", "datacontenttype": "a/b+JSON; x=y"}), "\"t\"", Some("a/b+JSON; x=y")),
            (json!({"data": null}), "null", Some("application/json")),
            (json!({"data_base64": "eyJhIjoxfQ=="}), r#"{"a":1}"#, Some("application/json")),
            (json!({}), "", None),
        ];
        for (event, body, media_type) in cases {
            let (headers, found) = message_of(&event);
            assert_eq!(
                (found.as_str(), headers.first().map(|(_, value)| value.as_str())),
                (body, media_type),
                "{event}"
            );
        }
    }

    #[test]
    fn lists_objects_and_odd_names_have_no_header() {
        for event in [json!({"a": [1]}), json!({"a": {}}), json!({"A": "x"}), json!({"a-b": "x"}), json!({"": "x"})] {
            assert!(matches!(message(event.as_object().unwrap()), Err(TemplateError::NoHeader(_))), "{event}");
        }
        let no_base64 = json!({"data_base64": "%"});
        assert_eq!(message(no_base64.as_object().unwrap()).err(), Some(TemplateError::Base64));
    }
}
