//! A decision and a moment give the settlement's `Next`: when to try again, and when to give up.
//! Pure: time and randomness come in.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Outcome, Step};
use crate::ledger::{Claim, Next};

use super::Policy;
use super::backoff;
use super::decide::Decision;

/// What scheduling depends on beside the decision.
pub(super) struct Moment<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    /// From 0 to 1.
    pub(super) random: f64,
}

impl Moment<'_> {
    /// What becomes of the claimed change; `why` is what its call said, where it failed.
    pub(super) fn next(&self, claim: &Claim, decision: Decision, why: Option<String>) -> Next {
        match decision {
            Decision::End { outcome, membership_id, reason } => Next::Done { outcome, membership_id, reason },
            Decision::Refuse => dead(why),
            Decision::Then(step) => self.at_once(claim, step),
            Decision::Halt => self.again(claim, claim.step.clone(), self.policy.halt_pause, why, false),
            _ if self.gives_up(claim) => dead(Some(self.given_up(why))),
            Decision::Restart(step) => {
                let why = "the membership came or went between two calls".to_owned();
                self.again(claim, step, self.jittered(claim), Some(why), false)
            }
            Decision::Retry { after, outcome_unknown } => {
                let delay = backoff::no_sooner(self.jittered(claim), after, self.random);
                self.again(claim, claim.step.clone(), delay, why, outcome_unknown)
            }
            Decision::Wait => {
                let delay = backoff::slow(self.policy, claim.attempts, self.random);
                self.again(claim, claim.step.clone(), delay, why, false)
            }
        }
    }

    /// Due since its event was accepted: it keeps its place, where one that is due now would queue behind the backlog.
    fn at_once(&self, claim: &Claim, step: Step) -> Next {
        let due_at = claim.event.received_at.min(self.now);
        Next::Again { step, due_at, reason: None, answer_lost: claim.answer_lost }
    }

    fn again(&self, claim: &Claim, step: Step, delay: Duration, reason: Option<String>, lost: bool) -> Next {
        Next::Again { step, due_at: later(self.now, delay), reason, answer_lost: claim.answer_lost || lost }
    }

    fn jittered(&self, claim: &Claim) -> Duration {
        backoff::full_jitter(self.policy, claim.attempts, self.random)
    }

    fn gives_up(&self, claim: &Claim) -> bool {
        let limit = |first| later(first, self.policy.give_up_after) <= self.now;
        claim.first_attempt_at.is_some_and(limit)
    }

    fn given_up(&self, why: Option<String>) -> String {
        let limit = humantime::format_duration(self.policy.give_up_after);
        match why {
            Some(why) => format!("given up after {limit}; at last: {why}"),
            None => format!("given up after {limit}"),
        }
    }
}

fn dead(reason: Option<String>) -> Next {
    Next::Done { outcome: Outcome::Dead, membership_id: None, reason }
}

/// A later time; the last there is where the calendar ends.
pub(super) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
