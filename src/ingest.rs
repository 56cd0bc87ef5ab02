//! `POST /v1/events`: authenticate, parse, evaluate the rules, check the ceiling, record, answer; and the reading back.
//! Knows nothing of what becomes of a change after it is recorded.

mod accept;
mod answer;
pub mod authenticate;
mod batch;
mod binary;
mod body;
#[cfg(test)]
mod fixtures;
mod handler;
mod identity;
mod in_flight;
mod json;
mod media_type;
mod members;
mod parse;
mod prefer;
mod reconsider;
mod refusal;
mod representation;
mod uri;
mod wait;

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};

use crate::domain::EventId;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::rules::Rules;
use crate::wake::{Outcomes, Wake};
use authenticate::Tokens;

pub use in_flight::InFlight;
pub use reconsider::SecondLook;

/// The largest body taken unless configured otherwise, in bytes; CloudEvents asks for at least 64 KiB.
pub const BODY_LIMIT: usize = 256 * 1024;

/// What the public listener needs, shared by its threads as actix `Data`.
#[derive(Clone)]
pub struct Ingest {
    /// What becomes of which event, and who may ask for it.
    pub rules: Arc<Rules>,
    /// Who is who.
    pub tokens: Tokens,
    /// Where events are made durable.
    pub ledger: Ledger,
    /// Rung when there is something to do.
    pub wake: Wake,
    /// Told of each change that ends; closed when callers are to wait no longer.
    pub outcomes: Outcomes<EventId>,
    /// The keys that are being handled.
    pub in_flight: InFlight,
    /// Counts what came in.
    pub metrics: Arc<Metrics>,
    /// The largest body taken, in bytes; [`BODY_LIMIT`] unless an operator says otherwise.
    pub body_limit: usize,
}

/// The routes of the public listener; wants `Data<Ingest>`.
pub fn configure(cfg: &mut ServiceConfig) {
    let events = web::resource("/v1/events")
        .route(web::post().to(handler::post))
        .default_service(web::to(|| handler::wrong_method("POST")));
    let event = web::resource("/v1/events/{id}")
        .route(web::get().to(handler::get))
        .route(web::head().to(handler::get))
        .default_service(web::to(|| handler::wrong_method("GET, HEAD")));
    cfg.service(events).service(event).default_service(web::to(handler::nothing_here));
}
