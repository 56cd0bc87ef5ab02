//! How fast each sender may send: a token bucket for each, filled evenly.
//! Time comes in as `now`. Knows nothing of requests, nor of what is told to who is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::{EventRate, SenderName};

/// The buckets of all senders; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Rates(Arc<HashMap<SenderName, Mutex<Bucket>>>);

impl Rates {
    /// Full buckets for these senders; one whose rate is off has none.
    pub fn new(senders: impl IntoIterator<Item = (SenderName, Option<EventRate>)>, now: Instant) -> Self {
        let buckets =
            senders.into_iter().filter_map(|(sender, rate)| Some((sender, Mutex::new(Bucket::full(rate?, now)))));
        Self(Arc::new(buckets.collect()))
    }

    /// Lets so many events of a sender pass together, or says how long it should wait; then nothing is taken.
    ///
    /// More events than its burst pass when nothing else is owed, so that no batch is refused for ever.
    pub fn take(&self, sender: &SenderName, events: u32, now: Instant) -> Result<(), Duration> {
        let Some(bucket) = self.0.get(sender) else { return Ok(()) };
        bucket.lock().unwrap_or_else(PoisonError::into_inner).take(events, now)
    }
}

/// What a sender owes. Exact: one event costs `per` in nanoseconds, and each nanosecond pays back `events` of these.
#[derive(Debug)]
struct Bucket {
    rate: EventRate,
    owed: u128,
    at: Instant,
}

impl Bucket {
    fn full(rate: EventRate, now: Instant) -> Self {
        let rate = EventRate { events: rate.events.max(1), per: rate.per.max(Duration::from_nanos(1)) };
        Self { rate, owed: 0, at: now }
    }

    fn take(&mut self, events: u32, now: Instant) -> Result<(), Duration> {
        self.pay(now);
        let cost = u128::from(events) * self.rate.per.as_nanos();
        let burst = u128::from(self.rate.events) * self.rate.per.as_nanos();
        let short = (self.owed + cost.min(burst)).saturating_sub(burst);
        if short > 0 {
            let wait = short.div_ceil(self.rate.events.into());
            return Err(Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX)));
        }
        self.owed += cost;
        Ok(())
    }

    /// Threads read the clock before they take their turn: a `now` may be earlier than the last one.
    fn pay(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_nanos();
        self.owed = self.owed.saturating_sub(passed * u128::from(self.rate.events));
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn name(text: &str) -> SenderName {
        SenderName::try_from(text.to_owned()).unwrap()
    }

    fn rates(events: u32, per: Duration, now: Instant) -> Rates {
        Rates::new([(name("billing"), Some(EventRate { events, per })), (name("free"), None)], now)
    }

    #[test]
    fn the_burst_passes_at_once_and_then_one_event_per_share_of_the_time() {
        let (start, billing) = (Instant::now(), name("billing"));
        let rates = rates(3, SECOND, start);
        assert!((0..3).all(|_| rates.take(&billing, 1, start).is_ok()));
        let wait = rates.take(&billing, 1, start).unwrap_err();
        assert_eq!(wait, Duration::from_nanos(333_333_334));
        assert!(rates.clone().take(&billing, 1, start + wait).is_ok(), "clones share the buckets");
        assert!(rates.take(&billing, 1, start + wait).is_err());
        assert!((0..1000).all(|_| rates.take(&name("free"), 1000, start).is_ok()));
    }

    #[test]
    fn a_batch_larger_than_the_burst_passes_when_nothing_is_owed_and_is_paid_off_afterwards() {
        let (start, billing) = (Instant::now(), name("billing"));
        let rates = rates(10, SECOND, start);
        rates.take(&billing, 1, start).unwrap();
        assert_eq!(rates.take(&billing, 30, start), Err(SECOND / 10));
        rates.take(&billing, 30, start + SECOND / 10).unwrap();
        assert_eq!(rates.take(&billing, 1, start + SECOND / 10), Err(SECOND * 2 + SECOND / 10));
    }

    #[test]
    fn who_is_refused_owes_nothing_for_it() {
        let (start, billing) = (Instant::now(), name("billing"));
        let rates = rates(1, SECOND, start);
        rates.take(&billing, 1, start).unwrap();
        assert!((0..100).all(|_| rates.take(&billing, 1, start) == Err(SECOND)));
        rates.take(&billing, 1, start + SECOND).unwrap();
    }

    proptest! {
        #[test]
        fn no_span_of_time_sees_more_than_burst_and_rate_and_one_batch_allow(
            events in 1u32..50, millis in 1u64..5000, steps in prop::collection::vec((0u64..300, 1u32..120), 1..80)
        ) {
            let (mut now, billing, per) = (Instant::now(), name("billing"), Duration::from_millis(millis));
            let rates = rates(events, per, now);
            let mut passed = Vec::new();
            for (pause, batch) in steps {
                now += Duration::from_millis(pause);
                if rates.take(&billing, batch, now).is_ok() {
                    passed.push((now, u128::from(batch)));
                }
            }
            for (first, (from, _)) in passed.iter().enumerate() {
                for last in first..passed.len() {
                    let sum: u128 = passed[first..=last].iter().map(|(_, batch)| batch).sum();
                    let debt = passed[last].1.saturating_sub(events.into());
                    let span = passed[last].0.duration_since(*from).as_nanos();
                    let allowed = u128::from(events) + span * u128::from(events) / per.as_nanos() + debt;
                    prop_assert!(sum <= allowed, "{sum} of {allowed}");
                }
            }
        }

        #[test]
        fn who_waits_as_told_always_passes(
            events in 1u32..50, millis in 1u64..5000, batches in prop::collection::vec(0u32..200, 1..50)
        ) {
            let (mut now, billing) = (Instant::now(), name("billing"));
            let rates = rates(events, Duration::from_millis(millis), now);
            for batch in batches {
                if let Err(wait) = rates.take(&billing, batch, now) {
                    now += wait;
                    prop_assert_eq!(rates.take(&billing, batch, now), Ok(()));
                }
            }
        }
    }
}
