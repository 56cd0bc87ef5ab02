//! What the answers about an invitation mean: an address that is no user yet is invited once, or no longer.
//! Pure: knows nothing of memberships.

use crate::bapi::Invitation;
use crate::domain::{Action, Outcome, Step};
use crate::ledger::Claim;

use super::membership::{Maker, keeps, kept, made_by};
use super::{Decision, end, is_grant, unheard_of};

/// The pending invitation of the address, or none.
pub(super) fn found(claim: &Claim, found: Option<&Invitation>) -> Decision {
    let Action::Grant(grant) = &claim.change.action else {
        // The invitation first: a user who signed up and has not accepted it yet could still do so after the revoke.
        return Decision::Then(found.map_or(Step::FindUser, |pending| Step::WithdrawInvitation(pending.id.clone())));
    };
    let Some(pending) = found else { return Decision::Then(Step::Invite) };
    let current = pending.role.as_deref().unwrap_or_default();
    if current == grant.role.as_str() {
        return as_wanted(claim, pending);
    }
    match keeps(claim, grant, current) {
        Some(why) => end(Outcome::Unchanged, Some(pending.id.as_str()), Some(kept("invited", current, why))),
        None => Decision::Then(Step::WithdrawInvitation(pending.id.clone())),
    }
}

fn as_wanted(claim: &Claim, pending: &Invitation) -> Decision {
    let (outcome, reason) = match made_by(claim, pending.usher_event.as_deref()) {
        Maker::This => (Outcome::Invited, "an answer was lost; the invitation is there"),
        Maker::Likely => (Outcome::Invited, "an answer may have been lost; the invitation is there"),
        Maker::Other => (Outcome::Unchanged, "the user was invited with this role"),
    };
    end(outcome, Some(pending.id.as_str()), Some(reason.to_owned()))
}

pub(super) fn withdrawn(claim: &Claim) -> Decision {
    Decision::Took(if is_grant(claim) { Step::Invite } else { Step::FindUser })
}

/// Clerk knows of a pending invitation.
pub(super) fn pending(claim: &Claim) -> Decision {
    match &claim.step {
        Step::Invite => Decision::Restart(Step::FindInvitation),
        Step::FindOrganization
        | Step::FindUser
        | Step::Create
        | Step::ConfirmOrganization
        | Step::ConfirmUser
        | Step::Recreate
        | Step::Inspect
        | Step::Update
        | Step::CountMembers
        | Step::Delete
        | Step::FindInvitation
        | Step::WithdrawInvitation(_) => unheard_of(),
    }
}

/// The invitation is not pending any more: accepted, in which case there is a user now, or withdrawn.
pub(super) fn gone(claim: &Claim) -> Decision {
    match &claim.step {
        Step::WithdrawInvitation(_) => Decision::Restart(Step::FindUser),
        Step::FindOrganization
        | Step::FindUser
        | Step::Create
        | Step::ConfirmOrganization
        | Step::ConfirmUser
        | Step::Recreate
        | Step::Inspect
        | Step::Update
        | Step::CountMembers
        | Step::Delete
        | Step::FindInvitation
        | Step::Invite => unheard_of(),
    }
}
