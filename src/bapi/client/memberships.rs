//! The calls that make, read, change and end one membership.
//! Knows nothing of who named the member and how.

use awc::http::Method;

use crate::domain::{EventId, Member, Metadata, Role};

use super::super::call::Call;
use super::super::reply::{Membership, Reply};
use super::super::wire::memberships::{self, NewMembership, NewRole};
use super::super::wire::metadata::Private;
use super::{Client, NO_BODY};

impl Client {
    /// Makes the user a member, with the event in the membership's private metadata.
    pub async fn create(&self, member: &Member, role: &Role, metadata: &Metadata, event: EventId) -> Reply<Membership> {
        let body = NewMembership {
            user_id: member.user.as_str(),
            role: role.as_str(),
            public_metadata: &metadata.public,
            private_metadata: Private::new(&metadata.private, event),
        };
        self.call(Call::Create, Method::POST, &self.memberships(member), Some(&body), memberships::membership).await
    }

    /// Reads the user's membership. There is no call for one: this is a list of at most one.
    pub async fn inspect(&self, member: &Member) -> Reply<Option<Membership>> {
        let url = format!("{}?user_id={}&limit=1", self.memberships(member), member.user);
        self.get(Call::Inspect, &url, |body| memberships::listed(body, member.user.as_str())).await
    }

    /// Changes the role of the user's membership.
    pub async fn update(&self, member: &Member, role: &Role) -> Reply<Membership> {
        let body = NewRole { role: role.as_str() };
        self.call(Call::Update, Method::PATCH, &self.membership(member), Some(&body), memberships::membership).await
    }

    /// Ends the user's membership; the answer is what it was.
    pub async fn delete(&self, member: &Member) -> Reply<Membership> {
        self.call(Call::Delete, Method::DELETE, &self.membership(member), NO_BODY, memberships::membership).await
    }

    fn memberships(&self, member: &Member) -> String {
        format!("{}/memberships", self.organization_url(&member.organization))
    }

    fn membership(&self, member: &Member) -> String {
        format!("{}/{}", self.memberships(member), member.user)
    }
}
