//! How much of a limit the replicas may take in slices, so that all of them together keep to it.
//! Pure. Knows nothing of who takes what.

use std::time::Duration;

use super::{Policy, Rate};
use crate::ledger::{Slice, SliceAsk};

/// A bucket that all share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share {
    /// How many tokens come into it in a second.
    pub(super) per_second: f64,
    /// The most that it holds.
    pub(super) burst: f64,
}

impl Share {
    /// No stretch of time of length `per` sees more than `most` calls: what is spent in it was taken in it, or not longer
    /// before it than a slice is good for.
    fn within(most: f64, burst: f64, per: Duration) -> Self {
        let time = per + Slice::GOOD_FOR;
        Self { per_second: (most - burst) / time.as_secs_f64(), burst }
    }

    /// So many tokens of the bucket of this name.
    pub(super) fn ask(self, bucket: String, want: u32) -> SliceAsk {
        SliceAsk { bucket, per_second: self.per_second, burst: self.burst, want }
    }

    /// Of the pace. Ten ninths of the rate, as when nobody shares it; with a burst of nearly a second's worth, so that
    /// nothing overflows while nobody asks, it comes to 97 % of the rate.
    pub(super) fn of_the_pace(rate: Rate) -> Self {
        let most = most(rate);
        Self::within(most, (most * 0.08).max(1.0), rate.per)
    }

    /// Of the role updates of one membership. They are few, and come together.
    pub(super) fn of_role_updates(policy: &Policy) -> Self {
        let most = most(policy.role_updates);
        Self::within(most, most / 2.0, policy.role_updates.per)
    }

    /// Of the invitations.
    pub(super) fn of_invitations(policy: &Policy) -> Self {
        let burst = f64::from(policy.invitation_burst.max(1));
        Self::within(f64::from(policy.invitations.calls) + burst, burst, policy.invitations.per)
    }

    /// Of the probes while Clerk refuses usher: one in so much time.
    pub(super) fn of_probes(policy: &Policy) -> Self {
        Self { per_second: 1.0 / policy.halt_pause.as_secs_f64().max(0.001), burst: 1.0 }
    }
}

/// Ten ninths of it, and one more where that is none.
fn most(rate: Rate) -> f64 {
    let calls = rate.calls.max(1);
    f64::from(calls) + f64::from((calls / 9).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(calls: u32) -> Share {
        Share::of_the_pace(Rate { calls, per: Duration::from_secs(10) })
    }

    #[test]
    fn what_all_can_spend_in_the_time_of_a_limit_is_ten_ninths_of_the_rate() {
        for (calls, most) in [(1, 2.0), (9, 10.0), (90, 100.0), (900, 1000.0)] {
            let share = pace(calls);
            assert!((share.burst + share.per_second * 10.5 - most).abs() < 1e-6, "{share:?}");
        }
    }

    #[test]
    fn sharing_costs_little() {
        for calls in [9, 90, 900, 1_000_000] {
            assert!(pace(calls).per_second * 10.0 >= f64::from(calls) * 0.95);
        }
    }

    #[test]
    fn the_further_limits_stay_what_clerk_takes() {
        let policy = Policy::default();
        let updates = Share::of_role_updates(&policy);
        assert!(updates.burst + updates.per_second * 10.5 <= 10.0 + 1e-6);
        let invitations = Share::of_invitations(&policy);
        assert!(invitations.burst + invitations.per_second * 3600.5 <= 225.0 + 1e-6);
    }
}
