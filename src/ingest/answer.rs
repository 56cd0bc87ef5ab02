//! The answers to requests that were taken.
//! Knows nothing of why; refusals are answered by `refusal`.

use actix_web::HttpResponse;
use actix_web::error::ErrorInternalServerError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use serde::Serialize;

use super::accept::Accepted;
use super::prefer::{PREFERENCE_APPLIED, Preference};
use super::refusal::{REPLAYED, Refusal};
use super::representation::{BatchView, EventView, ResultView};
use crate::domain::{EventId, EventRecord};

/// Of an event, or of a change.
const PART_BYTES: usize = 384;

/// Where an event can be looked up.
pub(super) fn location(event: EventId) -> String {
    format!("/v1/events/{event}")
}

/// 202: the event is durable, now or since an earlier request; 200 when somebody waited and it has ended.
pub(super) fn accepted(accepted: &Accepted, preference: &Preference) -> HttpResponse {
    let ended = preference.wait.is_some() && accepted.has_ended();
    let mut response = event(status(ended), &accepted.record);
    if let Ok(path) = HeaderValue::try_from(location(accepted.record.event.id)) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    if accepted.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    honored(&mut response, preference, ended);
    response
}

/// 202 with what became of each event of a batch; 200 when somebody waited and all have ended.
pub(super) fn batch(results: &[Result<Accepted, Refusal>], preference: &Preference) -> HttpResponse {
    let ended = preference.wait.is_some() && results.iter().flatten().all(Accepted::has_ended);
    let one = |result| result_view(result, preference.wait.is_some());
    let mut response = json(status(ended), results.len(), &BatchView::from_iter(results.iter().map(one)));
    honored(&mut response, preference, ended);
    response
}

fn result_view(result: &Result<Accepted, Refusal>, waited: bool) -> ResultView<'_> {
    match result {
        Ok(accepted) => ResultView::Accepted {
            status: status(waited && accepted.has_ended()).as_u16(),
            replayed: accepted.replayed,
            event: EventView::from(&accepted.record),
        },
        Err(refusal) => {
            let problem = refusal.problem();
            ResultView::Refused { status: problem.kind().status().as_u16(), problem }
        }
    }
}

fn status(ended: bool) -> StatusCode {
    if ended { StatusCode::OK } else { StatusCode::ACCEPTED }
}

/// Says which preferences were honored, and to one who waited in vain when to look again.
fn honored(response: &mut HttpResponse, preference: &Preference, ended: bool) {
    if let Some(Ok(applied)) = preference.applied(!ended).map(HeaderValue::try_from) {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    if preference.wait.is_some() && !ended {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
}

/// 200: what became of the event so far.
pub(super) fn found(record: &EventRecord) -> HttpResponse {
    event(StatusCode::OK, record)
}

fn event(status: StatusCode, record: &EventRecord) -> HttpResponse {
    json(status, 1 + record.changes.len(), &EventView::from(record))
}

/// `parts` is how many events and changes it shows.
fn json(status: StatusCode, parts: usize, view: &impl Serialize) -> HttpResponse {
    // As large as it becomes while there are no attempts: not grown step by step.
    let mut body = Vec::with_capacity(PART_BYTES * parts);
    if let Err(error) = serde_json::to_writer(&mut body, view) {
        return ErrorInternalServerError(error).into();
    }
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .body(body)
}
