//! From change to outcome: claims due changes, makes one call for each, and settles what came of it.
//! Knows nothing of rules, senders' requests or HTTP.

mod backoff;
mod breaker;
mod bucket;
mod cache;
mod call;
mod common;
mod concurrency;
mod context;
mod control;
mod decide;
mod errands;
#[cfg(test)]
mod fixtures;
mod limits;
mod pace;
mod permits;
mod policy;
mod report;
mod retry_budget;
mod run;
mod schedule;
mod settle;
mod share;
mod slices;
mod slots;
mod step;
mod thirst;

pub use policy::{Policy, Rate};
pub use run::Dispatcher;

#[cfg(test)]
mod tests;
