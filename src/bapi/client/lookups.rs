//! The calls that find ids by names, and that see whether what an id names exists.
//! Knows nothing of memberships.

use crate::domain::{OrganizationId, Slug, UserId, UserRef};

use super::super::call::Call;
use super::super::error::{BapiError, Class};
use super::super::query::encode;
use super::super::reply::{FoundUser, Organization, Reply};
use super::super::wire::lookups::{self, PAGE};
use super::Client;

impl Client {
    /// Finds the organization that has this slug.
    pub async fn find_organization(&self, slug: &Slug) -> Reply<Option<OrganizationId>> {
        let url = format!("{}/organizations/{slug}", self.base);
        let reply = self.get(Call::FindOrganization, &url, |body| lookups::organization_id(body, slug)).await;
        reply.map_result(|result| unless(result, Class::OrganizationMissing, None))
    }

    /// Finds whoever carries this name; a user who merely typed an e-mail address does not carry it.
    pub async fn find_user(&self, user: &UserRef) -> Reply<FoundUser> {
        let (parameter, value) = match user {
            UserRef::Id(id) => ("user_id", id.as_str()),
            UserRef::Email(address) => ("email_address", address.reveal()),
            UserRef::ExternalId(id) => ("external_id", id.as_str()),
        };
        let url = format!("{}/users?{parameter}={}&limit={PAGE}", self.base, encode(value));
        self.get(Call::FindUser, &url, |body| lookups::found_user(body, user)).await
    }

    /// Reads an organization; `None` where there is none.
    pub async fn organization(&self, organization: &OrganizationId) -> Reply<Option<Organization>> {
        let url = format!("{}?include_members_count=true", self.organization_url(organization));
        let reply = self.get(Call::ReadOrganization, &url, |body| lookups::organization(body, organization)).await;
        reply.map_result(|result| unless(result.map(Some), Class::OrganizationMissing, None))
    }

    /// Sees whether there is such a user.
    pub async fn user_exists(&self, user: &UserId) -> Reply<bool> {
        let url = format!("{}/users/{user}", self.base);
        let reply = self.get(Call::ReadUser, &url, |body| lookups::is_user(body, user)).await;
        reply.map_result(|result| unless(result.map(|()| true), Class::UserMissing, false))
    }
}

/// Reads one failure as an answer.
fn unless<T>(result: Result<T, BapiError>, class: Class, answer: T) -> Result<T, BapiError> {
    result.or_else(|error| if error.class() == class { Ok(answer) } else { Err(error) })
}
