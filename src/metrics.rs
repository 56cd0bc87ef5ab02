//! What usher counts and measures, and the text that Prometheus scrapes.
//! Knows nobody of the crate: labels come in as words of closed sets.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const VERDICTS: [&str; 5] = ["accepted", "repeated", "ignored", "failed", "refused"];
const ACTIONS: [&str; 2] = ["grant", "revoke"];
const OUTCOMES: [&str; 7] = ["granted", "updated", "revoked", "unchanged", "invited", "superseded", "dead"];
const BREAKER: [&str; 4] = ["closed", "open", "half_open", "halted"];
const CLASSES: [&str; 5] = ["done", "retry", "wait", "refused", "halt"];

/// A local call takes milliseconds, Clerk some hundred, a timeout ten seconds.
const ATTEMPT_BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8];
/// From one good call to a day of retries.
const OUTCOME_BUCKETS: [f64; 15] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0];
/// One fsync: a fraction of a millisecond on good disks, seconds on a disk in trouble.
const COMMIT_BUCKETS: [f64; 13] =
    [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 4.096];
/// How well one fsync is shared.
const GROUP_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Verdict {
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Change {
    action: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Held {
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Class {
    class: &'static str,
}

/// Every metric of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    events: Family<Verdict, Counter>,
    changes: Family<Change, Counter>,
    held: Family<Held, Counter>,
    attempts: Family<Class, Counter>,
    attempt_seconds: Histogram,
    outcome_seconds: Histogram,
    backlog: Gauge<u64, AtomicU64>,
    oldest_age: Gauge<f64, AtomicU64>,
    dead_letters: Gauge<u64, AtomicU64>,
    commit_seconds: Histogram,
    commit_group: Histogram,
    breaker: Family<State, Gauge>,
    pace_open: Gauge,
    paused: Gauge,
    concurrency: Gauge,
    rules: Gauge<u64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics at zero, every label of the closed sets already there, so that a first failure is a rate and not a new series.
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            events: Family::default(),
            changes: Family::default(),
            held: Family::default(),
            attempts: Family::default(),
            attempt_seconds: Histogram::new(ATTEMPT_BUCKETS),
            outcome_seconds: Histogram::new(OUTCOME_BUCKETS),
            backlog: Gauge::default(),
            oldest_age: Gauge::default(),
            dead_letters: Gauge::default(),
            commit_seconds: Histogram::new(COMMIT_BUCKETS),
            commit_group: Histogram::new(GROUP_BUCKETS),
            breaker: Family::default(),
            pace_open: Gauge::default(),
            paused: Gauge::default(),
            concurrency: Gauge::default(),
            rules: Gauge::default(),
        };
        metrics.breaker("closed");
        metrics.pace(true);
        metrics.start_series();
        metrics.registered()
    }

    fn start_series(&self) {
        for verdict in VERDICTS {
            self.events.get_or_create(&Verdict { verdict }).inc_by(0);
        }
        for action in ACTIONS {
            self.held.get_or_create(&Held { action }).inc_by(0);
            for outcome in OUTCOMES {
                self.changes.get_or_create(&Change { action, outcome }).inc_by(0);
            }
        }
        for class in CLASSES {
            self.attempts.get_or_create(&Class { class }).inc_by(0);
        }
    }

    /// Names and help texts in one table; the format itself adds `_total`, `_info` and the full stop.
    fn registered(mut self) -> Self {
        let r = &mut self.registry;
        r.register("usher_events", "Events sent, by what was answered", self.events.clone());
        r.register("usher_changes", "Changes settled, by their outcome", self.changes.clone());
        r.register("usher_changes_held", "Changes that the brake held, each time it did", self.held.clone());
        r.register("usher_attempts", "Calls of Clerk's API, by the class of the answer", self.attempts.clone());
        r.register("usher_attempt_seconds", "Time a call of Clerk's API took", self.attempt_seconds.clone());
        let help = "Time from the acceptance of an event to the outcome of its change";
        r.register("usher_time_to_outcome_seconds", help, self.outcome_seconds.clone());
        r.register("usher_backlog_changes", "Changes without an outcome", self.backlog.clone());
        let help = "Age of the oldest change without an outcome, 0 when there is none";
        r.register("usher_oldest_unfinished_age_seconds", help, self.oldest_age.clone());
        r.register(
            "usher_dead_letters",
            "Dead changes and events that no rule could evaluate",
            self.dead_letters.clone(),
        );
        r.register("usher_ledger_commit_seconds", "Time a durable commit took", self.commit_seconds.clone());
        r.register("usher_ledger_commit_group", "Requests that shared a durable commit", self.commit_group.clone());
        r.register("usher_breaker_state", "1 for the state the breaker is in", self.breaker.clone());
        r.register("usher_pace_open", "0 while a Retry-After holds all calls back", self.pace_open.clone());
        r.register("usher_paused", "1 while an operator wants no calls", self.paused.clone());
        r.register("usher_concurrency_limit", "Calls that may be in flight at once", self.concurrency.clone());
        r.register("usher_rules", "Rules loaded", self.rules.clone());
        r.register("usher_build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        self
    }

    /// An event was answered: accepted, repeated, ignored, failed or refused.
    pub fn event(&self, verdict: &'static str) {
        self.events.get_or_create(&Verdict { verdict }).inc();
    }

    /// A change has its outcome, `seconds` after its event was accepted.
    pub fn outcome(&self, action: &'static str, outcome: &'static str, seconds: f64) {
        self.changes.get_or_create(&Change { action, outcome }).inc();
        self.outcome_seconds.observe(seconds);
    }

    /// The brake held a change.
    pub fn held(&self, action: &'static str) {
        self.held.get_or_create(&Held { action }).inc();
    }

    /// A call was answered, or not: done, retry, wait, refused or halt.
    pub fn attempt(&self, class: &'static str, seconds: f64) {
        self.attempts.get_or_create(&Class { class }).inc();
        self.attempt_seconds.observe(seconds);
    }

    /// The ledger committed a group of requests.
    pub fn commit(&self, seconds: f64, events: usize) {
        self.commit_seconds.observe(seconds);
        self.commit_group.observe(events as f64);
    }

    /// What the ledger holds now.
    pub fn backlog(&self, unfinished: u64, oldest_age_seconds: f64, dead: u64) {
        self.backlog.set(unfinished);
        self.oldest_age.set(oldest_age_seconds);
        self.dead_letters.set(dead);
    }

    /// The breaker is closed, open, half_open or halted.
    pub fn breaker(&self, now: &'static str) {
        for state in BREAKER {
            self.breaker.get_or_create(&State { state }).set(i64::from(state == now));
        }
    }

    /// Calls keep to the pace, or a Retry-After holds them back.
    pub fn pace(&self, open: bool) {
        self.pace_open.set(i64::from(open));
    }

    /// An operator wants no calls, or does not mind them.
    pub fn paused(&self, paused: bool) {
        self.paused.set(i64::from(paused));
    }

    /// So many calls may be in flight at once.
    pub fn concurrency(&self, limit: usize) {
        self.concurrency.set(i64::try_from(limit).unwrap_or(i64::MAX));
    }

    /// A rule file is in force.
    pub fn rules(&self, rules: usize) {
        self.rules.set(rules as u64);
    }

    /// The text of `/metrics`, of type [`CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(8 * 1024);
        // Writing to a String cannot fail, and a metric that cannot be written must not take the rest down.
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("metrics could not be written");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of the sample that is written exactly so.
    fn value(text: &str, sample: &str) -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no sample {sample} in\n{text}")).parse().unwrap()
    }

    #[test]
    fn every_series_of_the_closed_sets_starts_at_zero() {
        let text = Metrics::new().render();
        assert_eq!(value(&text, r#"usher_events_total{verdict="refused"}"#), 0.0);
        assert_eq!(value(&text, r#"usher_changes_total{action="grant",outcome="dead"}"#), 0.0);
        assert_eq!(value(&text, r#"usher_attempts_total{class="halt"}"#), 0.0);
        assert_eq!(value(&text, "usher_time_to_outcome_seconds_count"), 0.0);
        assert_eq!(value(&text, r#"usher_breaker_state{state="closed"}"#), 1.0);
        assert_eq!(value(&text, r#"usher_breaker_state{state="halted"}"#), 0.0);
        assert_eq!(value(&text, "usher_pace_open"), 1.0);
        assert!(text.contains(r#"usher_build_info{version=""#) && text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn what_happened_is_what_is_scraped() {
        let metrics = Metrics::new();
        metrics.event("accepted");
        metrics.outcome("grant", "granted", 0.2);
        metrics.attempt("retry", 10.0);
        metrics.commit(0.003, 7);
        metrics.backlog(3, 1.5, 2);
        metrics.breaker("half_open");
        metrics.pace(false);
        metrics.concurrency(44);
        metrics.rules(4);
        let text = metrics.render();
        assert_eq!(value(&text, r#"usher_events_total{verdict="accepted"}"#), 1.0);
        assert_eq!(value(&text, r#"usher_changes_total{action="grant",outcome="granted"}"#), 1.0);
        assert_eq!(value(&text, r#"usher_attempt_seconds_bucket{le="12.8"}"#), 1.0);
        assert_eq!(value(&text, r#"usher_attempt_seconds_bucket{le="6.4"}"#), 0.0);
        assert_eq!(value(&text, "usher_ledger_commit_group_sum"), 7.0);
        assert_eq!(value(&text, "usher_ledger_commit_seconds_count"), 1.0);
        let gauges = [
            ("usher_backlog_changes", 3.0),
            ("usher_oldest_unfinished_age_seconds", 1.5),
            ("usher_dead_letters", 2.0),
            (r#"usher_breaker_state{state="closed"}"#, 0.0),
            (r#"usher_breaker_state{state="half_open"}"#, 1.0),
            ("usher_pace_open", 0.0),
            ("usher_concurrency_limit", 44.0),
            ("usher_rules", 4.0),
        ];
        for (name, expected) in gauges {
            assert_eq!(value(&text, name), expected, "{name}");
        }
    }

    #[test]
    fn every_metric_has_a_help_text() {
        let text = Metrics::new().render();
        for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
            assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        }
    }
}
