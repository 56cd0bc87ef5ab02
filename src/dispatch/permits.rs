//! The tokens that a call needs beside that of the pace, where all replicas share the limit: one of each.
//! Pure: time comes in as `now`. Knows nothing of who gives them.

use std::time::Instant;

use super::Policy;
use super::limits::Limited;
use super::share::Share;
use crate::ledger::SliceAsk;

/// What such a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// The one probe of all replicas.
    Probe,
    /// A call with a limit of its own.
    Limit,
}

/// Those that a call has, each until it is good for nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Permits {
    probe: Option<Instant>,
    limit: Option<Instant>,
}

impl Permits {
    /// What most calls have and need.
    pub(super) const NONE: Self = Self { probe: None, limit: None };

    /// One more, good until then.
    pub(super) fn add(&mut self, permit: Permit, until: Instant) {
        match permit {
            Permit::Probe => self.probe = Some(until),
            Permit::Limit => self.limit = Some(until),
        }
    }

    /// Which one is missing.
    pub(super) fn missing(&self, probe: bool, call: Limited<'_>, now: Instant) -> Option<Permit> {
        let lacks = |needed: bool, until: Option<Instant>| needed && until.is_none_or(|until| until <= now);
        let limit = lacks(call != Limited::No, self.limit).then_some(Permit::Limit);
        // The probe last: there is one in half a minute, and it is not to be lost.
        limit.or_else(|| lacks(probe, self.probe).then_some(Permit::Probe))
    }
}

/// The buckets that they are taken from.
#[derive(Debug)]
pub(super) struct Buckets {
    role_updates: Share,
    invitations: Share,
    probes: Share,
}

impl Buckets {
    pub(super) fn new(policy: &Policy) -> Self {
        Self {
            role_updates: Share::of_role_updates(policy),
            invitations: Share::of_invitations(policy),
            probes: Share::of_probes(policy),
        }
    }

    /// What is asked for; nothing where the call needs none.
    pub(super) fn ask(&self, permit: Permit, call: Limited<'_>) -> Option<SliceAsk> {
        let (share, bucket) = match (permit, call) {
            (Permit::Probe, _) => (self.probes, "probes".to_owned()),
            (Permit::Limit, Limited::Invitation) => (self.invitations, "invitations".to_owned()),
            (Permit::Limit, Limited::RoleUpdate(key)) => {
                (self.role_updates, format!("update {} {}", key.organization, key.user))
            }
            (Permit::Limit, Limited::No) => return None,
        };
        Some(share.ask(bucket, 1))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_probe_is_asked_for_when_nothing_else_is_missing() {
        let (mut permits, now) = (Permits::NONE, Instant::now());
        assert_eq!(permits.missing(false, Limited::No, now), None);
        assert_eq!(permits.missing(true, Limited::Invitation, now), Some(Permit::Limit));
        permits.add(Permit::Limit, now + Duration::from_secs(1));
        assert_eq!(permits.missing(true, Limited::Invitation, now), Some(Permit::Probe));
        permits.add(Permit::Probe, now + Duration::from_secs(1));
        assert_eq!(permits.missing(true, Limited::Invitation, now), None);
        assert_eq!(permits.missing(false, Limited::Invitation, now + Duration::from_secs(1)), Some(Permit::Limit));
    }
}
