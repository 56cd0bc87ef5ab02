//! usher: events in, organization memberships out.
//!
//! ```text
//! main → cli → app ─┬→ ingest ──┬→ rules ──┐
//!                   ├→ admin  ──┤→ ledger ─┼→ domain      leaves: http · metrics · settings · telemetry · wake
//!                   └→ dispatch ┴→ bapi ───┘
//! cli → sandbox
//! ```
//!
//! Arrows point down only; `tests/architecture.rs` checks them.
#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod domain;
pub mod metrics;
pub mod settings;
pub mod telemetry;
