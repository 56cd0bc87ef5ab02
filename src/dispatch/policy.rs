//! The numbers of dispatching, each a setting.
//! Knows nothing of how they are applied.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Brakes, Turns};

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
    pub brakes: Arc<Brakes>,
    /// Whose turn it is among the senders.
    pub turns: Turns,
    /// How long no call is made after Clerk refused the key or the API version; then one probe.
    pub halt_pause: Duration,
    /// So many calls in a row that find Clerk down open the breaker.
    pub trip_after: u32,
    /// Within this time after Clerk's recovery an open breaker lets a probe leave.
    pub probe_within: Duration,
    /// Calls in flight at once, at most; how many at a time depends on how they are answered.
    pub concurrency: usize,
    /// What each first call of a change puts into the budget that a retry takes 1 from.
    pub retry_deposit: f64,
    /// The most there is in that budget.
    pub retry_reserve: f64,
    /// The role updates of one membership.
    pub role_updates: Rate,
    /// The invitations of the instance, without their burst.
    pub invitations: Rate,
    /// How many of them may come at once.
    pub invitation_burst: u32,
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
            brakes: Arc::default(),
            turns: Turns::default(),
            halt_pause: Duration::from_secs(30),
            trip_after: 5,
            probe_within: Duration::from_secs(1),
            concurrency: 64,
            // A quarter of the first calls is a fifth of all.
            retry_deposit: 0.25,
            retry_reserve: 10.0,
            // Clerk takes 10.
            role_updates: Rate { calls: 9, per: Duration::from_secs(10) },
            // Clerk takes 250: with their burst these are nine tenths.
            invitations: Rate { calls: 215, per: Duration::from_secs(3600) },
            invitation_burst: 10,
            lease: Duration::from_secs(25),
            rate: Rate::TEST,
            poll: Duration::from_secs(1),
        }
    }
}

impl Policy {
    /// One retry in so much time is always allowed: a fifth of the pace, so that a backlog of them ends when Clerk is well
    /// again and nothing else is called. At least one a second.
    pub(super) fn retry_at_least_every(&self) -> Duration {
        let a_fifth = self.rate.per * 5 / self.rate.calls.max(1);
        a_fifth.min(Duration::from_secs(1))
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
