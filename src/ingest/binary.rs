//! The attributes of a CloudEvent that stand in headers (HTTP protocol binding 1.0.2, 3.1.3).
//! Knows nothing of which attributes an event has.

use std::borrow::Cow;

use actix_web::http::header::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::members::{Members, Origin};

const PREFIX: &str = "ce-";

const NOT_ASCII: &str = "expected visible ASCII: write every other character percent-encoded, as UTF-8";
const NOT_QUOTED: &str = "expected the closing quote at the end, and \\ before each quote within";
const NOT_ESCAPED: &str = "expected two hexadecimal digits behind each %; a % itself is %25";
const NOT_UTF8: &str = "expected UTF-8 behind the percent-encoding";

/// The attributes in the headers, as texts.
pub(super) fn attributes(headers: &HeaderMap) -> Members {
    let (mut attributes, mut faults) = (Map::new(), Vec::new());
    for (name, value) in named(headers) {
        match decoded(value) {
            _ if name == "datacontenttype" => faults.push((name, "the Content-Type header says this in binary mode")),
            Ok(_) if attributes.contains_key(name) => faults.push((name, "there more than once")),
            Ok(text) => _ = attributes.insert(name.to_owned(), Value::String(text)),
            Err(fault) => faults.push((name, fault)),
        }
    }
    let mut members = Members::new(Origin::Headers, attributes);
    faults.into_iter().for_each(|(name, fault)| members.blame(name, fault));
    members
}

/// Blames every header that tells an attribute of the body otherwise: a sender cannot mean both.
pub(super) fn compare(headers: &HeaderMap, members: &mut Members) {
    for (name, value) in named(headers) {
        let fault = match (decoded(value), members.get(name).and_then(as_text)) {
            (Err(fault), _) => fault,
            (Ok(_), None) => "no attribute of the event in the body: leave the header out",
            (Ok(header), Some(body)) if header == body || name == "time" && is_same_time(&header, &body) => continue,
            (Ok(_), Some(_)) => "not what the body says: leave the header out",
        };
        members.blame_header(name, fault);
    }
}

/// The names of attributes and what the headers say of them.
fn named(headers: &HeaderMap) -> impl Iterator<Item = (&str, &HeaderValue)> {
    headers.iter().filter_map(|(name, value)| Some((name.as_str().strip_prefix(PREFIX)?, value)))
}

/// The canonical text of an attribute in JSON (CloudEvents 1.0.2, type system).
fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string().into()),
        _ => None,
    }
}

fn is_same_time(one: &str, two: &str) -> bool {
    let times = [one, two].map(|text| text.parse::<Timestamp>().ok());
    times[0].is_some() && times[0] == times[1]
}

/// Quotes are undone first, then exactly one round of percent-encoding.
fn decoded(value: &HeaderValue) -> Result<String, &'static str> {
    let text = value.as_bytes().trim_ascii();
    if !text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(NOT_ASCII);
    }
    let plain = match text.strip_prefix(b"\"") {
        Some(rest) => Cow::Owned(unquoted(rest.strip_suffix(b"\"").ok_or(NOT_QUOTED)?)?),
        None => Cow::Borrowed(text),
    };
    String::from_utf8(percent_decoded(&plain)?).ok().ok_or(NOT_UTF8)
}

/// What stands within the quotes of a quoted string (RFC 9110, 5.6.4).
fn unquoted(quoted: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut text = Vec::with_capacity(quoted.len());
    let mut rest = quoted.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => text.push(*rest.next().ok_or(NOT_QUOTED)?),
            b'"' => return Err(NOT_QUOTED),
            byte => text.push(*byte),
        }
    }
    Ok(text)
}

fn percent_decoded(encoded: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut text = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        if *byte != b'%' {
            text.push(*byte);
            continue;
        }
        let [high, low, behind @ ..] = behind else { return Err(NOT_ESCAPED) };
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(NOT_ESCAPED) };
        text.push(high << 4 | low);
        rest = behind;
    }
    Ok(text)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(text: &str) -> Result<String, &'static str> {
        decoded(&HeaderValue::from_bytes(text.as_bytes()).unwrap())
    }

    /// As a sender has to do it: space, quote, percent and all outside of visible ASCII.
    fn encoded(text: &str) -> String {
        let encode = |byte: u8| match byte {
            b'"' | b'%' => format!("%{byte:02X}"),
            b'!'..=b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(encode).collect()
    }

    #[test]
    fn the_vectors_of_the_binding_are_decoded() {
        for (header, text) in [
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
            ("Euro%20%e2%82%ac%20%f0%9f%98%80", "Euro € 😀"),
            ("\"Euro%20%E2%82%AC%20%F0%9F%98%80\"", "Euro € 😀"),
            ("\"a \\\"quoted\\\" \\\\ text\"", "a \"quoted\" \\ text"),
            ("\"\\a\\%20\"", "a "),
            ("%2525", "%25"),
            ("%22a%22", "\"a\""),
            ("say \"hi\" to", "say \"hi\" to"),
            ("with spaces", "with spaces"),
            ("", ""),
            ("\"\"", ""),
        ] {
            assert_eq!(decode(header).as_deref(), Ok(text), "{header}");
        }
    }

    #[test]
    fn what_decodes_to_no_text_is_refused() {
        for (header, fault) in [
            ("%C0%A0", NOT_UTF8),
            ("%ff", NOT_UTF8),
            ("%ED%A0%80", NOT_UTF8),
            ("%E2%82", NOT_UTF8),
            ("%", NOT_ESCAPED),
            ("100%", NOT_ESCAPED),
            ("%4", NOT_ESCAPED),
            ("%4g", NOT_ESCAPED),
            ("%+1", NOT_ESCAPED),
            ("\"", NOT_QUOTED),
            ("\"a", NOT_QUOTED),
            ("\"a\"b\"", NOT_QUOTED),
            ("\"a\\\"", NOT_QUOTED),
            ("Euro €", NOT_ASCII),
            ("a\tb", NOT_ASCII),
        ] {
            assert_eq!(decode(header), Err(fault), "{header}");
        }
    }

    proptest! {
        #[test]
        fn every_text_survives_the_way_through_a_header(text in "\\PC{0,30}") {
            prop_assert_eq!(decode(&encoded(&text)), Ok(text.clone()));
            prop_assert_eq!(decode(&format!("\"{}\"", encoded(&text).replace('\\', "\\\\"))), Ok(text));
        }

        #[test]
        fn any_bytes_of_a_header_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = decoded(&value);
            }
        }
    }
}
