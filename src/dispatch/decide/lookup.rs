//! What looking for an organization or a user means for a change, and what a missing one does.
//! Pure: knows nothing of memberships that exist.

use crate::bapi::FoundUser;
use crate::domain::{Action, MembershipKey, MissingUser, OrganizationId, OrganizationRef, Step, UserRef};
use crate::ledger::Claim;

use super::{Decision, WaitFor, is_grant, nothing_left, unheard_of};

pub(super) fn organization_found(claim: &Claim, found: Option<&OrganizationId>) -> Decision {
    match found {
        Some(id) => {
            let key =
                MembershipKey { organization: OrganizationRef::Id(id.clone()), user: claim.change.key.user.clone() };
            Decision::Found { key }
        }
        // Also for a revoke: a slug can be renamed, so nobody knows that there is no membership.
        None => Decision::refuse("no organization has this slug"),
    }
}

pub(super) fn user_found(claim: &Claim, found: &FoundUser) -> Decision {
    match found {
        FoundUser::One(id) => {
            let key =
                MembershipKey { organization: claim.change.key.organization.clone(), user: UserRef::Id(id.clone()) };
            Decision::Found { key }
        }
        FoundUser::Several => Decision::refuse("several users go by this name; name the one that is meant by its id"),
        FoundUser::None => user_missing(claim),
    }
}

/// After a create that found something missing without saying what.
pub(super) fn organization_confirmed(claim: &Claim, exists: bool) -> Decision {
    match &claim.change.key.user {
        _ if !exists => organization_missing(claim),
        UserRef::Id(_) => Decision::Then(Step::ConfirmUser),
        // An invitation needs no user: nothing but the role is left.
        UserRef::Email(_) | UserRef::ExternalId(_) => role_missing(),
    }
}

pub(super) fn user_confirmed(claim: &Claim, exists: bool) -> Decision {
    if exists { Decision::Then(Step::Recreate) } else { user_missing(claim) }
}

/// There is no such organization; a membership of it is as good as ended.
pub(super) fn organization_missing(claim: &Claim) -> Decision {
    if is_grant(claim) {
        return Decision::refuse("the organization does not exist");
    }
    nothing_left(claim, "the organization does not exist")
}

/// Nobody is the user that the change names.
pub(super) fn user_missing(claim: &Claim) -> Decision {
    let Action::Grant(grant) = &claim.change.action else {
        return nothing_left(claim, "there is no such user");
    };
    match (grant.missing_user, &claim.change.key.user) {
        (MissingUser::Fail, _) => Decision::refuse("there is no such user"),
        (MissingUser::Wait, _) => Decision::Wait(WaitFor::User),
        (MissingUser::Invite, UserRef::Email(_)) => Decision::Then(Step::FindInvitation),
        (MissingUser::Invite, UserRef::Id(_) | UserRef::ExternalId(_)) => {
            Decision::refuse("there is no such user, and without an e-mail address nobody can be invited")
        }
    }
}

/// Something does not exist, and Clerk does not say what.
pub(super) fn something_missing(claim: &Claim) -> Decision {
    match &claim.step {
        Step::Create | Step::Invite => Decision::Then(Step::ConfirmOrganization),
        Step::Recreate => role_missing(),
        Step::Delete => nothing_left(claim, "the user was not a member"),
        // The membership went, or the role was never there: a create tells.
        Step::Update | Step::Inspect => Decision::Restart(Step::Create),
        // An invitation that is no more may have been accepted.
        Step::WithdrawInvitation(_) => Decision::Restart(Step::FindUser),
        Step::FindInvitation | Step::CountMembers | Step::ConfirmOrganization | Step::FindOrganization => {
            organization_missing(claim)
        }
        Step::ConfirmUser => user_missing(claim),
        Step::FindUser => unheard_of(),
    }
}

fn role_missing() -> Decision {
    Decision::refuse("the role does not exist or is not in the organization's role set")
}
