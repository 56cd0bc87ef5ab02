//! What was looked up lately, so that it is not asked again: users and organizations by name, members by organization.
//! Pure: time comes in as `now`. Only what was found is kept: whoever is missing may appear at any time.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

use crate::bapi::{Class, FoundUser};
use crate::domain::{ChangeId, MembershipKey, OrganizationId, OrganizationRef, Slug, Step, UserId, UserRef};
use crate::ledger::Claim;

use super::decide::Answer;

/// Of each kind; the oldest goes first.
const CAPACITY: usize = 10_000;

/// A map that holds so many entries at most.
#[derive(Debug)]
struct Bounded<K, V> {
    capacity: usize,
    entries: HashMap<K, (Instant, V)>,
    /// In order of time; an entry that was renewed or dropped leaves its older place behind.
    order: VecDeque<(Instant, K)>,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    fn new(capacity: usize) -> Self {
        Self { capacity, entries: HashMap::new(), order: VecDeque::new() }
    }

    fn put(&mut self, key: K, value: V, now: Instant) {
        self.order.push_back((now, key.clone()));
        self.entries.insert(key, (now, value));
        while self.order.len() > self.capacity
            && let Some((at, oldest)) = self.order.pop_front()
        {
            if self.entries.get(&oldest).is_some_and(|(put_at, _)| *put_at == at) {
                self.entries.remove(&oldest);
            }
        }
    }

    fn get(&self, key: &K, now: Instant, lifetime: Duration) -> Option<&V> {
        let (put_at, value) = self.entries.get(key)?;
        (now.saturating_duration_since(*put_at) < lifetime).then_some(value)
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|(_, value)| value)
    }
}

/// What answers told, as long as it is believed.
#[derive(Debug)]
pub(super) struct Cache {
    lifetime: Duration,
    users: Bounded<UserRef, UserId>,
    organizations: Bounded<Slug, OrganizationId>,
    members: Bounded<OrganizationId, u64>,
    /// The changes that go on under ids from here, with the key they had before.
    served: Bounded<ChangeId, MembershipKey>,
    /// Those that went back to their names: what is known here does not help them.
    mended: Bounded<ChangeId, ()>,
}

impl Cache {
    /// Names are believed so long.
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            users: Bounded::new(CAPACITY),
            organizations: Bounded::new(CAPACITY),
            members: Bounded::new(CAPACITY),
            served: Bounded::new(CAPACITY),
            mended: Bounded::new(CAPACITY),
        }
    }

    /// The key of a change that is about to look up a name, as far as its names are known.
    pub(super) fn resolve(&mut self, claim: &Claim, now: Instant) -> Option<MembershipKey> {
        if self.mended.get(&claim.change.id, now, Duration::MAX).is_some() {
            return None;
        }
        let mut change = claim.change.clone();
        let mut step = claim.step.clone();
        // One name after the other, for as long as the next step is the next look-up.
        while let Some(key) = self.known(&step, &change.key, now) {
            change.key = key;
            step = change.first_step();
        }
        if change.key == claim.change.key {
            return None;
        }
        let before = self.served.remove(&change.id).unwrap_or_else(|| claim.change.key.clone());
        self.served.put(change.id, before, now);
        Some(change.key)
    }

    fn known(&self, step: &Step, key: &MembershipKey, now: Instant) -> Option<MembershipKey> {
        let MembershipKey { organization, user } = key.clone();
        match (step, &organization) {
            (Step::FindOrganization, OrganizationRef::Slug(slug)) => {
                let id = self.organizations.get(slug, now, self.lifetime)?.clone();
                Some(MembershipKey { organization: OrganizationRef::Id(id), user })
            }
            (Step::FindUser, _) => {
                let id = self.users.get(&user, now, self.lifetime)?.clone();
                Some(MembershipKey { organization, user: UserRef::Id(id) })
            }
            _ => None,
        }
    }

    /// Keeps what an answer told.
    pub(super) fn learn(&mut self, claim: &Claim, answer: &Answer, now: Instant) {
        let MembershipKey { organization, user } = &claim.change.key;
        match (answer, organization) {
            (Answer::OrganizationFound(Some(id)), OrganizationRef::Slug(slug)) => {
                self.organizations.put(slug.clone(), id.clone(), now);
            }
            (Answer::UserFound(FoundUser::One(id)), _) => self.users.put(user.clone(), id.clone(), now),
            (Answer::Counted(Some(counted)), OrganizationRef::Id(id)) => {
                if let Some(members) = counted.members {
                    self.members.put(id.clone(), members, now);
                }
            }
            _ => {}
        }
    }

    /// Where an answer finds something missing under ids from here: forgets them, and gives the key to look up again.
    pub(super) fn mend(&mut self, claim: &Claim, answer: &Answer, now: Instant) -> Option<MembershipKey> {
        if !misses(answer) {
            return None;
        }
        let before = self.served.remove(&claim.change.id)?;
        self.mended.put(claim.change.id, (), now);
        self.users.remove(&before.user);
        if let OrganizationRef::Slug(slug) = &before.organization {
            self.organizations.remove(slug);
        }
        Some(before)
    }

    /// How many members an organization had when they were counted, if that was within the window.
    pub(super) fn members(&self, organization: &OrganizationRef, now: Instant, window: Duration) -> Option<u64> {
        self.members.get(organization.id()?, now, window).copied()
    }
}

/// Whether an answer can come of an id that is out of date.
fn misses(answer: &Answer) -> bool {
    match answer {
        Answer::OrganizationConfirmed(organization) | Answer::Counted(organization) => organization.is_none(),
        Answer::UserConfirmed(exists) => !exists,
        Answer::Failed(class) => match class {
            Class::OrganizationMissing | Class::UserMissing | Class::SomethingMissing | Class::NotMember => true,
            Class::Retry { .. }
            | Class::Wait
            | Class::Refused
            | Class::Halt
            | Class::AlreadyMember
            | Class::InvitationPending
            | Class::InvitationGone => false,
        },
        Answer::OrganizationFound(_)
        | Answer::UserFound(_)
        | Answer::Created(_)
        | Answer::Inspected(_)
        | Answer::Updated(_)
        | Answer::Deleted(_)
        | Answer::InvitationFound(_)
        | Answer::Withdrawn
        | Answer::Invited(_) => false,
    }
}

#[cfg(test)]
mod tests;
