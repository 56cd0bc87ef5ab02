//! What may be answered: every status, its headers and its body.
//! Takes the problems from their table.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::examples;
use crate::http::problem::Kind;

/// Of `POST /v1/events`.
pub(super) fn of_post() -> Value {
    let mut answers = problems(|kind| !matches!(kind, Kind::NotFound | Kind::MethodNotAllowed));
    answers.insert("202".to_owned(), accepted());
    answers.insert("200".to_owned(), finished());
    Value::Object(answers)
}

/// Of `GET /v1/events/{id}`.
pub(super) fn of_get() -> Value {
    let mut answers = problems(|kind| READING.contains(&kind));
    answers.insert(
        "200".to_owned(),
        json!({
            "description": "The event, its changes and their attempts",
            "content": {"application/json": {
                "schema": {"$ref": EVENT},
                "examples": {"done": {"value": examples::settled()}},
            }},
        }),
    );
    Value::Object(answers)
}

const READING: [Kind; 3] = [Kind::NotAuthenticated, Kind::NotFound, Kind::LedgerUnavailable];
const EVENT: &str = "#/components/schemas/Event";
const RESULTS: &str = "#/components/schemas/Results";

fn accepted() -> Value {
    json!({
        "description": "On disk. For a batch: each event has its own result",
        "headers": {
            "Location": text("Where to look up the event; not for a batch"),
            "Idempotent-Replayed": text("`true`: answered from the ledger, nothing was changed"),
            "Preference-Applied": text("Which preferences were honoured"),
            "Retry-After": seconds("When to look again, after waiting in vain"),
        },
        "content": {"application/json": {
            "schema": {"oneOf": [{"$ref": EVENT}, {"$ref": RESULTS}]},
            "examples": {
                "event": {"summary": "One event", "value": examples::accepted()},
                "batch": {"summary": "A batch", "value": examples::results()},
            },
        }},
    })
}

fn finished() -> Value {
    json!({
        "description": "Every change has its outcome; only with `Prefer: wait`",
        "headers": {
            "Location": text("Where to look up the event; not for a batch"),
            "Idempotent-Replayed": text("`true`: answered from the ledger, nothing was changed"),
            "Preference-Applied": text("Which preferences were honoured"),
        },
        "content": {"application/json": {
            "schema": {"oneOf": [{"$ref": EVENT}, {"$ref": RESULTS}]},
            "examples": {"event": {"summary": "One event", "value": examples::settled()}},
        }},
    })
}

/// The problems of these kinds, by status: one status may have several kinds.
fn problems(wanted: impl Fn(Kind) -> bool) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in Kind::ALL.into_iter().filter(|kind| wanted(*kind)) {
        by_status.entry(kind.status().as_u16()).or_default().push(kind);
    }
    by_status.into_iter().map(|(status, kinds)| (status.to_string(), problem(status, &kinds))).collect()
}

fn problem(status: u16, kinds: &[Kind]) -> Value {
    let titles: Vec<_> = kinds.iter().map(|kind| kind.title()).collect();
    let types: Vec<_> = kinds.iter().map(|kind| kind.urn()).collect();
    let example = |kind: &Kind| Some((kind.slug().to_owned(), json!({"value": examples::problem(*kind)?})));
    let examples: Map<String, Value> = kinds.iter().filter_map(example).collect();
    json!({
        "description": titles.join("; or: "),
        "headers": headers(status, kinds),
        "content": {"application/problem+json": {
            "schema": {"allOf": [
                {"$ref": "#/components/schemas/Problem"},
                {"properties": {"type": {"enum": types}, "status": {"const": status}}},
            ]},
            "examples": examples,
        }},
    })
}

fn headers(status: u16, kinds: &[Kind]) -> Value {
    match status {
        _ if kinds.iter().all(|kind| kind.passes()) => {
            json!({"Retry-After": required(seconds("When to send the same request again; that is safe"))})
        }
        401 => json!({"WWW-Authenticate": required(text("How to prove who sends"))}),
        415 => json!({"Accept": required(text("What is taken"))}),
        _ => json!({}),
    }
}

fn required(mut header: Value) -> Value {
    header["required"] = json!(true);
    header
}

fn text(description: &str) -> Value {
    json!({"description": description, "schema": {"type": "string"}})
}

fn seconds(description: &str) -> Value {
    json!({"description": description, "schema": {"type": "integer", "minimum": 1}})
}
