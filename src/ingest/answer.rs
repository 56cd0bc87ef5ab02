//! The answers to requests that were taken.
//! Knows nothing of why; refusals are answered by `refusal`.

use actix_web::HttpResponse;
use actix_web::error::ErrorInternalServerError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use super::refusal::REPLAYED;
use super::representation::EventView;
use crate::domain::{EventId, EventRecord};

const EVENT_BYTES: usize = 384;
const CHANGE_BYTES: usize = 384;

/// Where an event can be looked up.
pub(super) fn location(event: EventId) -> String {
    format!("/v1/events/{event}")
}

/// 202: the event is durable, now or since an earlier request.
pub(super) fn accepted(record: &EventRecord, replayed: bool) -> HttpResponse {
    let mut response = event(StatusCode::ACCEPTED, record);
    if let Ok(path) = HeaderValue::try_from(location(record.event.id)) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// 200: what became of the event so far.
pub(super) fn found(record: &EventRecord) -> HttpResponse {
    event(StatusCode::OK, record)
}

fn event(status: StatusCode, record: &EventRecord) -> HttpResponse {
    // As large as it becomes while there are no attempts: not grown step by step.
    let mut body = Vec::with_capacity(EVENT_BYTES + CHANGE_BYTES * record.changes.len());
    if let Err(error) = serde_json::to_writer(&mut body, &EventView::from(record)) {
        return ErrorInternalServerError(error).into();
    }
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .body(body)
}
