//! The contract of the public listener as OpenAPI 3.1, made from the types that are answered and the limits that are checked.
//! Knows nothing of requests; what it says of them is tested against the running service.

mod answers;
mod bodies;
mod examples;
pub(super) mod words;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::representation::{
    AttemptView, BatchView, ChangeView, EventView, FailureView, OrganizationView, ResultView, UserView,
};
use crate::http::problem::{Document, Mistake, Place};

/// The OpenAPI document (3.1.0).
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "usher",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This listener"}],
        "security": [{"token": []}, {"signature": []}],
        "tags": [{"name": "events", "description": "Sending events, and what became of them"}],
        "paths": {
            "/v1/events": {"post": post(), "options": options()},
            "/v1/events/{id}": {"get": get(), "head": head(get(), "headEvent")},
            "/openapi.json": {"get": contract(), "head": head(contract(), "headContract")},
        },
        "components": {"schemas": schemas(), "securitySchemes": proofs()},
    })
}

/// `GET /openapi.json`
pub(super) async fn serve() -> HttpResponse {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .body(TEXT.clone())
}

const DESCRIPTION: &str = "Turns events into organization memberships in Clerk: durably, in order, once. \
    A 2xx answer means that the event is on disk. The same event again, however often, changes nothing and is answered \
    from the ledger (`Idempotent-Replayed: true`). CloudEvents 1.0 in binary mode (`ce-*` headers over a JSON body of any \
    JSON media type) are taken as well: OpenAPI cannot tell them from plain JSON. Errors are problem documents (RFC 9457); \
    their `type` never changes its meaning.";

fn post() -> Value {
    json!({
        "operationId": "sendEvent",
        "tags": ["events"],
        "summary": "Send an event, or a batch of events",
        "description": "Taken when it is on disk. What the rules make of it is done afterwards, unless `Prefer: wait` asks to wait.",
        "parameters": [
            header("Idempotency-Key", bodies::idempotency_key(), "Names the event that it first came with, bound to its content. The `id` of a plain event that has none. \
                Not for a batch, nor beside a signature, which does not cover it."),
            header("Prefer", json!({"type": "string"}), "`wait=N` (RFC 7240): answer when every change has its outcome, or after N seconds, \
                at most 30; `respond-async`: rather not. What is not understood is ignored."),
            header("traceparent", json!({"type": "string"}), "W3C Trace Context; ignored where it is not valid."),
            header("tracestate", json!({"type": "string"}), "W3C Trace Context."),
        ],
        "requestBody": {"required": true, "content": bodies::content()},
        "responses": answers::of_post(),
    })
}

fn get() -> Value {
    json!({
        "operationId": "getEvent",
        "tags": ["events"],
        "summary": "What became of an event",
        "description": "A sender sees its own events only.",
        "parameters": [{
            "name": "id", "in": "path", "required": true,
            "description": "As answered to the event, in `id` and `Location`.",
            "schema": {"type": "string", "format": "uuid"},
        }],
        "responses": answers::of_get(),
    })
}

fn options() -> Value {
    let description = "Who wants to send; without it the method is not there.";
    let mut origin = header("WebHook-Request-Origin", json!({"type": "string"}), description);
    origin["required"] = json!(true);
    json!({
        "operationId": "askToSend",
        "tags": ["events"],
        "summary": "The handshake of CloudEvents webhooks",
        "security": [],
        "parameters": [origin],
        "responses": answers::of_options(),
    })
}

fn contract() -> Value {
    json!({
        "operationId": "getContract",
        "summary": "This document",
        "security": [],
        "responses": answers::of_contract(),
    })
}

/// The same without bodies.
fn head(mut operation: Value, id: &str) -> Value {
    operation["operationId"] = json!(id);
    operation["responses"] = answers::without_bodies(operation["responses"].take());
    operation
}

fn header(name: &str, schema: Value, description: &str) -> Value {
    json!({"name": name, "in": "header", "required": false, "schema": schema, "description": description})
}

fn proofs() -> Value {
    json!({
        "token": {
            "type": "http", "scheme": "bearer",
            "description": "A token of the sender, or a Kubernetes ServiceAccount token of it.",
        },
        "signature": {
            "type": "apiKey", "in": "header", "name": "webhook-signature",
            "description": "Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp` and `webhook-signature` (v1 or v1a) over the body as sent. \
                Not for binary mode, whose headers it does not cover.",
        },
    })
}

fn schemas() -> Value {
    let mut schemas = Vec::new();
    EventView::schemas(&mut schemas);
    let mut named: Map<String, Value> =
        schemas.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default())).collect();
    add::<EventView<'_>>(&mut named);
    add::<ChangeView<'_>>(&mut named);
    add::<AttemptView<'_>>(&mut named);
    add::<FailureView<'_>>(&mut named);
    add::<BatchView<'_>>(&mut named);
    add::<ResultView<'_>>(&mut named);
    add::<OrganizationView<'_>>(&mut named);
    add::<UserView<'_>>(&mut named);
    add::<Document<'_>>(&mut named);
    add::<Mistake>(&mut named);
    add::<Place>(&mut named);
    named.extend([("PlainEvent".to_owned(), bodies::plain()), ("CloudEvent".to_owned(), bodies::cloud_event())]);
    Value::Object(named)
}

fn add<T: ToSchema>(named: &mut Map<String, Value>) {
    named.insert(T::name().into_owned(), serde_json::to_value(T::schema()).unwrap_or_default());
}

#[cfg(test)]
mod tests;
