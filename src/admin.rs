//! The operator listener: is it alive, is it ready, and what does it measure.
//! Knows nothing of senders and rules, and never serves on the public listener.

mod health;
mod probes;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};

use crate::http::probes::Probes;
use crate::http::problem::{Kind, Problem};
use crate::ledger::Ledger;
use crate::metrics::{self, Metrics};
use health::Health;

/// What the operator listener needs, shared by its threads as actix `Data`.
pub struct Admin {
    /// What the loops and the life of the process report.
    pub probes: Probes,
    /// Its health is part of readiness.
    pub ledger: Ledger,
    /// What is shown.
    pub metrics: Arc<Metrics>,
}

/// The routes of the operator listener; wants `Data<Admin>`.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.app_data(Data::new(Health::default()))
        .service(readable("/livez").route(web::get().to(probes::livez)).route(web::head().to(probes::livez)))
        .service(readable("/readyz").route(web::get().to(probes::readyz)).route(web::head().to(probes::readyz)))
        .service(readable("/metrics").route(web::get().to(render_metrics)))
        .default_service(web::to(nothing_here));
}

/// A resource that can only be read, and says so.
fn readable(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(wrong_method))
}

async fn render_metrics(admin: Data<Admin>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, metrics::CONTENT_TYPE)).body(admin.metrics.render())
}

async fn wrong_method() -> HttpResponse {
    let problem = Problem::new(Kind::MethodNotAllowed, "This can only be read: use GET.");
    problem.with_header(header::ALLOW, "GET, HEAD").error_response()
}

async fn nothing_here() -> HttpResponse {
    Problem::new(Kind::NotFound, "There is /livez, /readyz and /metrics.").error_response()
}
