//! The limits that Clerk has beside the instance's: role updates of one membership, invitations of the instance.
//! Pure: time comes in as `now`. Knows nothing of the pace.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::domain::MembershipKey;

use super::bucket::Bucket;
use super::{Policy, Rate};

/// So many memberships are kept in mind at least before the old ones are looked for.
const FEW: usize = 64;
/// So many at most.
const MANY: usize = 10_000;

/// The limits.
#[derive(Debug)]
pub(super) struct Limits {
    updates: Rate,
    /// When the role of each membership was updated of late, the oldest first.
    updated: HashMap<MembershipKey, VecDeque<Instant>>,
    sweep_at: usize,
    invitations: Bucket,
}

/// A call, as far as a limit of its own holds for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limited<'a> {
    /// Changes the role of a membership.
    RoleUpdate(&'a MembershipKey),
    /// Invites somebody.
    Invitation,
    /// None does.
    No,
}

/// Whether a call may leave as far as these limits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may.
    Go,
    /// Not before this instant.
    NotBefore(Instant),
}

impl Limits {
    pub(super) fn new(policy: &Policy, now: Instant) -> Self {
        let invitations = Bucket::new(policy.invitations, policy.invitation_burst, now);
        Self { updates: policy.role_updates, updated: HashMap::new(), sweep_at: FEW, invitations }
    }

    /// Whether such a call may leave now; counts nothing.
    pub(super) fn ask(&mut self, call: Limited<'_>, now: Instant) -> Verdict {
        let not_before = match call {
            Limited::RoleUpdate(key) => self.next_update(key, now),
            Limited::Invitation => self.invitations.next(now),
            Limited::No => None,
        };
        not_before.map_or(Verdict::Go, Verdict::NotBefore)
    }

    /// Such a call leaves.
    pub(super) fn leaves(&mut self, call: Limited<'_>, now: Instant) {
        match call {
            Limited::RoleUpdate(key) => self.updated(key, now),
            Limited::Invitation => self.invitations.take(),
            Limited::No => {}
        }
    }

    fn next_update(&mut self, key: &MembershipKey, now: Instant) -> Option<Instant> {
        let per = self.updates.per;
        let Some(times) = self.updated.get(key) else { return self.make_room(now) };
        let recent = times.iter().filter(|time| **time + per > now);
        let full = recent.clone().count() >= self.updates.calls.max(1) as usize;
        recent.min().filter(|_| full).map(|oldest| *oldest + per)
    }

    fn updated(&mut self, key: &MembershipKey, now: Instant) {
        let times = self.updated.entry(key.clone()).or_default();
        if times.len() >= self.updates.calls.max(1) as usize {
            times.pop_front();
        }
        times.push_back(now);
    }

    /// Forgets who was updated long enough ago. Where none was, one more has to wait: more calls than the pace allows.
    fn make_room(&mut self, now: Instant) -> Option<Instant> {
        if self.updated.len() < self.sweep_at {
            return None;
        }
        let per = self.updates.per;
        self.updated.retain(|_, times| times.back().is_some_and(|last| *last + per > now));
        self.sweep_at = (self.updated.len() * 2).clamp(FEW, MANY);
        (self.updated.len() >= MANY).then(|| now + Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::change;
    use super::*;
    use crate::domain::Action;
    use proptest::prelude::*;

    fn key(user: &str) -> MembershipKey {
        change(1, user, Action::Revoke).key
    }

    fn limits() -> (Limits, Instant) {
        let now = Instant::now();
        (Limits::new(&Policy::default(), now), now)
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn goes(limits: &mut Limits, call: Limited<'_>, now: Instant) -> bool {
        let goes = limits.ask(call, now) == Verdict::Go;
        if goes {
            limits.leaves(call, now);
        }
        goes
    }

    #[test]
    fn the_tenth_update_of_a_membership_in_ten_seconds_waits_and_no_other_does() {
        let (mut limits, now) = limits();
        let (ada, bob) = (key("user_ada"), key("user_bob"));
        assert!((0..9).all(|_| goes(&mut limits, Limited::RoleUpdate(&ada), now)));
        assert_eq!(limits.ask(Limited::RoleUpdate(&ada), now), Verdict::NotBefore(now + seconds(10.0)));
        assert!(goes(&mut limits, Limited::RoleUpdate(&bob), now));
        assert!(goes(&mut limits, Limited::No, now));
        assert!(goes(&mut limits, Limited::RoleUpdate(&ada), now + seconds(10.0)));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut limits, now) = limits();
        for number in 0..MANY + 100 {
            let goes = goes(&mut limits, Limited::RoleUpdate(&key(&format!("user_{number}"))), now);
            assert_eq!(goes, number < MANY);
        }
        assert!(goes(&mut limits, Limited::RoleUpdate(&key("user_ada")), now + seconds(10.0)));
        assert_eq!(limits.updated.len(), 1, "those of long ago are forgotten");
    }

    proptest! {
        #[test]
        fn no_window_sees_more_than_clerk_takes(pauses in proptest::collection::vec((0_u8..3, 0.0..1.5_f64), 1..200)) {
            let (mut limits, mut now) = limits();
            let keys = [key("user_1"), key("user_2"), key("user_3")];
            let mut left = [const { Vec::new() }; 3];
            for (user, pause) in pauses {
                now += seconds(pause / 3.0);
                let user = usize::from(user);
                if goes(&mut limits, Limited::RoleUpdate(&keys[user]), now) {
                    left[user].push(now);
                } else {
                    let Verdict::NotBefore(at) = limits.ask(Limited::RoleUpdate(&keys[user]), now) else { unreachable!() };
                    prop_assert!(at > now && limits.ask(Limited::RoleUpdate(&keys[user]), at) == Verdict::Go);
                }
            }
            for times in left {
                for (first, last) in times.iter().zip(times.iter().skip(9)) {
                    prop_assert!(*last >= *first + seconds(10.0));
                }
            }
        }

        #[test]
        fn no_hour_sees_more_than_nine_tenths_of_the_invitations(
            pauses in proptest::collection::vec(0.0..40.0_f64, 1..1000),
        ) {
            let (mut limits, mut now) = limits();
            let mut left = Vec::new();
            for pause in pauses {
                now += seconds(pause);
                while goes(&mut limits, Limited::Invitation, now) {
                    left.push(now);
                }
            }
            for (first, last) in left.iter().zip(left.iter().skip(225)) {
                prop_assert!(*last > *first + seconds(3600.0));
            }
        }
    }
}
