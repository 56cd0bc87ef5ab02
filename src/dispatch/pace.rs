//! When the next call may leave: a token bucket and a gate before it.
//! Pure: time comes in as `now`. Knows nothing of what the calls are.

use std::time::{Duration, Instant};

use super::Rate;

/// The bucket and its gate.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled_at: Instant,
    gate: Gate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Gate {
    Open,
    /// By a Retry-After: opens by itself.
    Closed {
        until: Instant,
    },
    /// By a halt: opens by a probe that is answered. `probing` until a probe's answer is known to be a halt again.
    Halted {
        until: Instant,
        pause: Duration,
        probing: bool,
    },
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
    Go {
        /// Its answer decides whether the gate opens.
        probe: bool,
    },
    /// The bucket is empty until then.
    Later(Instant),
    /// The gate is closed until then.
    Closed(Instant),
}

impl Pace {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        let calls = f64::from(rate.calls.max(1));
        let burst = (calls / 9.0).floor().max(1.0);
        Self {
            per_second: calls / rate.per.as_secs_f64().max(f64::EPSILON),
            burst,
            tokens: burst,
            filled_at: now,
            gate: Gate::Open,
        }
    }

    /// How many calls could leave now; spends nothing.
    pub(super) fn room(&mut self, now: Instant) -> Room {
        self.fill(now);
        // The later of the two: `None` is before any time.
        match self.closed_until(now).max(self.next_token()) {
            Some(at) => Room::NotBefore(at),
            None if self.is_halted() => Room::Calls(1),
            None => Room::Calls(self.tokens as usize),
        }
    }

    /// Lets one call leave, or says when to ask again.
    pub(super) fn take(&mut self, now: Instant) -> Leave {
        self.fill(now);
        match (self.closed_until(now), self.next_token()) {
            (Some(until), at) => Leave::Closed(at.map_or(until, |at| at.max(until))),
            (None, Some(at)) => Leave::Later(at),
            (None, None) => {
                self.tokens -= 1.0;
                Leave::Go { probe: self.begin_probe(now) }
            }
        }
    }

    /// Closes the gate until then, or later where it is closed for longer.
    pub(super) fn close(&mut self, at_least_until: Instant) {
        match &mut self.gate {
            Gate::Open => self.gate = Gate::Closed { until: at_least_until },
            Gate::Closed { until } | Gate::Halted { until, .. } => *until = at_least_until.max(*until),
        }
    }

    /// Closes the gate for a pause that only an answered probe ends. True where this is news: the first halt, or a probe's.
    pub(super) fn halt(&mut self, now: Instant, pause: Duration) -> bool {
        let news = !matches!(self.gate, Gate::Halted { probing: false, .. });
        let until = self.closed_until(now).unwrap_or(now).max(now + pause);
        if news {
            self.gate = Gate::Halted { until, pause, probing: false };
        }
        news
    }

    /// Opens the gate because a probe was answered and not halted. True where it was halted.
    pub(super) fn probe_answered(&mut self) -> bool {
        let halted = self.is_halted();
        if halted {
            self.gate = Gate::Open;
        }
        halted
    }

    /// Whether calls may pass the gate.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.closed_until(now).is_none() && !self.is_halted()
    }

    fn is_halted(&self) -> bool {
        matches!(self.gate, Gate::Halted { .. })
    }

    fn closed_until(&self, now: Instant) -> Option<Instant> {
        match self.gate {
            Gate::Open => None,
            Gate::Closed { until } | Gate::Halted { until, .. } => Some(until).filter(|until| *until > now),
        }
    }

    /// One probe at a time, and the next only after a pause, whatever becomes of this one.
    fn begin_probe(&mut self, now: Instant) -> bool {
        match self.gate {
            Gate::Halted { pause, .. } => {
                self.gate = Gate::Halted { until: now + pause, pause, probing: true };
                true
            }
            Gate::Open | Gate::Closed { .. } => {
                self.gate = Gate::Open;
                false
            }
        }
    }

    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.filled_at);
        self.tokens = (self.tokens + since.as_secs_f64() * self.per_second).min(self.burst);
        self.filled_at = self.filled_at.max(now);
    }

    /// `None` when there is a token. Rounded up, so that whoever comes then finds one.
    fn next_token(&self) -> Option<Instant> {
        let missing = 1.0 - self.tokens;
        let wait = || Duration::from_secs_f64(missing / self.per_second) + Duration::from_micros(1);
        (missing > 0.0).then(|| self.filled_at + wait())
    }
}

#[cfg(test)]
mod tests;
