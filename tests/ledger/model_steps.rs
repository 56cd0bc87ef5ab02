//! What the model may do to a ledger, drawn at random.

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::{Action, Existing, Grant, Role};
use super::USERS;

const ROLES: [&str; 3] = ["org:viewer", "org:member", "org:admin"];

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Record an event (by number, so that repeats occur), of this time, with these changes.
    Record(u8, Option<i64>, Vec<(usize, Wish)>),
    Claim(usize),
    /// Finish one of the claims made so far, stale or not; dead or not.
    Finish(Index, bool),
    /// Another attempt after a while; the call may have taken effect without an answer.
    Retry(Index, i64, Lost),
    Release(Index, i64),
    Hold(Index),
    ReleaseHeld,
    /// Let this much time go by; leases last 30 s.
    Pass(i64),
    Reopen,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lost {
    No,
    Before,
    After,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Wish {
    Revoke,
    Keep(usize),
    Raise(usize),
    Replace(usize),
}

impl Wish {
    pub(super) fn action(self) -> Action {
        let role = |number: usize| -> Role { ROLES[number].parse().unwrap() };
        let grant =
            |number, existing| Action::Grant(Grant::new(role(number), existing, (0..number).map(role).collect()));
        match self {
            Self::Revoke => Action::Revoke,
            Self::Keep(number) => grant(number, Existing::Keep),
            Self::Raise(number) => grant(number, Existing::Raise),
            Self::Replace(number) => grant(number, Existing::Replace),
        }
    }

    pub(super) fn make(self, replaces: bool, before: Option<usize>) -> Option<usize> {
        match (self, before) {
            (Self::Revoke, _) => None,
            (Self::Keep(role) | Self::Raise(role), _) if replaces => Some(role),
            (Self::Keep(role), before) => before.or(Some(role)),
            (Self::Raise(role), before) => before.max(Some(role)),
            (Self::Replace(role), _) => Some(role),
        }
    }
}

fn wish() -> impl Strategy<Value = Wish> {
    let role = || 0..ROLES.len();
    prop_oneof![
        2 => Just(Wish::Revoke),
        1 => role().prop_map(Wish::Keep),
        2 => role().prop_map(Wish::Raise),
        1 => role().prop_map(Wish::Replace),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let claim = any::<Index>;
    let changes = prop::collection::vec((0..USERS.len(), wish()), 0..4);
    // Of long ago, of about now, and of a clock that is far ahead.
    let time = prop_oneof![3 => 0..9i64, 3 => 0..60_000i64, 1 => Just(i64::from(u32::MAX) * 1_000)];
    let lost = prop_oneof![Just(Lost::No), Just(Lost::Before), Just(Lost::After)];
    prop_oneof![
        6 => (0..30u8, prop::option::weighted(0.3, time), changes).prop_map(|(n, t, c)| Step::Record(n, t, c)),
        5 => (1..4usize).prop_map(Step::Claim),
        4 => (claim(), prop::bool::weighted(0.3)).prop_map(|(claim, dead)| Step::Finish(claim, dead)),
        3 => (claim(), 0..20_000i64, lost).prop_map(|(claim, later, lost)| Step::Retry(claim, later, lost)),
        1 => (claim(), 0..20_000i64).prop_map(|(claim, later)| Step::Release(claim, later)),
        1 => claim().prop_map(Step::Hold),
        1 => Just(Step::ReleaseHeld),
        2 => (0..20_000i64).prop_map(Step::Pass),
        1 => Just(Step::Reopen),
    ]
}
