//! From a body to an event: plain JSON and structured CloudEvents 1.0, strictly, with every mistake of a body at once.
//! Knows nothing of rules, ledgers and answers; its errors never repeat a value of the body.

use actix_web::http::header::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

use super::identity::{self, IdentityError, MAX_ID};
use super::json::{self, JsonError};
use super::media_type::{self, Format};
use super::members::Members;
use crate::domain::{Event, EventId, EventType, Extensions, SenderName};
use crate::http::problem::Mistake;

pub(super) const MAX_TYPE: usize = 255;
/// For `source`, `subject` and the attributes that are checked and not kept.
pub(super) const MAX_TEXT: usize = 1024;

/// Why a body is not an event.
#[derive(Debug, thiserror::Error)]
pub(super) enum ParseError {
    /// There is nothing.
    #[error("the body is empty")]
    Empty,
    /// It is not the JSON that is taken.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A header claims an identity that is none.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Nothing is wrong but that no identity is there.
    #[error("the event has no identity")]
    NoIdentity,
    /// It is JSON and not an event; never empty.
    #[error("{} mistakes in the body", .0.len())]
    Invalid(Vec<Mistake>),
}

/// The event that `sender` sent in this body.
pub(super) fn event(
    format: Format,
    body: &[u8],
    sender: &SenderName,
    headers: &HeaderMap,
) -> Result<Event, ParseError> {
    if body.trim_ascii().is_empty() {
        return Err(ParseError::Empty);
    }
    let Value::Object(object) = json::read(body)? else {
        let whole = Mistake { pointer: "#".to_owned(), detail: "expected one JSON object: the event".into() };
        return Err(ParseError::Invalid(vec![whole]));
    };
    let members = Members::new(object);
    match format {
        Format::Plain => plain(members, sender, headers),
        Format::CloudEvent => cloud_event(members, sender),
    }
}

fn plain(mut members: Members, sender: &SenderName, headers: &HeaderMap) -> Result<Event, ParseError> {
    let absent = members.is_absent("id");
    let in_body = members.text("id", MAX_ID);
    let event_id = if absent { identity::claimed(headers)? } else { in_body };
    let has_id = !absent || event_id.is_some();
    if !has_id {
        members.blame("id", "required: here, or as Idempotency-Key or webhook-id header");
    }
    let source = members.text("source", MAX_TEXT).unwrap_or_else(|| sender.as_str().to_owned());
    let data = members.take("data").unwrap_or_default();
    let event = common(&mut members, sender, event_id.unwrap_or_default(), source, data);
    members.judge_rest(|_, _| Some("not a member of an event: taken are id, type, source, subject, time and data"));
    finished(members, event).map_err(|error| match error {
        ParseError::Invalid(mistakes) if !has_id && mistakes.len() == 1 => ParseError::NoIdentity,
        error => error,
    })
}

fn cloud_event(mut members: Members, sender: &SenderName) -> Result<Event, ParseError> {
    if members.required("specversion", MAX_TEXT) != "1.0" {
        members.blame("specversion", "expected \"1.0\"");
    }
    let event_id = members.required("id", MAX_ID);
    let source = members.required("source", MAX_TEXT);
    let json = |text: &str| media_type::is_json(text).then_some(());
    members.parsed("datacontenttype", MAX_TEXT, "expected a JSON media type; other data is not taken", json);
    let absolute = |text: &str| text.contains(':').then_some(());
    members.parsed("dataschema", MAX_TEXT, "expected an absolute URI", absolute);
    let data = members.take("data");
    match members.take("data_base64") {
        None | Some(Value::Null) => {}
        Some(_) if data.is_some() => members.blame("data_base64", "expected either data or data_base64, not both"),
        Some(_) => members.blame("data_base64", "binary data is not taken: send JSON in data"),
    }
    let event = common(&mut members, sender, event_id, source, data.unwrap_or_default());
    members.judge_rest(extension_fault);
    finished(members, event)
}

/// What both forms have. `None` only where `members` has noted a mistake.
fn common(members: &mut Members, sender: &SenderName, event_id: String, source: String, data: Value) -> Option<Event> {
    let kind = members.required("type", MAX_TYPE);
    let subject = members.text("subject", MAX_TEXT);
    let time = members.parsed("time", 64, "expected a time as RFC 3339 has it: 2026-01-31T12:00:00Z", rfc_3339);
    let id = EventId::of(sender, &source, &event_id);
    let kind = EventType::try_from(kind).ok()?;
    Some(Event {
        id,
        sender: sender.clone(),
        source,
        event_id,
        kind,
        subject,
        time,
        extensions: Extensions::default(),
        trace: None,
        data,
    })
}

fn finished(members: Members, event: Option<Event>) -> Result<Event, ParseError> {
    members.finish().map_err(ParseError::Invalid)?;
    event.ok_or_else(|| ParseError::Invalid(Vec::new()))
}

/// Extension attributes are flat, of simple types, and named in lower case (CloudEvents 1.0.2, naming and type system).
fn extension_fault(name: &str, value: &Value) -> Option<&'static str> {
    let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !named {
        return Some("not an attribute name: lower-case letters and digits only");
    }
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => None,
        Value::Number(number) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => None,
        Value::Number(_) => Some("expected an integer of 32 bits: no other number is an attribute"),
        Value::Array(_) | Value::Object(_) => {
            Some("expected a string, an integer or a boolean; payload belongs in data")
        }
    }
}

/// jiff reads more than RFC 3339 allows (time zone names, offsets without colon), so the shape is checked first.
fn rfc_3339(text: &str) -> Option<Timestamp> {
    let (date_time, rest) = text.split_at_checked("2026-01-31T12:00:00".len())?;
    let fits = |(byte, shape): (u8, u8)| {
        if shape == b'0' { byte.is_ascii_digit() } else { byte.to_ascii_uppercase() == shape }
    };
    let shaped = date_time.bytes().zip(*b"0000-00-00T00:00:00").all(fits);
    let fraction = rest.strip_prefix('.').map(|rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    let zone = rest.get(fraction.map_or(0, |digits| digits + 1)..)?.as_bytes();
    let zoned = match zone {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h, i, b':', m, n] => [h, i, m, n].into_iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if shaped && zoned && fraction != Some(0) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
