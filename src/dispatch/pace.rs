//! When the next call may leave: its tokens, and the time until which a Retry-After holds everybody back.
//! Pure: time comes in as `now`. Knows nothing of what the calls are.

use std::time::Instant;

use super::Rate;
use super::bucket::Bucket;
use super::share::Share;
use super::slices::Slices;

/// The tokens, and whether it is closed.
#[derive(Debug)]
pub(super) struct Pace {
    tokens: Tokens,
    closed_until: Option<Instant>,
}

#[derive(Debug)]
enum Tokens {
    /// Nobody else spends any.
    Own(Bucket),
    /// Of a bucket that others take from as well.
    Shared(Slices),
}

impl Tokens {
    fn next(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Self::Own(bucket) => bucket.next(now),
            Self::Shared(slices) => (slices.tokens(now) == 0).then(|| slices.next(now)),
        }
    }
}

/// How many calls could leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// At least one.
    Calls(usize),
    /// None before this instant.
    NotBefore(Instant),
}

/// Whether one call may leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It may.
    Go,
    /// The bucket is empty until then.
    Later(Instant),
    /// The pace is closed until then.
    Closed(Instant),
}

impl Pace {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { tokens: Tokens::Own(Bucket::new(rate, rate.calls / 9, now)), closed_until: None }
    }

    /// Of a rate that all replicas share.
    pub(super) fn shared(rate: Rate, now: Instant) -> Self {
        Self { tokens: Tokens::Shared(Slices::new(Share::of_the_pace(rate), now)), closed_until: None }
    }

    /// The slices, where it is shared.
    pub(super) fn slices(&mut self) -> Option<&mut Slices> {
        match &mut self.tokens {
            Tokens::Own(_) => None,
            Tokens::Shared(slices) => Some(slices),
        }
    }

    /// How many calls could leave now; spends nothing.
    pub(super) fn room(&mut self, now: Instant) -> Room {
        let closed = self.closed(now);
        match &mut self.tokens {
            // The later of the two: `None` is before any time.
            Tokens::Own(bucket) => match closed.max(bucket.next(now)) {
                Some(at) => Room::NotBefore(at),
                None => Room::Calls(bucket.tokens(now)),
            },
            Tokens::Shared(slices) => closed.map_or_else(|| Room::Calls(slices.room(now)), Room::NotBefore),
        }
    }

    /// Whether one call may leave now; spends nothing.
    pub(super) fn ready(&mut self, now: Instant) -> Leave {
        match (self.closed(now), self.tokens.next(now)) {
            (Some(until), at) => Leave::Closed(at.map_or(until, |at| at.max(until))),
            (None, Some(at)) => Leave::Later(at),
            (None, None) => Leave::Go,
        }
    }

    /// Lets the call leave that was ready.
    pub(super) fn spend(&mut self, now: Instant) {
        match &mut self.tokens {
            Tokens::Own(bucket) => bucket.take(),
            Tokens::Shared(slices) => slices.take(now),
        }
    }

    /// Closes until then, or later where it is closed for longer. True where it was open.
    pub(super) fn close(&mut self, now: Instant, at_least_until: Instant) -> bool {
        let was_open = self.is_open(now);
        self.closed_until = self.closed_until.max(Some(at_least_until));
        if let Some(slices) = self.slices() {
            slices.void();
        }
        was_open
    }

    /// Whether no Retry-After holds calls back.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.closed(now).is_none()
    }

    fn closed(&self, now: Instant) -> Option<Instant> {
        self.closed_until.filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests;
