//! What a sandbox can be told before it starts.
//! Knows nothing of command lines.

use std::time::Duration;

use super::faults::Faults;
use super::rate_limit::RateLimit;

/// How a sandbox behaves; the default answers at once, without faults and without a limit.
#[derive(Clone)]
pub struct Options {
    /// How long every answer to a `/v1` call is held back, after its effect.
    pub latency: Duration,
    /// How often `/v1` calls go wrong.
    pub faults: Faults,
    /// How many `/v1` calls are answered in a window before 429; `None` for as many as come.
    pub rate_limit: Option<RateLimit>,
    /// Decides ids and faults: the same seed and the same calls give the same run.
    pub seed: u64,
    /// The only secret key that is let in; `None` lets in every `sk_test_` key.
    pub secret_key: Option<String>,
    /// How many threads serve.
    pub workers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            faults: Faults::default(),
            rate_limit: None,
            seed: 0,
            secret_key: None,
            workers: 1,
        }
    }
}
