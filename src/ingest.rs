//! `POST /v1/events`: authenticate, parse, evaluate the rules, check the ceiling, record, answer; and the reading back.
//! Knows nothing of what becomes of a change after it is recorded.

mod accept;
mod answer;
pub mod authenticate;
mod binary;
mod body;
pub mod contract;
#[cfg(test)]
mod cost;
#[cfg(fuzzing)]
pub mod fuzz;
mod handler;
mod identity;
mod json;
mod media_type;
mod members;
mod parse;
mod reconsider;
mod refusal;
mod representation;
mod uri;

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};

use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::rules::Rules;
use crate::wake::Wake;
use authenticate::Proofs;

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
    let contract = web::resource("/openapi.json")
        .route(web::get().to(contract::serve))
        .route(web::head().to(contract::serve))
        .default_service(web::to(|| handler::wrong_method("GET, HEAD")));
    cfg.service(events).service(event).service(contract).default_service(web::to(handler::nothing_here));
}
