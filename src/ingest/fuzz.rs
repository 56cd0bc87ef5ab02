//! Doors for inputs that nobody chose, built with `--cfg fuzzing` only; the targets of `tests/fuzz` come in here.
//! Knows nothing of proofs and rules: their own doors are open to anybody.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::media_type::{self, Mode};
use super::members::is_string;
use super::parse::{self, ParseError, Parsed};
use super::prefer::Preference;
use super::{identity, json as strict};
use crate::domain::{Event, SenderName, TraceContext};

/// Elements of a batch.
const MAX_BATCH: usize = 100;

/// The header lines up to an empty line, and what is behind it; a line that is no header is left out.
pub fn head(input: &[u8]) -> (HeaderMap, &[u8]) {
    let (mut headers, mut rest) = (HeaderMap::new(), input);
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = header(line) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}

/// A mode, headers and a body; whatever is accepted must be an event that is accepted again as it is.
pub fn event(input: &[u8]) {
    let Some((mode, input)) = input.split_first() else { return };
    let (headers, body) = head(input);
    let mode = match mode % 5 {
        0 => Mode::Plain,
        1 => Mode::Structured,
        2 => Mode::Binary,
        3 => Mode::Batch,
        _ => media_type::mode_of(&headers).unwrap_or(Mode::Plain),
    };
    check(read(mode, body, &headers));
}

/// Headers alone: the form that they say, the identity that they claim, the attributes and the trace in them.
pub fn headers(input: &[u8]) {
    let (headers, _) = head(input);
    let _ = media_type::mode_of(&headers).map_err(|error| error.to_string());
    for signed_id in [None, Some("msg_1")] {
        let claims = identity::claims(&headers, &sender(), signed_id).unwrap_or_default();
        let fits = |id: &String| (1..=identity::MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        assert!(claims.identity.as_ref().is_none_or(fits) && claims.keys.len() <= 2, "{claims:?}");
    }
    let preference = Preference::of(&headers);
    assert!(!preference.waits() || preference.applied(true).is_some_and(|text| HeaderValue::from_str(&text).is_ok()));
    check(read(Mode::Binary, b"{\"a\":1}", &headers));
    check(read(
        Mode::Structured,
        br#"{"specversion":"1.0","id":"1","source":"/a","type":"b","time":"2026-01-31T12:00:00Z"}"#,
        &headers,
    ));
}

/// The event that plain JSON is, if it is one.
pub fn plain(body: &[u8]) -> Option<Event> {
    match read(Mode::Plain, body, &HeaderMap::new()) {
        Ok(Parsed::One(event)) => Some(event),
        _ => None,
    }
}

/// Strict JSON, if it is that.
pub fn value(body: &[u8]) -> Option<Value> {
    strict::read(body).ok()
}

fn read(mode: Mode, body: &[u8], headers: &HeaderMap) -> Result<Parsed, ParseError> {
    let identity = identity::claims(headers, &sender(), None).unwrap_or_default().identity;
    parse::read(mode, body, &sender(), headers, identity, MAX_BATCH)
}

#[expect(clippy::expect_used, reason = "the name is fixed")]
fn sender() -> SenderName {
    SenderName::try_from("fuzz".to_owned()).expect("a name")
}

fn check(parsed: Result<Parsed, ParseError>) {
    match parsed {
        Ok(Parsed::One(event)) => check_event(&event),
        Ok(Parsed::Batch(events)) => {
            assert!(events.len() <= MAX_BATCH);
            events.into_iter().for_each(|event| check(event.map(Parsed::One)));
        }
        Err(ParseError::Invalid(mistakes)) => assert!(!mistakes.is_empty(), "refused, and nothing is wrong"),
        Err(error) => _ = error.to_string(),
    }
}

fn check_event(event: &Event) {
    let texts = [&event.event_id, &event.source, event.kind.as_str()];
    for text in texts.into_iter().chain(event.subject.as_deref()) {
        assert!(!text.is_empty() && text.len() <= 1024 && is_string(text), "{text:?}");
    }
    for (name, value) in &event.extensions {
        let is_legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        assert!(!name.is_empty() && name != "data" && name.bytes().all(is_legal), "{name:?}");
        let fits = value.is_boolean() || value.as_str().is_some_and(is_string) || value.is_i64();
        assert!(fits, "{value}");
    }
    event.trace.iter().for_each(check_trace);
    check_again(event);
}

fn check_trace(trace: &TraceContext) {
    let is_graphic = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    assert!(trace.traceparent.len() == 55 && is_graphic(&trace.traceparent), "{trace:?}");
    let state = trace.tracestate.as_deref();
    assert!(state.is_none_or(|state| (1..=512).contains(&state.len()) && is_graphic(state)), "{trace:?}");
}

/// What was accepted is the same event when it comes once more, written anew.
fn check_again(event: &Event) {
    let mut written = json!({
        "specversion": "1.0", "id": event.event_id, "source": event.source, "type": event.kind.as_str(),
        "subject": event.subject, "time": event.time.map(|time| time.to_string()), "data": event.data,
    });
    if let Value::Object(members) = &mut written {
        members.extend(event.extensions.clone());
    }
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json"));
    let again = match read(Mode::Structured, written.to_string().as_bytes(), &headers) {
        Ok(Parsed::One(again)) => again,
        other => panic!("{written} is not taken again: {other:?}"),
    };
    assert_eq!((again.id, again.time), (event.id, event.time));
    assert_eq!(again.extensions, event.extensions);
    assert_eq!(again.content_digest(), event.content_digest(), "{written}");
}
