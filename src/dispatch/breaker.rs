//! Whether Clerk is called at all: closed, open with a probe now and then, or halted.
//! Pure: time and randomness come in. Knows nothing of what the calls are.

use std::time::{Duration, Instant};

use super::Policy;

/// The breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    trip_after: u32,
    probe_within: Duration,
    halt_pause: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        /// How many calls in a row found Clerk down.
        failures: u32,
    },
    /// Clerk is down.
    Open { probe_at: Instant, probing: bool },
    /// Clerk refuses usher itself.
    Halted { probe_at: Instant },
}

/// Whether a call may leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// As any other.
    Go,
    /// As the one whose answer decides.
    Probe,
    /// None before this instant.
    NotBefore(Instant),
}

/// What a call said about Clerk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answers.
    Up,
    /// It is down.
    Down,
    /// It refuses usher itself.
    Halt,
}

/// The word of a state, for metrics and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    Open,
    HalfOpen,
    Halted,
}

impl Phase {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Halted => "halted",
        }
    }
}

impl Breaker {
    pub(super) fn new(policy: &Policy) -> Self {
        Self {
            trip_after: policy.trip_after.max(1),
            probe_within: policy.probe_within,
            halt_pause: policy.halt_pause,
            state: State::Closed { failures: 0 },
        }
    }

    /// Whether a call may leave now; begins nothing.
    pub(super) fn ask(&self, now: Instant) -> Ask {
        match self.state {
            State::Closed { .. } => Ask::Go,
            State::Open { probe_at, .. } | State::Halted { probe_at } if probe_at > now => Ask::NotBefore(probe_at),
            State::Open { .. } | State::Halted { .. } => Ask::Probe,
        }
    }

    /// A probe leaves. The next one does after a pause, whatever becomes of this one: a call that was made into an outage
    /// may hang long after its end.
    pub(super) fn begin_probe(&mut self, now: Instant, random: f64) {
        let pause = self.pause(random);
        match &mut self.state {
            State::Closed { .. } => {}
            State::Open { probe_at, probing } => (*probe_at, *probing) = (now + pause, true),
            State::Halted { probe_at } => *probe_at = now + self.halt_pause,
        }
    }

    /// A call ended. Gives the new phase where it is news: open, halted, or closed again.
    pub(super) fn ended(&mut self, now: Instant, sign: Sign, probe: bool, random: f64) -> Option<Phase> {
        let before = self.phase();
        self.state = match (self.state, sign) {
            (State::Halted { probe_at }, Sign::Halt) if !probe => State::Halted { probe_at },
            (_, Sign::Halt) => State::Halted { probe_at: now + self.halt_pause },
            (State::Closed { failures }, Sign::Down) => self.failed(now, failures + 1, random),
            (State::Open { probe_at, probing }, Sign::Down) => State::Open { probe_at, probing: probing && !probe },
            // Those that left before it opened tell of the time before.
            (State::Open { .. } | State::Halted { .. }, Sign::Up) if !probe => self.state,
            (State::Halted { .. }, Sign::Down) => self.state,
            (_, Sign::Up) => State::Closed { failures: 0 },
        };
        news(before, self.phase())
    }

    /// What all replicas know: for how long Clerk refuses usher, or that it does not. Gives the new phase where it is news.
    pub(super) fn heard(&mut self, now: Instant, halted_since: Option<Duration>) -> Option<Phase> {
        let before = self.phase();
        self.state = match (self.state, halted_since) {
            (State::Halted { .. }, None) => State::Closed { failures: 0 },
            (State::Closed { .. } | State::Open { .. }, Some(since)) => {
                State::Halted { probe_at: now + self.halt_pause.saturating_sub(since) }
            }
            _ => self.state,
        };
        news(before, self.phase())
    }

    /// The probe of a halt is somebody else's; nobody makes another before.
    pub(super) fn no_probe_before(&mut self, at: Instant) {
        if let State::Halted { probe_at } = &mut self.state {
            *probe_at = at.max(*probe_at);
        }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.state {
            State::Closed { .. } => Phase::Closed,
            State::Open { probing: false, .. } => Phase::Open,
            State::Open { probing: true, .. } => Phase::HalfOpen,
            State::Halted { .. } => Phase::Halted,
        }
    }

    fn failed(&self, now: Instant, failures: u32, random: f64) -> State {
        if failures < self.trip_after {
            return State::Closed { failures };
        }
        State::Open { probe_at: now + self.pause(random), probing: false }
    }

    /// From seven to nine tenths of the time within which a recovery is to be noticed: the rest is for claiming a change.
    fn pause(&self, random: f64) -> Duration {
        self.probe_within.mul_f64(0.7 + random.clamp(0.0, 1.0) / 5.0)
    }
}

fn news(before: Phase, after: Phase) -> Option<Phase> {
    let between_probes = |phase| matches!(phase, Phase::Open | Phase::HalfOpen);
    let same = before == after || between_probes(before) && between_probes(after);
    (!same).then_some(after)
}

#[cfg(test)]
mod tests;
