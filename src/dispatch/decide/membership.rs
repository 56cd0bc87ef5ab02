//! What the answers about a membership mean: who made it, which role stays, and what its end is.
//! Pure: knows nothing of names and invitations.

use crate::bapi::{Membership, Organization};
use crate::domain::{Action, Existing, Grant, Outcome, Role, Step};
use crate::ledger::Claim;

use super::brake::{Guard, Verdict, lowers_role};
use super::{Decision, end, is_grant, nothing_left, unheard_of};

pub(super) fn already_member(claim: &Claim) -> Decision {
    match &claim.step {
        Step::Create | Step::Recreate => Decision::Then(Step::Inspect),
        // The user signed up, or was let in, since nobody was found.
        Step::Invite => Decision::Restart(Step::FindUser),
        Step::FindOrganization
        | Step::FindUser
        | Step::ConfirmOrganization
        | Step::ConfirmUser
        | Step::Inspect
        | Step::Update
        | Step::CountMembers
        | Step::Delete
        | Step::FindInvitation
        | Step::WithdrawInvitation(_) => unheard_of(),
    }
}

pub(super) fn not_member(claim: &Claim) -> Decision {
    match &claim.step {
        Step::Delete => nothing_left(claim, "the user was not a member"),
        // A create tells what is missing, if not the membership alone.
        Step::Update | Step::Inspect => Decision::Restart(Step::Create),
        Step::FindOrganization
        | Step::FindUser
        | Step::Create
        | Step::ConfirmOrganization
        | Step::ConfirmUser
        | Step::Recreate
        | Step::CountMembers
        | Step::FindInvitation
        | Step::WithdrawInvitation(_)
        | Step::Invite => unheard_of(),
    }
}

/// There is a membership: it stays as it is, or its role changes.
pub(super) fn inspected(claim: &Claim, membership: &Membership, guard: &Guard) -> Decision {
    let Action::Grant(grant) = &claim.change.action else {
        return Decision::Then(Step::Delete);
    };
    let current = membership.role.as_deref().unwrap_or_default();
    if current == grant.role.as_str() {
        return as_wanted(claim, membership);
    }
    match keeps(claim, grant, current) {
        Some(why) => end(Outcome::Unchanged, membership.id.as_deref(), Some(kept("a member", current, why))),
        None if lowers_role(grant, current) => braked(guard.verdict(claim), Step::Update),
        None => Decision::Then(Step::Update),
    }
}

/// The members are counted now: the removal that waited for it passes or is held.
pub(super) fn counted(claim: &Claim, organization: Option<&Organization>, guard: &Guard) -> Decision {
    let Some(organization) = organization else { return super::lookup::organization_missing(claim) };
    let next = if is_grant(claim) { Step::Update } else { Step::Delete };
    match guard.verdict_with(claim, organization.members) {
        // Clerk was asked and did not say.
        Verdict::CountMembers => {
            Decision::Hold { reason: "Clerk does not tell how many members the organization has".to_owned() }
        }
        verdict => braked(verdict, next),
    }
}

fn braked(verdict: Verdict, next: Step) -> Decision {
    match verdict {
        Verdict::Pass => Decision::Then(next),
        Verdict::CountMembers => Decision::Then(Step::CountMembers),
        Verdict::Hold(reason) => Decision::Hold { reason },
    }
}

/// Why another role than the wanted one stays, if it does.
pub(super) fn keeps(claim: &Claim, grant: &Grant, current: &str) -> Option<&'static str> {
    match grant.existing {
        _ if claim.replaces => None,
        Existing::Replace => None,
        Existing::Raise if grant.lower.iter().any(|lower| lower.as_str() == current) => None,
        Existing::Raise => Some("which is not lower"),
        Existing::Keep => Some("which the rule keeps"),
    }
}

/// Clerk's text is quoted only where it has the form of a role.
pub(super) fn kept(what: &str, current: &str, why: &str) -> String {
    match current.parse::<Role>() {
        Ok(role) => format!("the user is {what} as {role}, {why}"),
        Err(_) => format!("the user is {what} with another role, {why}"),
    }
}

/// Who made a membership that is as wanted: its metadata says so; where it says nothing, a lost answer is the likeliest.
fn as_wanted(claim: &Claim, membership: &Membership) -> Decision {
    let (outcome, reason) = match made_by(claim, membership.usher_event.as_deref()) {
        Maker::This => (Outcome::Granted, "an answer was lost; the membership is there"),
        Maker::Likely if membership.shows_metadata => (Outcome::Unchanged, "the user was a member with this role"),
        Maker::Likely => (Outcome::Granted, "an answer may have been lost; the membership is there"),
        Maker::Other => (Outcome::Unchanged, "the user was a member with this role"),
    };
    end(outcome, membership.id.as_deref(), Some(reason.to_owned()))
}

/// Whose work something is that is there already.
pub(super) enum Maker {
    This,
    Likely,
    Other,
}

pub(super) fn made_by(claim: &Claim, usher_event: Option<&str>) -> Maker {
    match usher_event {
        Some(event) if event == claim.change.id.event.to_string() => Maker::This,
        None if claim.answer_lost => Maker::Likely,
        Some(_) | None => Maker::Other,
    }
}
