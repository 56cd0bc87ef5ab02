//! How long to wait before the next attempt.
//! Pure: randomness comes in as a number from 0 to 1.

use std::time::Duration;

use super::Policy;

/// A Retry-After beyond this is taken as this.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Full jitter: anything up to first × factor^attempts, where `attempts` were made before this one.
pub(super) fn full_jitter(policy: &Policy, attempts: u32, random: f64) -> Duration {
    exponential(policy.first_delay, policy.factor, attempts, policy.ceiling).mul_f64(random.clamp(0.0, 1.0))
}

/// The slow schedule: between half and all of a pause that doubles.
pub(super) fn slow(policy: &Policy, attempts: u32, random: f64) -> Duration {
    exponential(policy.wait_first_delay, 2, attempts, policy.wait_ceiling).mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
}

/// The delay that also heeds a Retry-After; a tenth of that is added at random, so that not all come back at once.
pub(super) fn no_sooner(delay: Duration, after: Option<Duration>, random: f64) -> Duration {
    match after.map(heeded) {
        Some(after) => delay.max(after) + after.mul_f64(random.clamp(0.0, 1.0) / 10.0),
        None => delay,
    }
}

/// A Retry-After as far as it is believed.
pub(super) fn heeded(after: Duration) -> Duration {
    after.min(LONGEST_RETRY_AFTER)
}

fn exponential(first: Duration, factor: u32, attempts: u32, ceiling: Duration) -> Duration {
    let growth = factor.max(1).checked_pow(attempts).unwrap_or(u32::MAX);
    first.checked_mul(growth).map_or(ceiling, |delay| delay.min(ceiling))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_backoff_doubles_up_to_its_ceiling() {
        let policy = Policy::default();
        let longest = |attempts| full_jitter(&policy, attempts, 1.0).as_secs_f64();
        assert_eq!([0, 1, 2, 3, 9, 10, 1000].map(longest), [0.5, 1.0, 2.0, 4.0, 256.0, 300.0, 300.0]);
        assert_eq!(full_jitter(&policy, 3, 0.0), Duration::ZERO);
    }

    #[test]
    fn the_slow_schedule_is_never_quick() {
        let policy = Policy::default();
        assert_eq!(slow(&policy, 0, 0.0), Duration::from_secs(15));
        assert_eq!(slow(&policy, 0, 1.0), Duration::from_secs(30));
        assert_eq!(slow(&policy, 40, 1.0), Duration::from_secs(900));
    }

    proptest! {
        #[test]
        fn a_retry_after_is_a_floor_up_to_an_hour(seconds in any::<u64>(), attempts in any::<u32>(), random in 0.0..=1.0) {
            let after = Duration::from_secs(seconds);
            let own = full_jitter(&Policy::default(), attempts, random);
            let delay = no_sooner(own, Some(after), random);
            prop_assert!(delay >= after.min(LONGEST_RETRY_AFTER));
            prop_assert!(delay >= own);
            prop_assert!(delay <= Duration::from_secs(3960));
            prop_assert_eq!(no_sooner(own, None, random), own);
        }
    }
}
