//! Everything that decides whether a call leaves now: breaker, pace, the budget of retries, Clerk's further limits.
//! Pure: time and randomness come in. Knows nothing of slots, nor of who waits.

use std::time::Instant;

use crate::bapi::Health;
use crate::domain::{ChangeId, Step};
use crate::ledger::Claim;

use super::backoff;
use super::breaker::{Ask, Breaker, Phase, Sign};
use super::decide::Decision;
use super::limits::{Limited, Limits, Verdict};
use super::pace::{self, Pace, Room};
use super::retry_budget::{Kind, RetryBudget};
use super::{Policy, backoff::LONGEST_RETRY_AFTER};

pub(super) struct Control {
    breaker: Breaker,
    pace: Pace,
    retries: RetryBudget,
    limits: Limits,
}

/// Whether the call that a claim needs may leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It may, and it counts.
    Go {
        /// Its answer decides whether the breaker closes.
        probe: bool,
    },
    /// It is the pace's turn soon.
    Later(Instant),
    /// It goes back to the ledger until then.
    Back(Instant),
}

/// What the end of a call changed for all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct News {
    /// The breaker's new phase.
    pub(super) phase: Option<Phase>,
    /// Clerk asked for a longer silence than is believed.
    pub(super) silence_capped: bool,
}

impl Control {
    pub(super) fn new(policy: &Policy, now: Instant) -> Self {
        Self {
            breaker: Breaker::new(policy),
            pace: Pace::new(policy.rate, now),
            retries: RetryBudget::new(policy),
            limits: Limits::new(policy, now),
        }
    }

    /// How many calls could leave now; counts nothing.
    pub(super) fn room(&mut self, now: Instant) -> Room {
        match (self.breaker.ask(now), self.pace.room(now)) {
            (Ask::NotBefore(at), Room::NotBefore(paced)) => Room::NotBefore(at.max(paced)),
            (Ask::NotBefore(at), Room::Calls(_)) | (_, Room::NotBefore(at)) => Room::NotBefore(at),
            (Ask::Probe, Room::Calls(_)) => Room::Calls(1),
            (Ask::Go, calls) => calls,
        }
    }

    /// Lets the call of a claim leave, or says when to ask again.
    pub(super) fn leave(&mut self, claim: &Claim, now: Instant, random: f64) -> Leave {
        let (change, limited) = (claim.change.id, limited(claim));
        let ask = self.breaker.ask(now);
        if let Ask::NotBefore(at) = ask {
            return Leave::Back(at);
        }
        if let Verdict::NotBefore(at) = self.limits.ask(limited, now) {
            return Leave::Back(at);
        }
        let kind = self.retries.kind(change, claim.attempts);
        // A probe is the breaker's affair, whatever change it is made for.
        if ask == Ask::Go && self.retries.next(kind, now).is_some() {
            return Leave::Back(now + self.retries.wait(random));
        }
        match self.pace.take(now) {
            pace::Leave::Later(at) => Leave::Later(at),
            pace::Leave::Closed(at) => Leave::Back(at),
            pace::Leave::Go => self.leaves(change, kind, limited, ask == Ask::Probe, now, random),
        }
    }

    fn leaves(
        &mut self,
        change: ChangeId,
        kind: Kind,
        limited: Limited<'_>,
        probe: bool,
        now: Instant,
        random: f64,
    ) -> Leave {
        self.limits.leaves(limited, now);
        self.retries.leaves(change, kind, now);
        if probe {
            self.breaker.begin_probe(now, random);
        }
        Leave::Go { probe }
    }

    /// Heeds what came of a call.
    pub(super) fn ended(&mut self, call: &Ended<'_>, now: Instant, random: f64) -> News {
        let sign = match (call.decision, call.health) {
            (Decision::Halt, _) => Sign::Halt,
            (_, Health::Down) => Sign::Down,
            (_, Health::Well | Health::Busy) => Sign::Up,
        };
        let mut news = News { phase: self.breaker.ended(now, sign, call.probe, random), silence_capped: false };
        if let Decision::Retry { after, .. } = call.decision {
            self.retries.failed(call.change);
            if let Some(after) = *after {
                let closed = self.pace.close(now, now + backoff::heeded(after));
                news.silence_capped = closed && after > LONGEST_RETRY_AFTER;
            }
        }
        news
    }

    /// A change came to its end.
    pub(super) fn forget(&mut self, change: ChangeId) {
        self.retries.forget(change);
    }

    pub(super) fn phase(&self) -> Phase {
        self.breaker.phase()
    }

    pub(super) fn pace_is_open(&self, now: Instant) -> bool {
        self.pace.is_open(now)
    }
}

/// A call that ended.
pub(super) struct Ended<'a> {
    pub(super) change: ChangeId,
    pub(super) probe: bool,
    pub(super) health: Health,
    pub(super) decision: &'a Decision,
}

fn limited(claim: &Claim) -> Limited<'_> {
    match claim.step {
        Step::Update => Limited::RoleUpdate(&claim.change.key),
        Step::Invite => Limited::Invitation,
        _ => Limited::No,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Rate;
    use super::super::fixtures::claim;
    use super::*;
    use crate::domain::Action;

    const RETRY: Decision = Decision::Retry { step: Step::Create, after: None, outcome_unknown: false };
    const GO: Leave = Leave::Go { probe: false };

    fn control() -> (Control, Instant) {
        let now = Instant::now();
        let rate = Rate { calls: 900, per: Duration::from_secs(10) };
        (Control::new(&Policy { rate, ..Policy::default() }, now), now)
    }

    fn ended(control: &mut Control, decision: &Decision, health: Health, probe: bool, now: Instant) -> News {
        let change = claim(Action::Revoke).change.id;
        control.ended(&Ended { change, probe, health, decision }, now, 0.5)
    }

    #[test]
    fn an_open_breaker_lets_one_probe_leave_and_its_answer_all_others() {
        let (mut control, now) = control();
        let claim = claim(Action::Revoke);
        let last = (0..5).map(|_| ended(&mut control, &RETRY, Health::Down, false, now)).last();
        assert_eq!(last.and_then(|news| news.phase), Some(Phase::Open));
        let at = now + Duration::from_millis(800);
        assert_eq!((control.room(now), control.leave(&claim, now, 0.5)), (Room::NotBefore(at), Leave::Back(at)));
        assert_eq!((control.room(at), control.leave(&claim, at, 0.5)), (Room::Calls(1), Leave::Go { probe: true }));
        assert!(matches!(control.leave(&claim, at, 0.5), Leave::Back(_)));
        assert_eq!(
            ended(&mut control, &Decision::Refuse { reason: None }, Health::Well, true, at).phase,
            Some(Phase::Closed)
        );
        assert_eq!(control.leave(&claim, at, 0.5), GO);
    }

    #[test]
    fn a_429_is_no_failure_of_clerk_and_closes_the_pace() {
        let (mut control, now) = control();
        let retry = |seconds| Decision::Retry {
            step: Step::Create,
            after: Some(Duration::from_secs(seconds)),
            outcome_unknown: false,
        };
        let news: Vec<_> =
            (0..9).map(|_| ended(&mut control, &retry(7200), Health::Busy, false, now).silence_capped).collect();
        assert_eq!(news.iter().filter(|capped| **capped).count(), 1, "said once");
        assert_eq!(control.phase(), Phase::Closed);
        assert_eq!(control.leave(&claim(Action::Revoke), now, 0.5), Leave::Back(now + LONGEST_RETRY_AFTER));
        assert!(!control.pace_is_open(now));
    }

    #[test]
    fn retries_beyond_the_budget_go_back_for_a_moment_and_first_calls_do_not() {
        let (mut control, now) = control();
        let again = Claim { attempts: 1, ..claim(Action::Revoke) };
        for _ in 0..10 {
            ended(&mut control, &RETRY, Health::Well, false, now);
            assert_eq!(control.leave(&again, now, 0.5), GO);
        }
        assert_eq!(control.leave(&again, now, 0.5), GO, "it did not fail: a step of its recipe");
        ended(&mut control, &RETRY, Health::Well, false, now);
        let Leave::Back(at) = control.leave(&again, now, 0.5) else { panic!("the reserve is spent") };
        assert!(at > now && at < now + Duration::from_secs(2));
        assert_eq!(control.leave(&again, now + Duration::from_secs(1), 0.5), GO);
    }

    #[test]
    fn role_updates_of_one_membership_have_a_limit_of_their_own() {
        let (mut control, now) = control();
        let update = Claim { step: Step::Update, attempts: 1, ..claim(Action::Revoke) };
        (0..9).for_each(|_| assert_eq!(control.leave(&update, now, 0.5), GO));
        assert_eq!(control.leave(&update, now, 0.5), Leave::Back(now + Duration::from_secs(10)));
        assert_eq!(control.leave(&claim(Action::Revoke), now, 0.5), GO);
    }
}
