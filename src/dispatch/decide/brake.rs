//! The brake: how many memberships of one organization one sender may end or lower before a person looks at it.
//! Pure: knows nothing of how removals and members are counted.

use crate::domain::{Action, Brake, Existing, Grant, Step};
use crate::ledger::Claim;

use super::Answer;

/// What the brake says of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// It depends on how many members there are.
    CountMembers,
    Hold(String),
}

/// The brake that a claimed change has to pass, and what is known about its organization.
#[derive(Debug)]
pub(in crate::dispatch) struct Guard {
    /// `None` where it is off.
    pub(in crate::dispatch) brake: Option<Brake>,
    /// How many members the organization has, if that was asked within the window.
    pub(in crate::dispatch) members: Option<u64>,
}

impl Guard {
    pub(super) fn verdict(&self, claim: &Claim) -> Verdict {
        self.verdict_with(claim, self.members)
    }

    pub(super) fn verdict_with(&self, claim: &Claim, members: Option<u64>) -> Verdict {
        match self.brake {
            Some(brake) if !claim.released => verdict(&brake, claim.removals, members),
            _ => Verdict::Pass,
        }
    }
}

/// Whether one more removal passes; `removals` counts it.
fn verdict(brake: &Brake, removals: u32, members: Option<u64>) -> Verdict {
    let held = |what: String| {
        let window = humantime::format_duration(brake.window);
        let reason =
            format!("held by the brake: this sender ends or lowers more than {what} of the organization in {window}");
        Verdict::Hold(reason)
    };
    if removals > brake.limit {
        return held(format!("{} memberships", brake.limit));
    }
    if removals <= brake.at_least || brake.percent >= 100 {
        return Verdict::Pass;
    }
    match members {
        None => Verdict::CountMembers,
        Some(members) if u64::from(removals) * 100 > members.saturating_mul(u64::from(brake.percent)) => {
            held(format!("{} % of the {members} memberships", brake.percent))
        }
        Some(_) => Verdict::Pass,
    }
}

/// What a claimed change may do before any call of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dispatch) enum Gate {
    /// This call.
    Call(Step),
    /// None yet: the ledger must know of this call first, because an answer of it may be lost.
    Settle(Step),
    /// None, until an operator lets it pass.
    Hold(String),
}

/// Asks the brake before a delete, and before an update that lowers a role; counted members only serve the brake.
pub(in crate::dispatch) fn gate(claim: &Claim, guard: &Guard) -> Gate {
    match (&claim.step, &claim.change.action) {
        // Several demotions may have been inspected before the first of them counted.
        (step @ (Step::Delete | Step::Update), _) => match guard.verdict(claim) {
            Verdict::Pass => Gate::Call(step.clone()),
            Verdict::CountMembers => Gate::Call(Step::CountMembers),
            Verdict::Hold(reason) => Gate::Hold(reason),
        },
        (Step::CountMembers, Action::Revoke) if claim.released => Gate::Settle(Step::Delete),
        // Held for days, perhaps: the role may be another by now.
        (Step::CountMembers, Action::Grant(_)) if claim.released => Gate::Call(Step::Inspect),
        (step, _) => Gate::Call(step.clone()),
    }
}

/// Whether a grant is about to lower the role of a member, by what its inspection saw: the brake counts it from then on.
pub(in crate::dispatch) fn lowers(claim: &Claim, answer: &Answer) -> bool {
    match (answer, &claim.change.action) {
        (Answer::Inspected(Some(membership)), Action::Grant(grant)) => {
            let replaces = claim.replaces || grant.existing == Existing::Replace;
            replaces && lowers_role(grant, membership.role.as_deref().unwrap_or_default())
        }
        _ => false,
    }
}

/// Only roles known to be lower are; one that the order does not know may be higher.
pub(super) fn lowers_role(grant: &Grant, current: &str) -> bool {
    current != grant.role.as_str() && !grant.lower.iter().any(|lower| lower.as_str() == current)
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::{claim, grant};
    use super::*;
    use proptest::prelude::*;

    fn brake() -> Brake {
        Brake::default()
    }

    #[test]
    fn a_small_organization_can_be_emptied_of_ten() {
        for removals in 0..=10 {
            assert_eq!(verdict(&brake(), removals, None), Verdict::Pass);
            assert_eq!(verdict(&brake(), removals, Some(1)), Verdict::Pass);
        }
    }

    #[test]
    fn beyond_ten_it_depends_on_the_members() {
        assert_eq!(verdict(&brake(), 11, None), Verdict::CountMembers);
        assert_eq!(verdict(&brake(), 11, Some(22)), Verdict::Pass);
        assert!(matches!(verdict(&brake(), 11, Some(21)), Verdict::Hold(reason) if reason.contains("50 % of the 21")));
    }

    #[test]
    fn beyond_the_limit_nothing_passes_however_many_members_there_are() {
        assert_eq!(verdict(&brake(), 100, Some(1_000_000)), Verdict::Pass);
        let Verdict::Hold(reason) = verdict(&brake(), 101, Some(1_000_000)) else { panic!() };
        assert!(reason.contains("more than 100 memberships of the organization in 1h"), "{reason}");
    }

    #[test]
    fn a_share_of_all_is_no_brake() {
        let brake = Brake { percent: 100, ..brake() };
        assert_eq!(verdict(&brake, 99, None), Verdict::Pass);
    }

    #[test]
    fn a_delete_is_asked_about_before_its_call_and_a_released_one_no_more() {
        let at = |step: Step, removals, members, released| {
            let claim = Claim { step, removals, released, ..claim(Action::Revoke) };
            gate(&claim, &Guard { brake: Some(brake()), members })
        };
        assert_eq!(at(Step::Delete, 1, None, false), Gate::Call(Step::Delete));
        assert_eq!(at(Step::Delete, 11, None, false), Gate::Call(Step::CountMembers));
        assert_eq!(at(Step::Delete, 11, Some(100), false), Gate::Call(Step::Delete));
        assert!(matches!(at(Step::Delete, 101, Some(1000), false), Gate::Hold(_)));
        assert_eq!(at(Step::Delete, 101, None, true), Gate::Call(Step::Delete));
        assert_eq!(at(Step::CountMembers, 11, None, false), Gate::Call(Step::CountMembers));
        assert_eq!(at(Step::CountMembers, 11, None, true), Gate::Settle(Step::Delete));
        assert_eq!(at(Step::FindUser, 101, None, false), Gate::Call(Step::FindUser));
    }

    #[test]
    fn a_released_demotion_is_inspected_anew() {
        let step = Step::CountMembers;
        let claim = Claim { step, released: true, ..claim(grant("org:viewer", Existing::Replace)) };
        assert_eq!(gate(&claim, &Guard { brake: Some(brake()), members: None }), Gate::Call(Step::Inspect));
    }

    proptest! {
        #[test]
        fn more_removals_never_pass_where_fewer_do_not(removals in 0..200u32, more in 0..200u32, members in 0..500u64) {
            let held = |removals| matches!(verdict(&brake(), removals, Some(members)), Verdict::Hold(_));
            prop_assert!(!held(removals) || held(removals + more));
        }
    }
}
