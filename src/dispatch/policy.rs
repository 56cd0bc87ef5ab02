//! The numbers of dispatching, each a setting.
//! Knows nothing of how they are applied.

use std::time::Duration;

use super::Brakes;

/// How fast, how often and how long.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The first backoff, before jitter.
    pub first_delay: Duration,
    /// What each further attempt multiplies it by.
    pub factor: u32,
    /// The longest backoff.
    pub ceiling: Duration,
    /// Counted from the first attempt: a change that still fails then is dead.
    pub give_up_after: Duration,
    /// The first pause where somebody has to make room; it doubles.
    pub wait_first_delay: Duration,
    /// The longest such pause.
    pub wait_ceiling: Duration,
    /// Counted from the acceptance: how long a grant waits for its user to appear, where its rule says so.
    pub wait_for_user: Duration,
    /// How long what was looked up by a name is believed.
    pub lookups_live: Duration,
    /// From when on removals are held, by sender.
    pub brakes: Brakes,
    /// How long no call is made after Clerk refused the key or the API version; then one probe.
    pub halt_pause: Duration,
    /// Calls in flight at once.
    pub concurrency: usize,
    /// How long a claimed change is nobody else's; longer than a call may take.
    pub lease: Duration,
    /// How many calls in what time.
    pub rate: Rate,
    /// How often to look for due changes when nothing rings.
    pub poll: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(500),
            factor: 2,
            ceiling: Duration::from_secs(5 * 60),
            give_up_after: Duration::from_secs(24 * 3600),
            wait_first_delay: Duration::from_secs(30),
            wait_ceiling: Duration::from_secs(15 * 60),
            wait_for_user: Duration::from_secs(7 * 24 * 3600),
            lookups_live: Duration::from_secs(5 * 60),
            brakes: Brakes::default(),
            halt_pause: Duration::from_secs(30),
            concurrency: 32,
            lease: Duration::from_secs(25),
            rate: Rate::TEST,
            poll: Duration::from_secs(1),
        }
    }
}

/// So many calls in so much time; Clerk counts in ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The calls. A ninth of them may come in one burst, so that no such time sees more than ten ninths.
    pub calls: u32,
    /// The time.
    pub per: Duration,
}

impl Rate {
    /// Nine tenths of what Clerk allows a development instance: bursts included, the limit is just reached.
    pub const TEST: Self = Self { calls: 90, per: Duration::from_secs(10) };
}
