//! The state behind the probes: a latch that says whether to send us requests, and the heartbeats of the loops.
//! Knows nothing of which loops there are, of ledgers or of routes.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the probes look at: cheap to clone, one state behind all clones.
#[derive(Debug, Clone, Default)]
pub struct Probes {
    /// Whether to send us requests.
    pub readiness: Readiness,
    /// Whether the loops turn.
    pub liveness: Liveness,
}

/// Where a process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Not yet able to take requests.
    Starting,
    /// Takes requests.
    Ready,
    /// Still takes requests, but wants no more: it is about to stop.
    Draining,
}

impl Phase {
    /// The word for probes and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// A latch that only moves forward: starting, ready, draining.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicU8>);

impl Readiness {
    /// Says that everything is up; without effect once draining has begun.
    pub fn ready(&self) {
        self.0.fetch_max(Phase::Ready as u8, Ordering::Release);
    }

    /// Says that no more requests are wanted, for good.
    pub fn drain(&self) {
        self.0.fetch_max(Phase::Draining as u8, Ordering::Release);
    }

    /// Where the process is.
    pub fn phase(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }
}

/// The heartbeats of all loops.
#[derive(Debug, Clone)]
pub struct Liveness {
    began: Instant,
    loops: Arc<Mutex<Vec<Watched>>>,
}

#[derive(Debug)]
struct Watched {
    name: &'static str,
    patience: Duration,
    last: Arc<AtomicU64>,
}

/// What one loop beats to say that it turns.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    began: Instant,
    last: Arc<AtomicU64>,
}

/// How one loop does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// The loop's name.
    pub name: &'static str,
    /// How long ago it last turned.
    pub silence: Duration,
    /// Whether that is within its patience.
    pub alive: bool,
}

impl Default for Liveness {
    fn default() -> Self {
        Self { began: Instant::now(), loops: Arc::default() }
    }
}

impl Liveness {
    /// Watches a loop that beats at least once per `patience`; its first beat is now.
    pub fn watch(&self, name: &'static str, patience: Duration) -> Heartbeat {
        let heartbeat = Heartbeat { began: self.began, last: Arc::default() };
        heartbeat.beat();
        let watched = Watched { name, patience, last: Arc::clone(&heartbeat.last) };
        self.loops.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
        heartbeat
    }

    /// How every loop does at `now`.
    pub fn pulses(&self, now: Instant) -> Vec<Pulse> {
        let elapsed = now.saturating_duration_since(self.began);
        let pulse = |watched: &Watched| {
            let last = Duration::from_millis(watched.last.load(Ordering::Relaxed));
            let silence = elapsed.saturating_sub(last);
            Pulse { name: watched.name, silence, alive: silence <= watched.patience }
        };
        self.loops.lock().unwrap_or_else(PoisonError::into_inner).iter().map(pulse).collect()
    }
}

impl Heartbeat {
    /// Says that the loop turns.
    pub fn beat(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_never_goes_back() {
        let readiness = Readiness::default();
        assert_eq!(readiness.phase(), Phase::Starting);
        readiness.ready();
        assert_eq!(readiness.clone().phase(), Phase::Ready);
        readiness.drain();
        readiness.ready();
        assert_eq!(readiness.phase(), Phase::Draining);
    }

    #[test]
    fn a_loop_that_is_silent_for_longer_than_its_patience_is_not_alive() {
        let liveness = Liveness::default();
        let _patient = liveness.watch("patient", Duration::from_secs(60));
        let _hasty = liveness.watch("hasty", Duration::from_secs(1));
        let alive = |after: u64| -> Vec<bool> {
            let now = Instant::now() + Duration::from_secs(after);
            liveness.pulses(now).iter().map(|pulse| pulse.alive).collect()
        };
        assert_eq!(alive(0), [true, true]);
        assert_eq!(alive(30), [true, false]);
        assert_eq!(alive(90), [false, false]);
    }
}
