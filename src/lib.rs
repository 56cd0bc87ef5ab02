//! usher: events in, organization memberships out.
//!
//! ```text
//! main → cli → app ─┬→ ingest ──┬→ rules ──┐
//!                   ├→ admin  ──┤→ ledger ─┼→ domain      leaves: http · metrics · settings · telemetry · wake · webhook
//!                   └→ dispatch ┴→ bapi ───┘
//! cli → sandbox
//! ```
//!
//! Arrows point down only; `tests/architecture.rs` checks them.
#![forbid(unsafe_code)]

pub mod admin;
pub mod app;
pub mod bapi;
pub mod cli;
pub mod dispatch;
pub mod domain;
pub mod http;
pub mod ingest;
pub mod ledger;
pub mod metrics;
pub mod rules;
pub mod sandbox;
pub mod settings;
pub mod telemetry;
pub mod wake;
pub mod webhook;
