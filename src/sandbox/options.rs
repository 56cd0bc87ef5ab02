//! What a sandbox can be told before it starts.
//! Knows nothing of command lines.

use std::time::Duration;

use super::faults::Faults;
use super::rate_limit::RateLimit;

/// How a sandbox behaves; the default answers at once, without faults and with no limits but Clerk's on single calls.
#[derive(Clone)]
pub struct Options {
    /// How long every answer to a `/v1` call is held back, after its effect.
    pub latency: Duration,
    /// How often `/v1` calls go wrong.
    pub faults: Faults,
    /// How many `/v1` calls are answered in a window before 429; `None` for as many as come.
    pub rate_limit: Option<RateLimit>,
    /// How often one membership's role or metadata may change; `None` for as often as one likes.
    pub role_change_limit: Option<RateLimit>,
    /// How many invitations the instance sends; `None` for as many as come.
    pub invitation_limit: Option<RateLimit>,
    /// Whether errors keep to themselves which parameter or missing resource they are about.
    pub terse_errors: bool,
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
            // Clerk's own.
            role_change_limit: Some(RateLimit { calls: 10, window: Duration::from_secs(10) }),
            invitation_limit: Some(RateLimit { calls: 250, window: Duration::from_secs(3600) }),
            terse_errors: false,
            seed: 0,
            secret_key: None,
            workers: 1,
        }
    }
}
