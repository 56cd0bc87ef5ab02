//! How many events a sender may send in how long.
//! Counts nothing itself.

use std::time::Duration;

/// A rate of events: `events` at once, and as many again every `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRate {
    /// At least one.
    pub events: u32,
    /// Longer than nothing.
    pub per: Duration,
}
