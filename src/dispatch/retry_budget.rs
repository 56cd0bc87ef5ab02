//! How many calls may be repetitions: a fifth of all, so that a Clerk in trouble is not asked twice as much.
//! Pure: time comes in as `now`. Knows nothing of why a call failed.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::domain::ChangeId;

use super::Policy;

/// Beyond so many, a change is forgotten and its next call counts as a first one.
const REMEMBERED: usize = 100_000;
/// No change waits longer for its turn before it asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The budget, and which changes draw on it.
#[derive(Debug)]
pub(super) struct RetryBudget {
    deposit: f64,
    reserve: f64,
    /// One is allowed when the last was so long ago, whatever the budget says.
    at_least_every: Duration,
    /// The last two as they are where nobody else retries.
    alone: (f64, Duration),
    /// What is in it; less than nothing where that rule was applied.
    balance: f64,
    last: Option<Instant>,
    failed: HashSet<ChangeId>,
}

/// What a call is to the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first call of a change.
    First,
    /// The repetition of a call that failed.
    Retry,
    /// Any other: the next call of a recipe, or of a change that had to wait.
    Other,
}

impl RetryBudget {
    pub(super) fn new(policy: &Policy) -> Self {
        Self {
            deposit: policy.retry_deposit,
            reserve: policy.retry_reserve,
            at_least_every: policy.retry_at_least_every(),
            alone: (policy.retry_reserve, policy.retry_at_least_every()),
            balance: policy.retry_reserve,
            last: None,
            failed: HashSet::new(),
        }
    }

    /// So many share what is allowed whatever the budget says. What first calls pay in is everybody's own.
    pub(super) fn shared_by(&mut self, replicas: u32) {
        let (reserve, at_least_every) = self.alone;
        self.reserve = (reserve / f64::from(replicas.max(1))).max(1.0);
        self.at_least_every = at_least_every.saturating_mul(replicas.max(1));
        self.balance = self.balance.min(self.reserve);
    }

    /// What the next call of this change is, after so many counted attempts.
    pub(super) fn kind(&self, change: ChangeId, attempts: u32) -> Kind {
        match attempts {
            _ if self.failed.contains(&change) => Kind::Retry,
            0 => Kind::First,
            _ => Kind::Other,
        }
    }

    /// When such a call may leave; `None` when it may now.
    pub(super) fn next(&self, kind: Kind, now: Instant) -> Option<Instant> {
        let at = self.last.map(|last| last + self.at_least_every);
        at.filter(|at| kind == Kind::Retry && self.balance < 1.0 && *at > now)
    }

    /// How long a change waits that may not leave yet: all that wait take their turns in about so much time.
    pub(super) fn wait(&self, random: f64) -> Duration {
        let all = self.at_least_every.saturating_mul(u32::try_from(self.failed.len()).unwrap_or(u32::MAX));
        self.at_least_every + all.min(LONGEST_WAIT).mul_f64(random.clamp(0.0, 1.0))
    }

    /// A call of this change leaves.
    pub(super) fn leaves(&mut self, change: ChangeId, kind: Kind, now: Instant) {
        match kind {
            Kind::First => self.balance = (self.balance + self.deposit).min(self.reserve),
            Kind::Retry => {
                self.failed.remove(&change);
                self.last = Some(now);
                self.balance = (self.balance - 1.0).max(-self.reserve);
            }
            Kind::Other => {}
        }
    }

    /// This change makes no further call.
    pub(super) fn forget(&mut self, change: ChangeId) {
        self.failed.remove(&change);
    }

    /// The call of this change failed, and is to be repeated.
    pub(super) fn failed(&mut self, change: ChangeId) {
        if self.failed.len() < REMEMBERED {
            self.failed.insert(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rate;
    use super::super::fixtures::change;
    use super::*;
    use crate::domain::Action;
    use proptest::prelude::*;

    fn id(number: u32) -> ChangeId {
        change(number, "user_1", Action::Revoke).id
    }

    /// Of a development instance: at least one retry in 0.56 s.
    fn budget() -> RetryBudget {
        RetryBudget::new(&Policy { rate: Rate::TEST, ..Policy::default() })
    }

    #[test]
    fn a_change_is_first_then_a_retry_and_a_step_of_a_recipe_is_neither() {
        let (mut budget, now) = (budget(), Instant::now());
        assert_eq!(budget.kind(id(1), 0), Kind::First);
        assert_eq!(budget.kind(id(1), 1), Kind::Other);
        budget.failed(id(1));
        assert_eq!(budget.kind(id(1), 1), Kind::Retry);
        budget.leaves(id(1), Kind::Retry, now);
        assert_eq!(budget.kind(id(1), 2), Kind::Other);
    }

    #[test]
    fn the_reserve_is_spent_and_four_first_calls_earn_one_more() {
        let (mut budget, now) = (budget(), Instant::now());
        for _ in 0..10 {
            assert_eq!(budget.next(Kind::Retry, now), None);
            budget.leaves(id(1), Kind::Retry, now);
        }
        assert!(budget.next(Kind::Retry, now).is_some_and(|at| at <= now + Duration::from_secs(1)));
        assert_eq!((budget.next(Kind::First, now), budget.next(Kind::Other, now)), (None, None));
        (0..4).for_each(|_| budget.leaves(id(2), Kind::First, now));
        assert_eq!(budget.next(Kind::Retry, now), None);
    }

    #[test]
    fn what_is_always_allowed_is_shared_by_all_replicas() {
        let (mut budget, now) = (budget(), Instant::now());
        budget.shared_by(5);
        let left = (0..20).filter(|_| {
            let goes = budget.next(Kind::Retry, now).is_none();
            if goes {
                budget.leaves(id(1), Kind::Retry, now);
            }
            goes
        });
        assert_eq!(left.count(), 2);
        assert_eq!(budget.next(Kind::Retry, now), Some(now + budget.alone.1 * 5));
        budget.shared_by(1);
        assert_eq!(budget.next(Kind::Retry, now), Some(now + budget.alone.1));
    }

    #[test]
    fn those_that_wait_are_spread_over_the_time_they_take() {
        let mut budget = budget();
        assert!(budget.wait(1.0) < Duration::from_secs(1));
        (0..20).for_each(|number| budget.failed(id(number)));
        assert!(budget.wait(1.0) > Duration::from_secs(10));
        assert!(budget.wait(0.0) < Duration::from_secs(1));
        (0..5000).for_each(|number| budget.failed(id(number)));
        assert!(budget.wait(1.0) < Duration::from_secs(31));
    }

    proptest! {
        #[test]
        fn retries_are_a_fifth_of_all_calls_and_never_starve(
            steps in proptest::collection::vec((0_u64..200, 0_u32..8, 0_u32..40), 1..300),
        ) {
            let (mut budget, begun) = (budget(), Instant::now());
            let (mut now, mut firsts, mut retries, mut last) = (begun, 0_u32, 0_u32, begun);
            for (pause, first, wanted) in steps {
                now += Duration::from_millis(pause);
                (0..first).for_each(|_| budget.leaves(id(1), Kind::First, now));
                firsts += first;
                for _ in 0..wanted {
                    if budget.next(Kind::Retry, now).is_none() {
                        budget.leaves(id(1), Kind::Retry, now);
                        (retries, last) = (retries + 1, now);
                    }
                }
                prop_assert!(wanted == 0 || now - last < Duration::from_secs(1), "one a second is always allowed");
                let by_time = (now - begun).as_secs_f64() / budget.at_least_every.as_secs_f64();
                let most = f64::from(firsts) / 4.0 + by_time + 20.0 + 1.0;
                prop_assert!(f64::from(retries) <= most, "{retries} of {firsts}");
            }
        }

        #[test]
        fn at_full_pace_a_fifth_of_the_calls_are_retries(failing in 0.2..0.9_f64, seed in any::<u64>()) {
            let (mut budget, mut random) = (budget(), fastrand::Rng::with_seed(seed));
            let (mut now, mut waiting, mut retries, calls) = (Instant::now(), 0_u32, 0_u32, 3000_u32);
            for _ in 0..calls {
                // Nine calls a second, a retry before a first one whenever one may leave.
                now += Duration::from_millis(111);
                let kind = if waiting > 0 && budget.next(Kind::Retry, now).is_none() { Kind::Retry } else { Kind::First };
                budget.leaves(id(1), kind, now);
                (waiting, retries) = if kind == Kind::Retry { (waiting - 1, retries + 1) } else { (waiting, retries) };
                waiting += u32::from(random.f64() < failing);
            }
            prop_assert!(retries <= calls / 5 + 25, "{retries}");
        }
    }
}
