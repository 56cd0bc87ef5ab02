//! The calls about invitations to an organization.
//! Knows nothing of what becomes of an invitation that is accepted.

use awc::http::Method;

use crate::domain::{EmailAddress, EventId, InvitationId, Metadata, OrganizationId, Role};

use super::super::call::Call;
use super::super::query::encode;
use super::super::reply::{Invitation, Reply};
use super::super::wire::invitations::{self, NewInvitation, PAGE, Withdrawal};
use super::super::wire::metadata::Private;
use super::Client;

impl Client {
    /// Looks for the pending invitation of this address; Clerk allows one for each organization.
    pub async fn pending_invitation(
        &self,
        organization: &OrganizationId,
        address: &EmailAddress,
    ) -> Reply<Option<Invitation>> {
        let (list, address_value) = (self.invitations(organization), encode(address.reveal()));
        let url = format!("{list}?status=pending&email_address={address_value}&limit={PAGE}");
        self.get(Call::FindInvitation, &url, |body| invitations::pending(body, address)).await
    }

    /// Invites the address: Clerk sends a message to it. Not safe to repeat blindly.
    pub async fn invite(
        &self,
        organization: &OrganizationId,
        address: &EmailAddress,
        role: &Role,
        metadata: &Metadata,
        event: EventId,
    ) -> Reply<Invitation> {
        let body = NewInvitation {
            email_address: address.reveal(),
            role: role.as_str(),
            public_metadata: &metadata.public,
            private_metadata: Private::new(&metadata.private, event),
        };
        let url = self.invitations(organization);
        self.call(Call::Invite, Method::POST, &url, Some(&body), invitations::invitation).await
    }

    /// Takes a pending invitation back.
    pub async fn withdraw_invitation(&self, organization: &OrganizationId, invitation: &InvitationId) -> Reply<()> {
        let url = format!("{}/{invitation}/revoke", self.invitations(organization));
        let body = Some(&Withdrawal {});
        self.call(Call::WithdrawInvitation, Method::POST, &url, body, |body| body.is_object().then_some(())).await
    }

    fn invitations(&self, organization: &OrganizationId) -> String {
        format!("{}/invitations", self.organization_url(organization))
    }
}
