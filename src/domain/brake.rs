//! How many memberships of an organization a sender may end or lower before somebody has to look.
//! Knows nothing of how they are counted.

use std::time::Duration;

/// When removals are held: beyond `limit`, or beyond `percent` of the members once there are more than `at_least`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brake {
    /// Removals that pass, whatever the size of the organization.
    pub limit: u32,
    /// The share of the members that passes, in percent.
    pub percent: u32,
    /// Removals that pass whatever share they are: small organizations change as a whole.
    pub at_least: u32,
    /// How far back they are counted.
    pub window: Duration,
}

impl Default for Brake {
    fn default() -> Self {
        Self { limit: 100, percent: 50, at_least: 10, window: Duration::from_secs(3600) }
    }
}
