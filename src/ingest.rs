//! `POST /v1/events`: authenticate, parse, evaluate the rules, check the ceiling, record, answer; and the reading back.
//! Knows nothing of what becomes of a change after it is recorded.

mod accept;
pub mod admission;
mod answer;
pub mod authenticate;
mod batch;
mod binary;
mod body;
pub mod contract;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod fixtures;
#[cfg(fuzzing)]
pub mod fuzz;
mod handler;
mod handshake;
mod identity;
mod in_flight;
mod json;
pub mod limits;
mod media_type;
mod members;
mod parse;
mod prefer;
pub mod rate;
mod reading;
mod reconsider;
mod refusal;
mod representation;
mod uri;
mod wait;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};

use crate::domain::EventId;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::rules::Rules;
use crate::wake::{Outcomes, Wake};
use authenticate::Proofs;
use limits::Limits;

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
    pub proofs: Proofs,
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
    /// How much may be in the house at once, and how fast it may come.
    pub limits: Limits,
}

/// The routes of the public listener; wants `Data<Ingest>`.
pub fn configure(cfg: &mut ServiceConfig) {
    let events = web::resource("/v1/events")
        .route(web::post().to(handler::post))
        .route(web::method(Method::OPTIONS).to(handler::options))
        .default_service(web::to(|request| handler::wrong_method("POST", request)));
    let event = web::resource("/v1/events/{id}")
        .route(web::get().to(handler::get))
        .route(web::head().to(handler::get))
        .default_service(web::to(|request| handler::wrong_method("GET, HEAD", request)));
    let contract = web::resource("/openapi.json")
        .route(web::get().to(contract::serve))
        .route(web::head().to(contract::serve))
        .default_service(web::to(|request| handler::wrong_method("GET, HEAD", request)));
    cfg.service(events).service(event).service(contract).default_service(web::to(handler::nothing_here));
}
