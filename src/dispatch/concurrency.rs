//! How many calls may be in flight at once: more while they are answered in time, fewer when Clerk has trouble with them.
//! Pure: time comes in. Knows nothing of what the calls are, nor who waits for one to end.

use std::time::{Duration, Instant};

const FIRST: f64 = 8.0;
const SHRINK: f64 = 0.7;
/// How long the shortest latency counts as what Clerk takes at rest; then it is measured anew.
const FLOOR_KEPT: Duration = Duration::from_secs(10);
/// A measurement leaves so much of the limit, or else it would measure our own queue.
const AT_REST: f64 = 0.25;
/// What a round trip is taken for before one was seen.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(100);
/// Below these, a rise in latency is the weather and no queue.
const SLACK_TO_GROW: Duration = Duration::from_millis(5);
const SLACK_TO_HOLD: Duration = Duration::from_millis(10);

/// The limit.
#[derive(Debug)]
pub(super) struct Limit {
    most: f64,
    limit: f64,
    /// It has never shrunk: it doubles with every round trip.
    ramping: bool,
    /// The latency of the last window allows more.
    in_time: bool,
    floor: Option<Duration>,
    floor_until: Instant,
    /// Until then the floor is measured.
    resting_until: Option<Instant>,
    round_trip: Duration,
    next_shrink: Instant,
    window: Window,
}

/// What about one round trip saw. The shortest latency stands for it: of a queue even the luckiest call has its share,
/// where the average tells more of which calls were made.
#[derive(Debug)]
struct Window {
    begun: Instant,
    calls: u32,
    shortest: Duration,
    peak: usize,
}

/// A call that ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) took: Duration,
    /// Itself included.
    pub(super) in_flight: usize,
    /// Answered, and neither with a failure of Clerk's nor with "too many".
    pub(super) in_order: bool,
}

impl Limit {
    pub(super) fn new(most: usize, now: Instant) -> Self {
        let most = most.max(1) as f64;
        Self {
            most,
            limit: FIRST.min(most),
            ramping: true,
            in_time: true,
            floor: None,
            floor_until: now + FLOOR_KEPT,
            resting_until: None,
            round_trip: UNKNOWN_ROUND_TRIP,
            next_shrink: now,
            window: Window::new(now),
        }
    }

    /// How many calls may be in flight now.
    pub(super) fn now(&self, now: Instant) -> usize {
        let resting = self.resting_until.is_some_and(|until| now < until);
        let share = if resting { AT_REST } else { 1.0 };
        (self.limit * share).max(1.0) as usize
    }

    /// How many without the measurement that may be under way.
    pub(super) fn settled(&self) -> usize {
        self.limit as usize
    }

    /// How long a call takes of late.
    pub(super) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    /// Begins anew, as after an outage, of which no latency tells anything.
    pub(super) fn begin_anew(&mut self, now: Instant) {
        *self = Self::new(self.most as usize, now);
    }

    /// Heeds what came of a call.
    pub(super) fn ended(&mut self, now: Instant, call: Ended) {
        self.window.peak = self.window.peak.max(call.in_flight);
        if !call.in_order {
            return self.shrink(now);
        }
        self.round_trip = (self.round_trip * 7 + call.took) / 8;
        self.floor = Some(self.floor.map_or(call.took, |floor| floor.min(call.took)));
        self.grow(now, call.in_flight);
        self.window.add(call.took);
        self.close_window(now);
        self.renew_floor(now);
    }

    /// By one for each answer at first, later by a tenth and one for each round trip; never beyond what is in use.
    fn grow(&mut self, now: Instant, in_flight: usize) {
        let allowed = self.now(now);
        let in_use = in_flight.saturating_mul(10) >= allowed.saturating_mul(9);
        if self.in_time && in_use && allowed == self.settled() {
            let step = if self.ramping { 1.0 } else { 0.1 + 1.0 / self.limit };
            self.limit = (self.limit + step).min(self.most);
        }
    }

    /// At most once for each round trip: the calls in flight left under the old limit.
    fn shrink(&mut self, now: Instant) {
        if now >= self.next_shrink {
            self.limit = (self.limit * SHRINK).max(1.0);
            self.ramping = false;
            self.next_shrink = now + self.round_trip;
        }
    }

    fn close_window(&mut self, now: Instant) {
        let enough = (self.limit as u32).clamp(4, 8);
        let (Some(floor), true) = (self.floor, self.window.calls >= enough) else { return };
        if now.saturating_duration_since(self.window.begun) < self.round_trip.min(FLOOR_KEPT) {
            return;
        }
        let window = std::mem::replace(&mut self.window, Window::new(now));
        self.in_time = window.shortest <= floor + floor / 2 + SLACK_TO_GROW;
        self.ramping &= self.in_time;
        // Latency that rises while little is in flight is not our doing, and fewer calls would not mend it.
        let ours = window.peak.saturating_mul(2) >= self.settled();
        if ours && window.shortest > floor * 2 + SLACK_TO_HOLD {
            self.shrink(now);
        }
    }

    /// The floor would else be the best of all times, or creep up with a queue of our own.
    fn renew_floor(&mut self, now: Instant) {
        if now < self.floor_until {
            return;
        }
        self.floor = None;
        self.floor_until = now + FLOOR_KEPT;
        self.resting_until = Some(now + (self.round_trip * 2).min(FLOOR_KEPT / 10));
        self.window = Window::new(now);
    }
}

impl Window {
    fn new(begun: Instant) -> Self {
        Self { begun, calls: 0, shortest: Duration::MAX, peak: 0 }
    }

    fn add(&mut self, took: Duration) {
        self.calls += 1;
        self.shortest = self.shortest.min(took);
    }
}

#[cfg(test)]
mod tests;
