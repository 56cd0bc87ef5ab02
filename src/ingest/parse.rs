//! From a request to its events: CloudEvents 1.0 in every mode and plain JSON, strictly, with every mistake at once.
//! Knows nothing of rules, ledgers and answers; its errors never repeat a value of the request.

mod batch;
mod data;
mod time;

use actix_web::http::header::{HeaderMap, HeaderName};
use serde_json::Value;

use super::identity::MAX_ID;
use super::json::{self, JsonError};
use super::media_type::Mode;
use super::members::{Members, Origin, is_string};
use super::{binary, uri};
use crate::domain::{Event, EventId, EventType, Extensions, SenderName, TraceContext, is_attribute_name};
use crate::http::problem::Mistake;

const MAX_TYPE: usize = 255;
/// For `source`, `subject` and the attributes that are checked and not kept.
const MAX_TEXT: usize = 1024;

/// What a request holds.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once and never kept")]
pub(super) enum Parsed {
    /// One event.
    One(Event),
    /// The elements of a batch, in order.
    Batch(Vec<Result<Event, ParseError>>),
}

/// Why a request, or an element of a batch, is not an event.
#[derive(Debug, thiserror::Error)]
pub(super) enum ParseError {
    /// There is nothing.
    #[error("the body is empty")]
    Empty,
    /// It is not the JSON that is taken.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// There is data, and nothing says what it is.
    #[error("the body has no content type")]
    NoContentType,
    /// The batch is too long.
    #[error("the batch has more than {limit} events")]
    TooMany {
        /// What is taken.
        limit: usize,
    },
    /// Nothing is wrong but that no identity is there.
    #[error("the event has no identity")]
    NoIdentity,
    /// It is JSON and not an event; never empty.
    #[error("{} mistakes in the event", .0.len())]
    Invalid(Vec<Mistake>),
}

/// What `sender` sent in this request. Plain JSON without `id` is known by `identity`; a batch has at most `max` events.
pub(super) fn read(
    mode: Mode,
    body: &[u8],
    sender: &SenderName,
    headers: &HeaderMap,
    identity: Option<String>,
    max: usize,
) -> Result<Parsed, ParseError> {
    if mode != Mode::Binary && body.trim_ascii().is_empty() {
        return Err(ParseError::Empty);
    }
    let request = Request { sender, headers, trace: trace_of(headers) };
    Ok(match mode {
        Mode::Plain => Parsed::One(request.plain(object(json::read(body)?, Origin::Body)?, identity)?),
        Mode::Structured => Parsed::One(request.structured(object(json::read(body)?, Origin::Body)?)?),
        Mode::Binary => Parsed::One(request.cloud_event(binary::attributes(headers), data::of_body(body, headers)?)?),
        Mode::Batch => Parsed::Batch(request.batch(batch::elements(body, max)?)),
    })
}

/// What all events of a request have.
struct Request<'r> {
    sender: &'r SenderName,
    headers: &'r HeaderMap,
    /// As the headers tell it.
    trace: Option<TraceContext>,
}

impl Request<'_> {
    fn plain(&self, mut members: Members, identity: Option<String>) -> Result<Event, ParseError> {
        let absent = members.is_absent("id");
        let in_body = members.text("id", MAX_ID);
        let event_id = if absent { identity } else { in_body };
        let has_id = !absent || event_id.is_some();
        if !has_id {
            members.blame("id", "required: here, or as Idempotency-Key or webhook-id header");
        }
        let source = source(&mut members).unwrap_or_else(|| self.sender.as_str().to_owned());
        let data = members.take("data").unwrap_or_default();
        let event = self.event(&mut members, event_id.unwrap_or_default(), source, data);
        members.rest(|name, _| Some(if name == "specversion" { IS_CLOUD_EVENT } else { NO_MEMBER }));
        finished(members, event).map_err(|error| match error {
            ParseError::Invalid(mistakes) if !has_id && mistakes.len() == 1 => ParseError::NoIdentity,
            error => error,
        })
    }

    /// The headers may say again what the body says.
    fn structured(&self, mut members: Members) -> Result<Event, ParseError> {
        binary::compare(self.headers, &mut members);
        let data = data::of_members(&mut members);
        self.cloud_event(members, data)
    }

    fn batch(&self, elements: Vec<Result<Value, JsonError>>) -> Vec<Result<Event, ParseError>> {
        let read = |(index, element): (usize, Result<Value, JsonError>)| {
            let mut members = object(element?, Origin::Element(index))?;
            let data = data::of_members(&mut members);
            self.cloud_event(members, data)
        };
        elements.into_iter().enumerate().map(read).collect()
    }

    fn cloud_event(&self, mut members: Members, data: Value) -> Result<Event, ParseError> {
        if members.required("specversion", MAX_TEXT) != "1.0" {
            members.blame("specversion", "expected \"1.0\"");
        }
        let event_id = members.required("id", MAX_ID);
        let has_source = !members.is_absent("source");
        let source = source(&mut members);
        if !has_source {
            members.blame("source", "required, and missing");
        }
        let absolute = |text: &str| uri::is_absolute(text).then_some(());
        members.parsed("dataschema", MAX_TEXT, "expected an absolute URI", absolute);
        let mut event = self.event(&mut members, event_id, source.unwrap_or_default(), data);
        let extensions = members.rest(extension_fault);
        if let Some(event) = &mut event {
            event.trace = self.trace.clone().or_else(|| trace_in(&extensions));
            event.extensions = extensions;
        }
        finished(members, event)
    }

    /// What all forms have. `None` only where `members` has noted a mistake.
    fn event(&self, members: &mut Members, event_id: String, source: String, data: Value) -> Option<Event> {
        let kind = members.required("type", MAX_TYPE);
        let subject = members.text("subject", MAX_TEXT);
        let time =
            members.parsed("time", 64, "expected a time as RFC 3339 has it: 2026-01-31T12:00:00Z", time::rfc_3339);
        Some(Event {
            id: EventId::of(self.sender, &source, &event_id),
            sender: self.sender.clone(),
            source,
            event_id,
            kind: EventType::try_from(kind).ok()?,
            subject,
            time,
            extensions: Extensions::default(),
            trace: self.trace.clone(),
            data,
        })
    }
}

const NO_MEMBER: &str = "not a member of an event in plain JSON: taken are id, type, source, subject, time and data; \
    extension attributes go in a CloudEvent";
const IS_CLOUD_EVENT: &str = "this says CloudEvent: send it with Content-Type: application/cloudevents+json";

fn object(value: Value, origin: Origin) -> Result<Members, ParseError> {
    match value {
        Value::Object(object) => Ok(Members::new(origin, object)),
        _ => Err(ParseError::Invalid(vec![Mistake::at(origin.pointer(), "expected one JSON object: the event")])),
    }
}

fn source(members: &mut Members) -> Option<String> {
    let reference = |text: &str| uri::is_reference(text).then(|| text.to_owned());
    members.parsed("source", MAX_TEXT, "expected a URI reference, such as /shop or https://shop.example", reference)
}

fn finished(members: Members, event: Option<Event>) -> Result<Event, ParseError> {
    members.finish().map_err(ParseError::Invalid)?;
    event.ok_or_else(|| ParseError::Invalid(Vec::new()))
}

/// Extension attributes are flat, of simple types, and named in lower case (CloudEvents 1.0.2, naming and type system).
fn extension_fault(name: &str, value: &Value) -> Option<&'static str> {
    if !is_attribute_name(name) {
        return Some("not an attribute name: lower-case letters and digits only, and not data");
    }
    match value {
        Value::String(text) if !is_string(text) => Some("expected a string without control characters"),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
        Value::Number(number) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => None,
        Value::Number(_) => Some("expected an integer of 32 bits: no other number is an attribute"),
        Value::Array(_) | Value::Object(_) => {
            Some("expected a string, an integer or a boolean; payload belongs in data")
        }
    }
}

/// The trace of the request itself.
fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    const PARENT: HeaderName = HeaderName::from_static("traceparent");
    const STATE: HeaderName = HeaderName::from_static("tracestate");
    // A line that is no text stays a line, and one that no header allows.
    let lines = |name| headers.get_all(name).map(|value| value.to_str().unwrap_or("?"));
    TraceContext::parse(lines(PARENT), lines(STATE))
}

/// The trace that the event began in (CloudEvents distributed tracing extension).
fn trace_in(extensions: &Extensions) -> Option<TraceContext> {
    let text = |name| extensions.get(name).and_then(Value::as_str);
    TraceContext::parse(text("traceparent"), text("tracestate"))
}

#[cfg(test)]
mod tests;
