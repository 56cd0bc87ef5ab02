//! Which request goes wrong, and how: decided by seed and request number alone, so that a run can be repeated.
//! Knows neither sockets nor what the request asks for.

use serde::Serialize;

/// Spreads consecutive request numbers over the generator's state (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// What befell a call besides being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// Answered 500 without an effect.
    Fail,
    /// Connection cut without an effect.
    DropBefore,
    /// Effect done, then connection cut without an answer.
    DropAfter,
    /// Answered 429 without an effect.
    RateLimited,
    /// What a test wrote down for it.
    Scripted,
    /// Met a total outage, without an effect.
    Outage,
}

/// How often each fault strikes a `/v1` call, as shares of 1; one call meets one fault at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// Share of calls answered 500 without an effect.
    pub fail: f64,
    /// Share of calls whose connection is cut without an effect.
    pub drop_before: f64,
    /// Share of calls whose connection is cut after their effect.
    pub drop_after: f64,
}

/// Why these shares cannot be dealt.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FaultsError {
    /// A share below 0, above 1, or not a number.
    #[error("a fault rate must be between 0 and 1, not {0}")]
    OutOfRange(f64),
    /// Together more than every call.
    #[error("the fault rates add up to {0}; together they can be 1 at most")]
    TooMany(f64),
}

impl Faults {
    /// Refuses shares that are no shares.
    pub fn checked(self) -> Result<Self, FaultsError> {
        let rates = [self.fail, self.drop_before, self.drop_after];
        if let Some(rate) = rates.into_iter().find(|rate| !(0.0..=1.0).contains(rate)) {
            return Err(FaultsError::OutOfRange(rate));
        }
        let sum: f64 = rates.iter().sum();
        // A little room: 0.7 + 0.2 + 0.1 is a hair above 1 in floating point.
        if sum > 1.0 + 1e-9 { Err(FaultsError::TooMany(sum)) } else { Ok(self) }
    }

    /// What strikes the call with this number.
    pub(super) fn strike(&self, seed: u64, number: u64) -> Option<Fault> {
        let lot = fastrand::Rng::with_seed(seed ^ number.wrapping_mul(SPREAD)).f64();
        let (fail, before) = (self.fail, self.fail + self.drop_before);
        match lot {
            lot if lot < fail => Some(Fault::Fail),
            lot if lot < before => Some(Fault::DropBefore),
            lot if lot < before + self.drop_after => Some(Fault::DropAfter),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: Faults = Faults { fail: 0.2, drop_before: 0.1, drop_after: 0.1 };

    fn strikes(seed: u64) -> Vec<Option<Fault>> {
        (1..=10_000).map(|number| MIXED.strike(seed, number)).collect()
    }

    #[test]
    fn the_same_seed_strikes_the_same_calls() {
        assert_eq!(strikes(7), strikes(7));
        assert_ne!(strikes(7), strikes(8));
    }

    #[test]
    fn every_fault_comes_as_often_as_it_was_asked_for() {
        for (fault, expected) in [(Fault::Fail, 2_000), (Fault::DropBefore, 1_000), (Fault::DropAfter, 1_000)] {
            let count = strikes(1).into_iter().filter(|struck| *struck == Some(fault)).count();
            assert!(count.abs_diff(expected) < 150, "{fault:?}: {count}");
        }
    }

    #[test]
    fn rates_that_are_no_shares_are_refused() {
        assert!(MIXED.checked().is_ok());
        assert_eq!(Faults { fail: 1.5, ..MIXED }.checked(), Err(FaultsError::OutOfRange(1.5)));
        assert!(matches!(Faults { fail: 0.9, ..MIXED }.checked(), Err(FaultsError::TooMany(_))));
        assert!(Faults { fail: f64::NAN, ..MIXED }.checked().is_err());
    }
}
