//! The tokens that this replica has taken of the pace that all share, and when to take more.
//! Pure: time and randomness come in. Knows nothing of where they are taken.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::share::Share;
use crate::ledger::Slice;

/// More than this much of the pace is never taken at once beyond one call: what is not used is lost for all.
const AHEAD: Duration = Duration::from_millis(200);
/// Who got less than was wanted asks again after this much, or up to three times as much: nobody always comes just after
/// another.
const PAUSE: Duration = Duration::from_millis(25);
/// How often to look whether calls are made at all.
const LOOK: Duration = Duration::from_secs(1);

/// The tokens.
#[derive(Debug)]
pub(super) struct Slices {
    share: Share,
    /// How many are left of each, and until when; the first end first.
    held: VecDeque<(usize, Instant)>,
    used: Used,
    replicas: u32,
    /// Asking for more is in vain before.
    next_at: Instant,
    look_at: Instant,
}

/// Whether to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// For so many; with none only for what holds for all.
    Now(u32),
    /// Not before, unless somebody comes meanwhile.
    At(Instant),
}

impl Slices {
    pub(super) fn new(share: Share, now: Instant) -> Self {
        let used = Used { count: 0.0, at: now };
        Self { share, held: VecDeque::new(), used, replicas: 1, next_at: now, look_at: now }
    }

    /// How many calls could leave now.
    pub(super) fn tokens(&mut self, now: Instant) -> usize {
        while self.held.front().is_some_and(|(left, until)| *left == 0 || *until <= now) {
            self.held.pop_front();
        }
        self.held.iter().map(|(left, _)| left).sum()
    }

    /// Takes one that [`Slices::tokens`] found.
    pub(super) fn take(&mut self, now: Instant) {
        let used_up = self.held.front_mut().is_some_and(|(left, _)| {
            *left = left.saturating_sub(1);
            *left == 0
        });
        if used_up {
            self.held.pop_front();
        }
        self.used.one_more(now);
    }

    /// Those that are held are worth nothing any more.
    pub(super) fn void(&mut self) {
        self.held.clear();
    }

    /// How many changes may be claimed: those that wait for tokens beyond the ones held are few, or others could have made
    /// them meanwhile.
    pub(super) fn room(&mut self, now: Instant) -> usize {
        let fair = self.most() / f64::from(self.replicas);
        let ahead = self.used.of_late(now).max(fair).min(self.most());
        self.tokens(now) + 1 + ahead as usize
    }

    /// When there may be tokens again, for whoever found none.
    pub(super) fn next(&self, now: Instant) -> Instant {
        self.next_at.max(now + PAUSE)
    }

    /// Whether to ask for more, while so many calls wait for nothing else.
    pub(super) fn want(&mut self, now: Instant, waiting: usize) -> Want {
        let (tokens, soon) = (self.tokens(now), self.used.of_late(now));
        let low = tokens < waiting + (soon / 4.0) as usize;
        match (low && self.next_at <= now, self.look_at <= now) {
            (true, _) => Want::Now(self.wanted(tokens, waiting, soon)),
            (false, true) => Want::Now(0),
            (false, false) if low => Want::At(self.next_at.min(self.look_at)),
            (false, false) => Want::At(self.look_at),
        }
    }

    /// What waits, and as many as were used of late; those are on their way.
    fn wanted(&self, tokens: usize, waiting: usize, soon: f64) -> u32 {
        let wanted = (waiting as f64 + soon.ceil() - tokens as f64).clamp(1.0, 1.0 + self.most());
        wanted as u32
    }

    /// The most that is taken at once beyond one call.
    fn most(&self) -> f64 {
        self.share.per_second * AHEAD.as_secs_f64()
    }

    /// A slice came that was asked for at `asked`, of so many as were wanted.
    pub(super) fn came(&mut self, slice: &Slice, want: u32, asked: Instant, now: Instant, random: f64) {
        self.replicas = slice.replicas.max(1);
        self.look_at = now + LOOK;
        if slice.tokens > 0 {
            self.held.push_back((slice.tokens as usize, asked + slice.good_for));
        }
        if want > 0 {
            let again = |next: Duration| next.max(PAUSE) + PAUSE.mul_f64(2.0 * random.clamp(0.0, 1.0));
            self.next_at = now + slice.next_in.map_or(Duration::ZERO, again);
        }
    }

    /// Nobody could be asked.
    pub(super) fn failed(&mut self, now: Instant) {
        (self.next_at, self.look_at) = (now + LOOK, now + LOOK);
    }

    pub(super) fn share(&self) -> Share {
        self.share
    }
}

/// How many calls left of late: each counts less the longer it is ago.
#[derive(Debug)]
struct Used {
    count: f64,
    at: Instant,
}

impl Used {
    /// In about the time that is taken ahead.
    fn of_late(&self, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.count * (-since / AHEAD.as_secs_f64()).exp()
    }

    fn one_more(&mut self, now: Instant) {
        *self = Self { count: self.of_late(now) + 1.0, at: now };
    }
}

#[cfg(test)]
mod tests;
