//! What can be switched while a sandbox runs: features of the instance, the key that opens it, and a total outage.
//! Knows nothing of HTTP.

use serde::{Deserialize, Serialize};

/// The state of the instance as `PATCH /sandbox/instance` changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switches {
    /// Off: every call about organizations is refused.
    pub(super) organizations_enabled: bool,
    /// On: nobody may leave their last organization.
    pub(super) membership_required: bool,
    /// On: errors do not say which parameter or which missing resource they are about.
    pub(super) terse_errors: bool,
    pub(super) outage: Option<Outage>,
}

/// How every call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outage {
    /// The connection ends without a byte.
    #[serde(rename = "cut")]
    Cut,
    /// 503 in Clerk's words.
    #[serde(rename = "503")]
    Unavailable,
}

/// Which secret key is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// Any `sk_test_` key.
    AnyTest,
    Only(String),
    /// All are revoked.
    None,
}

impl Switches {
    pub(super) fn new(terse_errors: bool) -> Self {
        Self { organizations_enabled: true, membership_required: false, terse_errors, outage: None }
    }
}

impl Key {
    pub(super) fn opens(&self, key: &str) -> bool {
        match self {
            Self::AnyTest => key.strip_prefix("sk_test_").is_some_and(|secret| !secret.is_empty()),
            Self::Only(only) => key == only,
            Self::None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_of_now_opens() {
        assert!(Key::AnyTest.opens("sk_test_x") && !Key::AnyTest.opens("sk_test_") && !Key::AnyTest.opens("sk_live_x"));
        assert!(Key::Only("k".into()).opens("k") && !Key::Only("k".into()).opens("sk_test_x"));
        assert!(!Key::None.opens("sk_test_x"));
    }
}
