//! How many memberships of an organization a sender may end or lower before somebody has to look.
//! Knows nothing of how they are counted.

use std::collections::HashMap;
use std::time::Duration;

use super::SenderName;

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

/// The brake of each sender.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brakes(HashMap<SenderName, Option<Brake>>);

impl Brakes {
    /// `None` is a sender whose brake is off; one that is not named has the default.
    pub fn new(senders: impl IntoIterator<Item = (SenderName, Option<Brake>)>) -> Self {
        Self(senders.into_iter().collect())
    }

    /// The brake of this sender; `None` where it is off.
    pub fn of(&self, sender: &SenderName) -> Option<Brake> {
        self.0.get(sender).copied().unwrap_or_else(|| Some(Brake::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_its_own_brake_or_none_or_the_default() {
        let sender = |name: &str| SenderName::try_from(name.to_owned()).unwrap();
        let own = Brake { limit: 1, ..Brake::default() };
        let brakes = Brakes::new([(sender("billing"), Some(own)), (sender("support"), None)]);
        assert_eq!(brakes.of(&sender("billing")), Some(own));
        assert_eq!(brakes.of(&sender("support")), None);
        assert_eq!(brakes.of(&sender("orders")), Some(Brake::default()));
    }
}
