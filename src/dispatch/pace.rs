//! When the next call may leave: a token bucket, and the time until which a Retry-After holds everybody back.
//! Pure: time comes in as `now`. Knows nothing of what the calls are.

use std::time::Instant;

use super::Rate;
use super::bucket::Bucket;

/// The bucket, and whether it is closed.
#[derive(Debug)]
pub(super) struct Pace {
    bucket: Bucket,
    closed_until: Option<Instant>,
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
    /// It may, and its token is spent.
    Go,
    /// The bucket is empty until then.
    Later(Instant),
    /// The pace is closed until then.
    Closed(Instant),
}

impl Pace {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { bucket: Bucket::new(rate, rate.calls / 9, now), closed_until: None }
    }

    /// How many calls could leave now; spends nothing.
    pub(super) fn room(&mut self, now: Instant) -> Room {
        // The later of the two: `None` is before any time.
        match self.closed(now).max(self.bucket.next(now)) {
            Some(at) => Room::NotBefore(at),
            None => Room::Calls(self.bucket.tokens(now)),
        }
    }

    /// Lets one call leave, or says when to ask again.
    pub(super) fn take(&mut self, now: Instant) -> Leave {
        match (self.closed(now), self.bucket.next(now)) {
            (Some(until), at) => Leave::Closed(at.map_or(until, |at| at.max(until))),
            (None, Some(at)) => Leave::Later(at),
            (None, None) => {
                self.bucket.take();
                Leave::Go
            }
        }
    }

    /// Closes until then, or later where it is closed for longer. True where it was open.
    pub(super) fn close(&mut self, now: Instant, at_least_until: Instant) -> bool {
        let was_open = self.is_open(now);
        self.closed_until = self.closed_until.max(Some(at_least_until));
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
