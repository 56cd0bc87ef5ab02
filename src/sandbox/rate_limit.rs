//! So many calls per window, counted from the window's first call.
//! Takes the time as a number and does not know what a call is.

use std::str::FromStr;
use std::time::Duration;

use super::errors::Refusal;

/// How many calls a window takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls per window.
    pub calls: u32,
    /// Length of the window.
    pub window: Duration,
}

/// The text is not `CALLS/WINDOW`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected calls per window, for example 100/10s")]
pub struct RateLimitError;

impl FromStr for RateLimit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        let (calls, window) = text.split_once('/').ok_or(RateLimitError)?;
        let calls = calls.trim().parse().ok().ok_or(RateLimitError)?;
        let window: Duration = humantime::parse_duration(window.trim()).ok().ok_or(RateLimitError)?;
        if window.is_zero() { Err(RateLimitError) } else { Ok(Self { calls, window }) }
    }
}

/// What one window has taken so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    ends_at: i64,
    taken: u32,
}

/// The window is full; it ends in so many whole seconds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full {
    pub(super) seconds: u64,
}

impl Window {
    /// Counts one call at `now` (milliseconds), or tells how long to wait; a refused call is not counted.
    pub(super) fn take(&mut self, limit: RateLimit, now: i64) -> Result<(), Full> {
        let length = i64::try_from(limit.window.as_millis()).unwrap_or(i64::MAX);
        // The second condition is a clock that was set back: the window would otherwise stay shut for as long.
        if now >= self.ends_at || self.ends_at.saturating_sub(now) > length {
            *self = Self { ends_at: now.saturating_add(length), taken: 0 };
        }
        if self.taken >= limit.calls {
            let left = self.ends_at.saturating_sub(now).unsigned_abs();
            return Err(Full { seconds: left.div_ceil(1000) });
        }
        self.taken += 1;
        Ok(())
    }
}

/// Counts one call where there is a limit, refusing it in Clerk's words.
pub(super) fn allow(window: &mut Window, limit: Option<RateLimit>, now: i64) -> Result<(), Refusal> {
    let Some(limit) = limit else { return Ok(()) };
    window.take(limit, now).map_err(|full| Refusal::TooManyRequests { seconds: full.seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: RateLimit = RateLimit { calls: 2, window: Duration::from_secs(10) };

    #[test]
    fn a_full_window_refuses_until_it_ends() {
        let mut window = Window::default();
        assert_eq!(window.take(TWO, 1_000), Ok(()));
        assert_eq!(window.take(TWO, 2_000), Ok(()));
        assert_eq!(window.take(TWO, 3_500), Err(Full { seconds: 8 }));
        assert_eq!(window.take(TWO, 10_999), Err(Full { seconds: 1 }));
        assert_eq!(window.take(TWO, 11_000), Ok(()));
    }

    #[test]
    fn a_clock_set_back_does_not_shut_the_window() {
        let mut window = Window { ends_at: 1_000_000, taken: 2 };
        assert_eq!(window.take(TWO, 5), Ok(()));
    }

    #[test]
    fn limits_are_written_as_calls_per_window() {
        assert_eq!("2/10s".parse(), Ok(TWO));
        for wrong in ["", "2", "2/", "/10s", "x/10s", "2/0s", "-1/10s", "2/10"] {
            assert_eq!(wrong.parse::<RateLimit>(), Err(RateLimitError), "{wrong}");
        }
    }
}
