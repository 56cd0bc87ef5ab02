//! Many answers as a few numbers: how many of which kind, how long they took, how many a second.
//! Knows nothing of what was sent.

use std::collections::BTreeMap;
use std::time::Duration;

/// The numbers of a run so far.
#[derive(Default)]
pub(super) struct Tally {
    /// By status; no answer is 0.
    statuses: BTreeMap<u16, usize>,
    /// By what became of them.
    events: BTreeMap<&'static str, usize>,
    latencies: Vec<Duration>,
    pub(super) replayed: usize,
    pub(super) tried_again: usize,
}

/// Milliseconds within which so many of the answers came.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) max: f64,
}

impl Tally {
    /// Counts one message; without an answer it has no status.
    pub(super) fn count(&mut self, status: Option<u16>, latency: Duration) {
        *self.statuses.entry(status.unwrap_or_default()).or_default() += 1;
        if status.is_some() {
            self.latencies.push(latency);
        }
    }

    /// How often each status was answered; `none` where there was no answer.
    pub(super) fn statuses(&self) -> impl Iterator<Item = (String, usize)> {
        let name = |status: u16| if status == 0 { "none".to_owned() } else { status.to_string() };
        self.statuses.iter().map(move |(status, count)| (name(*status), *count))
    }

    /// Counts one event of a message.
    pub(super) fn count_event(&mut self, verdict: &'static str) {
        *self.events.entry(verdict).or_default() += 1;
    }

    /// How many events there are of each verdict.
    pub(super) fn events(&self) -> &BTreeMap<&'static str, usize> {
        &self.events
    }

    /// How many messages were sent.
    pub(super) fn sent(&self) -> usize {
        self.statuses.values().sum()
    }

    /// How many were answered.
    pub(super) fn answered(&self) -> usize {
        self.latencies.len()
    }

    /// Nothing until there is an answer.
    pub(super) fn latency(&self) -> Option<Latency> {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Latency { p50: milliseconds(at(50)?), p95: milliseconds(at(95)?), max: milliseconds(at(100)?) })
    }

    /// Answers a second.
    pub(super) fn rate(&self, took: Duration) -> f64 {
        rounded(self.answered() as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE))
    }
}

/// With one digit behind the point.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64() * 1000.0)
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(answers: impl IntoIterator<Item = (u16, u64)>) -> Tally {
        let mut tally = Tally::default();
        for (status, milliseconds) in answers {
            tally.count(Some(status), Duration::from_millis(milliseconds));
        }
        tally
    }

    #[test]
    fn percentiles_are_of_the_answers_by_nearest_rank() {
        let latency = tally((1..=20).map(|n| (202, n))).latency();
        assert_eq!(latency, Some(Latency { p50: 10.0, p95: 19.0, max: 20.0 }));
        assert_eq!(tally([(202, 7)]).latency(), Some(Latency { p50: 7.0, p95: 7.0, max: 7.0 }));
        assert_eq!(tally([]).latency(), None);
    }

    #[test]
    fn what_was_not_answered_is_counted_and_has_no_latency() {
        let mut tally = tally([(202, 1), (403, 3), (202, 2)]);
        tally.count(None, Duration::from_secs(9));
        let statuses: Vec<_> = tally.statuses().collect();
        assert_eq!(statuses, [("none".to_owned(), 1), ("202".to_owned(), 2), ("403".to_owned(), 1)]);
        assert_eq!((tally.sent(), tally.answered(), tally.latency().map(|latency| latency.max)), (4, 3, Some(3.0)));
        assert_eq!(tally.rate(Duration::from_secs(2)), 1.5);
    }
}
