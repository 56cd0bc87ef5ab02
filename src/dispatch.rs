//! From change to outcome: claims due changes, makes one call for each, and settles what came of it.
//! Knows nothing of rules, senders' requests or HTTP.

mod backoff;
mod cache;
mod call;
mod context;
mod decide;
#[cfg(test)]
mod fixtures;
mod pace;
mod policy;
mod report;
mod run;
mod schedule;
mod settle;
mod step;

pub use decide::{Brake, Brakes};
pub use policy::{Policy, Rate};
pub use run::Dispatcher;

#[cfg(test)]
mod tests;
