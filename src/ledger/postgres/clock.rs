//! The clock of the database as this process knows it, and whether the others still see this process.
//! Asked by every thread; knows nothing of connections.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// How many readings are chosen from: the one that was under way for the shortest time is the best.
const READINGS: usize = 16;
/// A clock that is off by more was set, or is another one.
const SLACK_MICROS: i128 = 50_000;
/// Whoever was not seen for so long makes no new call: one call later others take it for gone.
const SILENCE: Duration = Duration::from_secs(2);

/// Shared by everybody who asks.
#[derive(Debug)]
pub(super) struct Clock {
    born: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    readings: Vec<Reading>,
    /// Microseconds since 1970 by the database's clock, when this process's began.
    origin: i64,
    seen: Instant,
    registered: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    origin: i64,
    /// It is right to this many microseconds.
    error: i64,
}

impl Default for Clock {
    fn default() -> Self {
        let now = Instant::now();
        let origin = Timestamp::now().as_microsecond();
        let state = State { readings: Vec::new(), origin, seen: now, registered: now };
        Self { born: now, state: Mutex::new(state) }
    }
}

impl Clock {
    /// The time in the database. It does not follow when somebody sets the clock of this machine.
    pub(super) fn now(&self) -> Timestamp {
        let micros = self.state().origin.saturating_add(micros(self.born.elapsed()));
        Timestamp::from_microsecond(micros).unwrap_or_else(|_beyond| Timestamp::now())
    }

    /// This process was seen under a new number, from now on.
    pub(super) fn registered(&self, asked: Instant) {
        let mut state = self.state();
        (state.seen, state.registered) = (asked, Instant::now());
    }

    /// This process was seen, no earlier than it asked to be; the database read its own clock meanwhile.
    pub(super) fn seen(&self, asked: Instant, answered: Instant, database_micros: i64) {
        let mut state = self.state();
        state.seen = state.seen.max(asked);
        let error = micros(answered.saturating_duration_since(asked)) / 2;
        let middle = micros(asked.saturating_duration_since(self.born)) + error;
        state.read(Reading { origin: database_micros - middle, error });
    }

    /// Whether a call may begin for what was asked for at that time: others have not taken this process for gone since.
    pub(super) fn may_call(&self, asked: Instant) -> bool {
        let state = self.state();
        state.registered <= asked && state.seen.elapsed() < SILENCE
    }

    /// Whether the database was not there for so long that newcomers had better come later.
    pub(super) fn is_silent(&self) -> bool {
        self.state().seen.elapsed() >= SILENCE * 2
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn read(&mut self, reading: Reading) {
        let fits = |old: &Reading| {
            let apart = (i128::from(old.origin) - i128::from(reading.origin)).abs();
            apart <= i128::from(old.error) + i128::from(reading.error) + SLACK_MICROS
        };
        self.readings.retain(fits);
        if self.readings.len() == READINGS {
            self.readings.remove(0);
        }
        self.readings.push(reading);
        let best = self.readings.iter().min_by_key(|reading| reading.error);
        self.origin = best.map_or(self.origin, |best| best.origin);
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a clock that is `ahead` of ours, in a trip of so long, and says how far ahead it is taken for.
    fn reads(clock: &Clock, ahead: i64, trip_millis: u64) -> i64 {
        let answered = Instant::now();
        let asked = answered.checked_sub(Duration::from_millis(trip_millis)).unwrap();
        let middle = Timestamp::now().as_microsecond() - i64::try_from(trip_millis * 500).unwrap();
        clock.seen(asked, answered, middle + ahead);
        clock.now().as_microsecond() - Timestamp::now().as_microsecond()
    }

    fn is_about(micros: i64, expected: i64) -> bool {
        (micros - expected).abs() < 5_000
    }

    /// One that began long enough ago for slow readings.
    fn clock() -> Clock {
        let mut clock = Clock::default();
        let past = Duration::from_secs(5);
        clock.born -= past;
        clock.state().origin -= micros(past);
        clock
    }

    #[test]
    fn the_quickest_reading_counts_until_the_clock_is_set() {
        let clock = clock();
        assert!(is_about(reads(&clock, 7_000_000, 2), 7_000_000));
        // Its answer took long to come, and seems to be of a moment ago.
        assert!(is_about(reads(&clock, 7_400_000, 900), 7_000_000));
        assert!(is_about(reads(&clock, -60_000_000, 20), -60_000_000));
    }

    #[test]
    fn whoever_is_silent_or_was_taken_for_gone_makes_no_call() {
        let clock = Clock::default();
        let now = Instant::now();
        clock.registered(now);
        let later = Instant::now();
        assert!(clock.may_call(later));
        clock.registered(Instant::now());
        assert!(!clock.may_call(later), "what was claimed before may be somebody else's now");
        assert!(clock.may_call(Instant::now()));
        clock.state().seen -= SILENCE;
        assert!(!clock.may_call(Instant::now()) && !clock.is_silent());
        clock.state().seen -= SILENCE;
        assert!(clock.is_silent());
    }
}
