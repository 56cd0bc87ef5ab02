//! The one call that a claimed change needs next, and the attempt it leaves behind.
//! Knows nothing of what the answer means.

use std::time::Instant;

use jiff::Timestamp;

use crate::bapi::{Client, Health, Reply};
use crate::domain::{
    Action, Attempt, AttemptCode, EmailAddress, EventId, Grant, InvitationId, Member, OrganizationId, OrganizationRef,
    Role, Slug, Step, UserId, UserRef,
};
use crate::ledger::Claim;

use super::decide::Answer;

/// A call with everything it needs: what was not looked up cannot be called for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call<'a> {
    FindOrganization(&'a Slug),
    FindUser(&'a UserRef),
    ConfirmOrganization(&'a OrganizationId),
    ConfirmUser(&'a UserId),
    Create(Member, &'a Grant, EventId),
    Inspect(Member),
    Update(Member, &'a Role),
    CountMembers(&'a OrganizationId),
    Delete(Member),
    FindInvitation(&'a OrganizationId, &'a EmailAddress),
    WithdrawInvitation(&'a OrganizationId, &'a InvitationId),
    Invite(&'a OrganizationId, &'a EmailAddress, &'a Grant, EventId),
}

impl<'a> Call<'a> {
    /// The call of a claim's step; `None` where the step does not fit the change, as after a mistake in the ledger.
    pub(super) fn of(claim: &'a Claim) -> Option<Self> {
        let (key, event) = (&claim.change.key, claim.change.id.event);
        let organization = || key.organization.id();
        let grant = || match &claim.change.action {
            Action::Grant(grant) => Some(grant),
            Action::Revoke => None,
        };
        Some(match &claim.step {
            Step::FindOrganization => Self::FindOrganization(slug(&key.organization)?),
            Step::FindUser => Self::FindUser(named(&key.user)?),
            Step::ConfirmOrganization => Self::ConfirmOrganization(organization()?),
            Step::ConfirmUser => Self::ConfirmUser(key.user.id()?),
            Step::Create | Step::Recreate => Self::Create(key.member()?, grant()?, event),
            Step::Inspect => Self::Inspect(key.member()?),
            Step::Update => Self::Update(key.member()?, &grant()?.role),
            Step::CountMembers => Self::CountMembers(organization()?),
            Step::Delete if grant().is_none() => Self::Delete(key.member()?),
            Step::Delete => return None,
            Step::FindInvitation => Self::FindInvitation(organization()?, address(&key.user)?),
            Step::WithdrawInvitation(id) => Self::WithdrawInvitation(organization()?, id),
            Step::Invite => Self::Invite(organization()?, address(&key.user)?, grant()?, event),
        })
    }

    /// Makes it.
    async fn make(self, client: &Client) -> Reply<Answer> {
        match self {
            Self::FindOrganization(slug) => client.find_organization(slug).await.map(Answer::OrganizationFound),
            Self::FindUser(user) => client.find_user(user).await.map(Answer::UserFound),
            Self::ConfirmOrganization(id) => client.organization(id).await.map(Answer::OrganizationConfirmed),
            Self::ConfirmUser(id) => client.user_exists(id).await.map(Answer::UserConfirmed),
            Self::Create(member, grant, event) => {
                client.create(&member, &grant.role, &grant.metadata, event).await.map(Answer::Created)
            }
            Self::Inspect(member) => client.inspect(&member).await.map(Answer::Inspected),
            Self::Update(member, role) => client.update(&member, role).await.map(Answer::Updated),
            Self::CountMembers(id) => client.organization(id).await.map(Answer::Counted),
            Self::Delete(member) => client.delete(&member).await.map(Answer::Deleted),
            Self::FindInvitation(id, address) => {
                client.pending_invitation(id, address).await.map(Answer::InvitationFound)
            }
            Self::WithdrawInvitation(id, invitation) => {
                client.withdraw_invitation(id, invitation).await.map(|()| Answer::Withdrawn)
            }
            Self::Invite(id, address, grant, event) => {
                client.invite(id, address, &grant.role, &grant.metadata, event).await.map(Answer::Invited)
            }
        }
    }
}

fn slug(organization: &OrganizationRef) -> Option<&Slug> {
    match organization {
        OrganizationRef::Slug(slug) => Some(slug),
        OrganizationRef::Id(_) => None,
    }
}

fn named(user: &UserRef) -> Option<&UserRef> {
    user.id().is_none().then_some(user)
}

fn address(user: &UserRef) -> Option<&EmailAddress> {
    match user {
        UserRef::Email(address) => Some(address),
        UserRef::Id(_) | UserRef::ExternalId(_) => None,
    }
}

/// A call that was made.
pub(super) struct Called {
    pub(super) answer: Answer,
    /// The failure in words.
    pub(super) why: Option<String>,
    /// What it says about Clerk itself.
    pub(super) health: Health,
    pub(super) attempt: Attempt,
}

/// Makes the call; `at` is now by the clock of the ledger.
pub(super) async fn call(client: &Client, call: Call<'_>, at: Timestamp) -> Called {
    let begun = Instant::now();
    let reply = call.make(client).await;
    let attempt = Attempt {
        at,
        status: reply.status,
        code: reply.code.as_deref().map(AttemptCode::new),
        duration_ms: u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX),
        trace_id: reply.trace_id,
    };
    match reply.result {
        Ok(answer) => Called { answer, why: None, health: Health::Well, attempt },
        Err(error) => {
            let (answer, health) = (Answer::Failed(error.class()), error.health());
            Called { answer, why: Some(error.to_string()), health, attempt }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{claim_of, grant};
    use super::*;
    use crate::domain::Existing;

    fn all() -> [Step; 13] {
        [
            Step::FindOrganization,
            Step::FindUser,
            Step::Create,
            Step::ConfirmOrganization,
            Step::ConfirmUser,
            Step::Recreate,
            Step::Inspect,
            Step::Update,
            Step::CountMembers,
            Step::Delete,
            Step::FindInvitation,
            Step::WithdrawInvitation("orginv_1".parse().unwrap()),
            Step::Invite,
        ]
    }

    /// The steps that have a call for a change of this key.
    fn possible(organization: &str, user: &str, action: Action) -> Vec<&'static str> {
        let claim = claim_of(organization, user, action);
        let fits = |step: &Step| Call::of(&Claim { step: step.clone(), ..claim.clone() }).is_some();
        all().iter().filter(|step| fits(step)).map(Step::name).collect()
    }

    #[test]
    fn a_change_begins_with_a_call_that_it_can_make() {
        for organization in ["org_1", "slug:acme"] {
            for user in ["user_1", "email:ada@example.com", "external_id:42"] {
                for action in [grant("org:member", Existing::Raise), Action::Revoke] {
                    assert!(Call::of(&claim_of(organization, user, action)).is_some(), "{organization} {user}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_called_for_under_a_name_that_must_be_looked_up() {
        let member = || grant("org:member", Existing::Raise);
        assert_eq!(possible("slug:acme", "user_1", member()), ["find_organization", "confirm_user"]);
        let by_address = possible("org_1", "email:ada@example.com", member());
        let of_invitations = ["find_invitation", "withdraw_invitation", "invite"];
        assert_eq!(by_address[..3], ["find_user", "confirm_organization", "count_members"]);
        assert_eq!(by_address[3..], of_invitations);
        let by_external_id = possible("org_1", "external_id:42", Action::Revoke);
        assert_eq!(by_external_id, ["find_user", "confirm_organization", "count_members", "withdraw_invitation"]);
    }

    #[test]
    fn a_grant_never_deletes_and_a_revoke_never_creates() {
        let of_a_grant = possible("org_1", "user_1", grant("org:member", Existing::Raise));
        assert!(of_a_grant.contains(&"create") && !of_a_grant.contains(&"delete"));
        let of_a_revoke = possible("org_1", "user_1", Action::Revoke);
        assert!(of_a_revoke.contains(&"delete"));
        assert!(!of_a_revoke.iter().any(|step| ["create", "recreate", "update", "invite"].contains(step)));
    }
}
