//! A token bucket: so many calls in so much time, some of them at once.
//! Pure: time comes in as `now`. Knows nothing of what a token is for.

use std::time::{Duration, Instant};

use super::Rate;

/// The bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full one; any time of `rate.per` sees at most `rate.calls + burst` tokens.
    pub(super) fn new(rate: Rate, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        let per_second = f64::from(rate.calls.max(1)) / rate.per.as_secs_f64().max(f64::EPSILON);
        Self { per_second, burst, tokens: burst, filled_at: now }
    }

    /// How many tokens there are now, never more than the burst.
    pub(super) fn tokens(&mut self, now: Instant) -> usize {
        self.fill(now);
        self.tokens as usize
    }

    /// When there is a token; `None` when there is one now. Rounded up, so that whoever comes then finds one.
    pub(super) fn next(&mut self, now: Instant) -> Option<Instant> {
        self.fill(now);
        let missing = 1.0 - self.tokens;
        let wait = || Duration::from_secs_f64(missing / self.per_second) + Duration::from_micros(1);
        (missing > 0.0).then(|| self.filled_at + wait())
    }

    /// Takes the token that [`Bucket::next`] found.
    pub(super) fn take(&mut self) {
        self.tokens -= 1.0;
    }

    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.filled_at);
        self.tokens = (self.tokens + since.as_secs_f64() * self.per_second).min(self.burst);
        self.filled_at = self.filled_at.max(now);
    }
}
