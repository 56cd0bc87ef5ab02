//! A decision and a moment give the settlement's `Next`: when to try again, and when to give up.
//! Pure: time and randomness come in.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Action, MissingUser, Outcome, Step};
use crate::ledger::{Claim, Next};

use super::Policy;
use super::backoff;
use super::decide::{Decision, WaitFor};

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
            Decision::Refuse { reason } => dead(reason.or(why)),
            Decision::Then(step) => self.at_once(claim, step, claim.answer_lost),
            // The ledger must know that this change can no longer be left out.
            Decision::Took(step) => self.at_once(claim, step, true),
            Decision::Found { key } => Next::Found { key },
            Decision::Hold { reason } => Next::Held { reason },
            Decision::Halt => self.again(claim, claim.step.clone(), self.policy.halt_pause, why, false),
            Decision::Wait(for_whom) => self.wait(claim, for_whom, why),
            Decision::Restart(_) | Decision::Retry { .. } if self.gives_up(claim) => dead(Some(self.given_up(why))),
            Decision::Restart(step) => {
                let why = "what is there came or went between two calls".to_owned();
                self.again(claim, step, self.jittered(claim), Some(why), false)
            }
            Decision::Retry { step, after, outcome_unknown } => {
                let delay = backoff::no_sooner(self.jittered(claim), after, self.random);
                self.again(claim, step, delay, why, outcome_unknown)
            }
        }
    }

    /// The slow schedule: room is waited for as long as for anything, a user as long as people take to sign up.
    fn wait(&self, claim: &Claim, for_whom: WaitFor, why: Option<String>) -> Next {
        let why = match for_whom {
            WaitFor::Room if self.gives_up(claim) => return dead(Some(self.given_up(why))),
            WaitFor::Room => why,
            WaitFor::User if self.waited(claim) => return dead(Some(self.waited_long_enough())),
            WaitFor::User => Some("there is no such user yet".to_owned()),
        };
        self.again(claim, claim.step.clone(), backoff::slow(self.policy, claim.attempts, self.random), why, false)
    }

    /// Due since its event was accepted: it keeps its place, where one that is due now would queue behind the backlog.
    fn at_once(&self, claim: &Claim, step: Step, answer_lost: bool) -> Next {
        let due_at = claim.event.received_at.min(self.now);
        Next::Again { step, due_at, reason: None, answer_lost }
    }

    fn again(&self, claim: &Claim, step: Step, delay: Duration, reason: Option<String>, lost: bool) -> Next {
        Next::Again { step, due_at: later(self.now, delay), reason, answer_lost: claim.answer_lost || lost }
    }

    fn jittered(&self, claim: &Claim) -> Duration {
        backoff::full_jitter(self.policy, claim.attempts, self.random)
    }

    fn gives_up(&self, claim: &Claim) -> bool {
        let limit = |first| later(first, self.policy.give_up_after) <= self.now;
        // A change that has waited for its user for days is not given up for one bad minute of Clerk's.
        claim.first_attempt_at.is_some_and(limit) && (!waits_for_user(claim) || self.waited(claim))
    }

    /// Whether a user was waited for as long as may be, from the acceptance on.
    fn waited(&self, claim: &Claim) -> bool {
        later(claim.event.received_at, self.policy.wait_for_user) <= self.now
    }

    fn waited_long_enough(&self) -> String {
        let limit = humantime::format_duration(self.policy.wait_for_user);
        format!("there was no such user within {limit} of the event")
    }

    fn given_up(&self, why: Option<String>) -> String {
        let limit = humantime::format_duration(self.policy.give_up_after);
        match why {
            Some(why) => format!("given up after {limit}; at last: {why}"),
            None => format!("given up after {limit}"),
        }
    }
}

fn waits_for_user(claim: &Claim) -> bool {
    matches!(&claim.change.action, Action::Grant(grant) if grant.missing_user == MissingUser::Wait)
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
