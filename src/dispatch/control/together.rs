//! What control does together with other replicas: takes slices, tells, hears.
//! Pure: time and randomness come in. Knows nothing of how it is carried.

use std::time::Instant;

use super::super::breaker::Phase;
use super::super::common::Tell;
use super::super::permits::Permit;
use super::super::slices::Want;
use super::{Control, limited};
use crate::ledger::{Claim, Slice, SliceAsk, Standing};

/// What is to be done for all replicas.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::dispatch) enum Errand {
    /// They are told this.
    Tell(Tell),
    /// A slice of what they share is taken.
    Slice(SliceAsk),
    /// Nothing, until then or until something comes up.
    Wait(Option<Instant>),
}

/// What is new about all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::dispatch) struct CommonNews {
    /// The breaker's new phase.
    pub(in crate::dispatch) phase: Option<Phase>,
    /// Paused, or no more.
    pub(in crate::dispatch) paused: Option<bool>,
}

impl Control {
    /// What to ask for to get such a permit.
    pub(in crate::dispatch) fn permit(&self, permit: Permit, claim: &Claim) -> Option<SliceAsk> {
        self.buckets.as_ref()?.ask(permit, limited(claim))
    }

    /// There is no such permit before this instant.
    pub(in crate::dispatch) fn no_permit_before(&mut self, permit: Permit, at: Instant) {
        if permit == Permit::Probe {
            self.breaker.no_probe_before(at);
        }
    }

    /// What holds for all holds here too.
    pub(in crate::dispatch) fn heard(&mut self, standing: &Standing, now: Instant) -> CommonNews {
        if let Some(time) = standing.closed_for {
            self.pace.close(now, now + time);
        }
        let paused = (self.common.paused != standing.paused).then_some(standing.paused);
        self.common.paused = standing.paused;
        let halted_since = standing.halted.as_ref().map(|halted| halted.since);
        let hears = self.buckets.is_some() && !self.common.knows_best();
        CommonNews { phase: if hears { self.breaker.heard(now, halted_since) } else { None }, paused }
    }

    /// What is to be done for all, while so many calls wait for tokens.
    pub(in crate::dispatch) fn errand(&mut self, now: Instant, waiting: usize) -> Errand {
        if let Some(tell) = self.common.next(now) {
            return Errand::Tell(tell);
        }
        let Some(slices) = self.pace.slices() else { return Errand::Wait(None) };
        match slices.want(now, waiting) {
            Want::Now(want) => Errand::Slice(slices.share().ask("pace".to_owned(), want)),
            Want::At(at) => Errand::Wait(Some(at)),
        }
    }

    /// All were told.
    pub(in crate::dispatch) fn told(&mut self, tell: &Tell) {
        self.common.told(tell);
    }

    /// A slice came that was asked for at `asked`, of so many tokens as were wanted.
    pub(in crate::dispatch) fn slice(&mut self, slice: &Slice, want: u32, asked: Instant, now: Instant, random: f64) {
        self.retries.shared_by(slice.replicas);
        let is_open = self.pace.is_open(now);
        if let Some(slices) = self.pace.slices() {
            slices.came(slice, want, asked, now, random);
            if !is_open {
                slices.void();
            }
        }
    }

    /// Nobody could be asked for one.
    pub(in crate::dispatch) fn no_slice(&mut self, now: Instant) {
        if let Some(slices) = self.pace.slices() {
            slices.failed(now);
        }
    }

    pub(in crate::dispatch) fn is_paused(&self) -> bool {
        self.common.paused
    }
}

#[cfg(test)]
mod tests;
