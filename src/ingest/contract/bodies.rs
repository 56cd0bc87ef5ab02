//! What may be sent, as schemas: all that fits them is taken in form, and of what is taken a few rarities do not fit.
//! Knows the limits of the parser; it does not parse.

use serde_json::{Value, json};

use super::super::identity::MAX_ID;
use super::super::parse::{MAX_TEXT, MAX_TYPE};
use super::examples;

/// What a sender may send in one batch, unless the rules say otherwise.
pub(super) const MAX_BATCH: usize = 100;

/// A text as CloudEvents 1.0.2 has it: no control characters, no noncharacters.
fn text(max: usize, description: &str) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": max, "pattern": text_pattern(), "description": description})
}

/// Those beyond the basic plane stand for themselves: not every reader of patterns knows `\u{…}`.
fn text_pattern() -> String {
    let noncharacters = (1..=16).flat_map(|plane: u32| [plane << 16 | 0xFFFE, plane << 16 | 0xFFFF]);
    let noncharacters: String = noncharacters.filter_map(char::from_u32).collect();
    format!("^[^\\u0000-\\u001f\\u007f-\\u009f\\ufdd0-\\ufdef\\ufffe\\uffff{noncharacters}]+$")
}

fn optional(mut schema: Value) -> Value {
    schema["type"] = json!(["string", "null"]);
    schema
}

fn source() -> Value {
    let mut source =
        text(MAX_TEXT, "Where it happened (URI-reference); the sender's name where a plain event has none.");
    source["format"] = json!("uri-reference");
    source
}

fn time() -> Value {
    json!({"type": ["string", "null"], "format": "date-time", "description": "When it happened (RFC 3339). An event older than what was applied last to its membership changes nothing."})
}

/// `application/json`
pub(super) fn plain() -> Value {
    json!({
        "type": "object",
        "description": "An event by the names of CloudEvents. Without `id`, the Idempotency-Key or webhook-id header is its identity.",
        "required": ["type"],
        "additionalProperties": false,
        "properties": {
            "id": optional(text(MAX_ID, "With `source`, its identity: the same for every repeat.")),
            "source": optional(source()),
            "type": text(MAX_TYPE, "What happened; rules go by it."),
            "subject": optional(text(MAX_TEXT, "About what.")),
            "time": time(),
            "data": {"description": "The payload, nested at most 32 levels deep."},
        },
    })
}

/// `application/cloudevents+json`
pub(super) fn cloud_event() -> Value {
    let extension = json!({"type": ["string", "boolean", "integer", "null"], "pattern": text_pattern(),
        "minimum": i32::MIN, "maximum": i32::MAX, "minLength": 1, "maxLength": MAX_TEXT});
    json!({
        "type": "object",
        "description": "A CloudEvent 1.0 in structured mode, with JSON as its data.",
        "required": ["specversion", "id", "source", "type"],
        "additionalProperties": false,
        "patternProperties": {EXTENSION_NAME: extension},
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text(MAX_ID, "With `source`, its identity: the same for every repeat."),
            "source": source(),
            "type": text(MAX_TYPE, "What happened; rules go by it."),
            "subject": optional(text(MAX_TEXT, "About what.")),
            "time": time(),
            "datacontenttype": {"type": ["string", "null"], "pattern": "^[a-z]+/([a-z.-]+\\+)?json$", "maxLength": 127,
                "description": "A JSON media type."},
            "dataschema": {"type": ["string", "null"], "format": "uri", "pattern": "^[a-z]+://[a-z0-9./-]+$", "maxLength": 255},
            "data": {"description": "The payload, nested at most 32 levels deep."},
            "data_base64": {"type": "null", "description": "JSON as base64 is taken too, where `datacontenttype` says that it is JSON; better send `data`."},
        },
    })
}

/// All lower-case names but those that CloudEvents gives a meaning.
const EXTENSION_NAME: &str =
    "^(?!(specversion|id|source|type|subject|time|datacontenttype|dataschema|data)$)[a-z0-9]+$";

/// The pattern of an `Idempotency-Key`: quoted (RFC 9651) or bare.
pub(super) fn idempotency_key() -> Value {
    let pattern = format!(r#"^([!#-~]{{1,{MAX_ID}}}|"([!#-\[\]-~]|\\["\\]){{1,{MAX_ID}}}")$"#);
    json!({"type": "string", "pattern": pattern})
}

/// The bodies by media type.
pub(super) fn content() -> Value {
    json!({
        "application/json": {
            "schema": {"$ref": "#/components/schemas/PlainEvent"},
            "examples": {"plain": {"summary": "An event", "value": examples::plain()}},
        },
        "application/cloudevents+json": {
            "schema": {"$ref": "#/components/schemas/CloudEvent"},
            "examples": {"structured": {"summary": "A CloudEvent", "value": examples::cloud_event()}},
        },
        "application/cloudevents-batch+json": {
            "schema": {
                "type": "array", "maxItems": MAX_BATCH,
                "description": "CloudEvents; each is accepted or refused by itself. A sender may be allowed more or fewer than 100.",
            },
            "examples": {"batch": {"summary": "Two events, one of them without a type", "value": examples::batch()}},
        },
    })
}
