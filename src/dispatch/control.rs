//! Everything that decides whether a call leaves now: breaker, pace, the budget of retries, Clerk's further limits; alone or
//! with other replicas.
//! Pure: time and randomness come in. Knows nothing of slots, nor of who waits.

use std::time::{Duration, Instant};

use crate::bapi::Health;
use crate::domain::{ChangeId, Step};
use crate::ledger::Claim;

use super::backoff;
use super::breaker::{Ask, Breaker, Phase, Sign};
use super::common::{Common, Tell};
use super::decide::Decision;
use super::limits::{Limited, Limits, Verdict};
use super::pace::{self, Pace, Room};
use super::permits::{Buckets, Permit, Permits};
use super::retry_budget::{Kind, RetryBudget};
use super::{Policy, backoff::LONGEST_RETRY_AFTER};

mod together;

pub(super) use together::Errand;

pub(super) struct Control {
    breaker: Breaker,
    pace: Pace,
    retries: RetryBudget,
    limits: Limits,
    common: Common,
    /// Where others make calls as well.
    buckets: Option<Buckets>,
}

/// An operator ends a pause at any time: so long it is taken for granted.
const PAUSED: Duration = Duration::from_secs(1);

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
    /// It needs a token that all share, and none was asked for yet.
    Ask(Permit),
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
            common: Common::default(),
            buckets: None,
        }
    }

    /// Where others make calls as well, and all together keep to the policy.
    pub(super) fn shared(policy: &Policy, now: Instant) -> Self {
        let pace = Pace::shared(policy.rate, now);
        Self { pace, buckets: Some(Buckets::new(policy)), ..Self::new(policy, now) }
    }

    /// How many calls could leave now; counts nothing.
    pub(super) fn room(&mut self, now: Instant) -> Room {
        if self.common.paused {
            return Room::NotBefore(now + PAUSED);
        }
        match (self.breaker.ask(now), self.pace.room(now)) {
            (Ask::NotBefore(at), Room::NotBefore(paced)) => Room::NotBefore(at.max(paced)),
            (Ask::NotBefore(at), Room::Calls(_)) | (_, Room::NotBefore(at)) => Room::NotBefore(at),
            (Ask::Probe, Room::Calls(_)) => Room::Calls(1),
            (Ask::Go, calls) => calls,
        }
    }

    /// Lets the call of a claim leave, or says when to ask again.
    pub(super) fn leave(&mut self, claim: &Claim, permits: &Permits, now: Instant, random: f64) -> Leave {
        let (change, limited) = (claim.change.id, limited(claim));
        if self.common.paused {
            return Leave::Back(now);
        }
        let ask = self.breaker.ask(now);
        if let Ask::NotBefore(at) = ask {
            return Leave::Back(at);
        }
        if let Verdict::NotBefore(at) = self.within_limits(limited, now) {
            return Leave::Back(at);
        }
        let kind = self.retries.kind(change, claim.attempts);
        // A probe is the breaker's affair, whatever change it is made for.
        if ask == Ask::Go && self.retries.next(kind, now).is_some() {
            return Leave::Back(now + self.retries.wait(random));
        }
        match (self.pace.ready(now), self.missing(ask, limited, permits, now)) {
            (pace::Leave::Later(at), _) => Leave::Later(at),
            (pace::Leave::Closed(at), _) => Leave::Back(at),
            (pace::Leave::Go, Some(permit)) => Leave::Ask(permit),
            (pace::Leave::Go, None) => self.leaves(change, kind, limited, ask == Ask::Probe, now, random),
        }
    }

    /// Limits that all share are kept by permits.
    fn within_limits(&mut self, call: Limited<'_>, now: Instant) -> Verdict {
        if self.buckets.is_some() { Verdict::Go } else { self.limits.ask(call, now) }
    }

    fn missing(&self, ask: Ask, call: Limited<'_>, permits: &Permits, now: Instant) -> Option<Permit> {
        self.buckets.as_ref()?;
        // While Clerk is down everybody probes: it may be down for one alone.
        let common_probe = ask == Ask::Probe && self.phase() == Phase::Halted;
        permits.missing(common_probe, call, now)
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
        self.pace.spend(now);
        if self.buckets.is_none() {
            self.limits.leaves(limited, now);
        }
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
        let was_halted = self.phase() == Phase::Halted;
        let mut news = News { phase: self.breaker.ended(now, sign, call.probe, random), silence_capped: false };
        match news.phase {
            Some(Phase::Halted) => self.note(|| Tell::Halted(call.why.unwrap_or_default().to_owned())),
            Some(_) if was_halted => self.note(|| Tell::GoesOn),
            _ => {}
        }
        if let Decision::Retry { after, .. } = call.decision {
            self.retries.failed(call.change);
            if let Some(after) = *after {
                let until = now + backoff::heeded(after);
                let closed = self.pace.close(now, until);
                self.note(|| Tell::Closed(until));
                news.silence_capped = closed && after > LONGEST_RETRY_AFTER;
            }
        }
        news
    }

    fn note(&mut self, tell: impl FnOnce() -> Tell) {
        if self.buckets.is_some() {
            self.common.note(tell());
        }
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
    /// What it said, where it failed.
    pub(super) why: Option<&'a str>,
}

fn limited(claim: &Claim) -> Limited<'_> {
    match claim.step {
        Step::Update => Limited::RoleUpdate(&claim.change.key),
        Step::Invite => Limited::Invitation,
        _ => Limited::No,
    }
}

#[cfg(test)]
mod tests;
