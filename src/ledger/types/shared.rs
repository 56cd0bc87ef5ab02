//! What all who work on one ledger share beside the record: token buckets, and whether calls are made at all.
//! Knows nothing of what a token is for.

use std::time::Duration;

/// Some tokens that are wanted of a bucket that all share; it is made, full, when somebody first asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceAsk {
    /// Its name.
    pub bucket: String,
    /// How many tokens come into it in a second.
    pub per_second: f64,
    /// The most that it holds; at least one.
    pub burst: f64,
    /// How many are wanted; with none only the standing is asked for.
    pub want: u32,
}

/// What was taken of a bucket, and what holds for all.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// As many as were there, and not more than were wanted.
    pub tokens: u32,
    /// How long they are good for, counted from before they were asked for; then they are lost.
    pub good_for: Duration,
    /// In what time there is one more, where fewer were there than wanted.
    pub next_in: Option<Duration>,
    /// How many share the ledger now, at least one.
    pub replicas: u32,
    /// What holds for all.
    pub standing: Standing,
}

/// Whether calls are made at all, by anybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// So long yet nobody makes one: Clerk asked for silence.
    pub closed_for: Option<Duration>,
    /// Clerk refuses usher itself.
    pub halted: Option<Halted>,
    /// An operator wants none.
    pub paused: bool,
}

/// Since when no call is made, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halted {
    /// So long already.
    pub since: Duration,
    /// What Clerk said.
    pub why: String,
}

impl Slice {
    /// How long a slice is good for.
    ///
    /// The longer, the lower the rate has to be: what was taken just before a stretch of time is spent in it.
    pub const GOOD_FOR: Duration = Duration::from_millis(500);
}
