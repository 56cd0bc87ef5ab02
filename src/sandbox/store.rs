//! What the instance holds, in memory: users, organizations and roles, with the indexes that lookups need.
//! Knows nothing of HTTP, JSON bodies or rules about who may change what.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::ids::Ids;
use super::organization::Organization;
use super::rate_limit::{RateLimit, Window};
use super::roles::Roles;
use super::switches::Switches;
use super::table::Table;

/// Metadata as Clerk keeps it: any JSON object.
pub(super) type Metadata = Map<String, Value>;

/// A user of the instance.
pub(super) struct User {
    pub(super) id: String,
    pub(super) external_id: Option<String>,
    pub(super) username: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) email_addresses: Vec<EmailAddress>,
    pub(super) public_metadata: Metadata,
    pub(super) private_metadata: Metadata,
    pub(super) unsafe_metadata: Metadata,
    pub(super) created_at: i64,
}

/// One address of a user; the first one is the primary.
pub(super) struct EmailAddress {
    pub(super) id: String,
    pub(super) address: String,
}

/// Budgets that single calls have besides the one for all calls; `None` for as many as come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Changes of one membership's role or metadata.
    pub(super) membership_changes: Option<RateLimit>,
    /// Invitations in the whole instance.
    pub(super) invitations: Option<RateLimit>,
}

/// Everything there is.
pub(super) struct Store {
    pub(super) ids: Ids,
    pub(super) limits: Limits,
    pub(super) switches: Switches,
    pub(super) roles: Roles,
    pub(super) invitation_calls: Window,
    pub(super) users: Table<User>,
    pub(super) organizations: Table<Organization>,
    users_by_email: HashMap<String, String>,
    users_by_external_id: HashMap<String, String>,
    organizations_by_slug: HashMap<String, String>,
    organizations_by_invitation: HashMap<String, String>,
}

impl User {
    pub(super) fn new(id: String, now: i64) -> Self {
        Self {
            id,
            external_id: None,
            username: None,
            first_name: None,
            last_name: None,
            locale: None,
            email_addresses: Vec::new(),
            public_metadata: Metadata::new(),
            private_metadata: Metadata::new(),
            unsafe_metadata: Metadata::new(),
            created_at: now,
        }
    }

    /// The primary address, if the user has any.
    pub(super) fn primary(&self) -> Option<&EmailAddress> {
        self.email_addresses.first()
    }
}

impl Store {
    pub(super) fn new(seed: u64, limits: Limits, switches: Switches, now: i64) -> Self {
        Self {
            ids: Ids::new(seed),
            limits,
            switches,
            roles: Roles::new(now),
            invitation_calls: Window::default(),
            users: Table::default(),
            organizations: Table::default(),
            users_by_email: HashMap::new(),
            users_by_external_id: HashMap::new(),
            organizations_by_slug: HashMap::new(),
            organizations_by_invitation: HashMap::new(),
        }
    }

    /// A new address, not yet anybody's.
    pub(super) fn email_address(&mut self, address: String) -> EmailAddress {
        EmailAddress { id: self.ids.next("idn_"), address }
    }

    pub(super) fn add_user(&mut self, user: User) {
        for email in &user.email_addresses {
            self.users_by_email.insert(email.address.to_lowercase(), user.id.clone());
        }
        if let Some(external_id) = &user.external_id {
            self.users_by_external_id.insert(external_id.clone(), user.id.clone());
        }
        self.users.insert(user.id.clone(), user);
    }

    pub(super) fn add_organization(&mut self, organization: Organization) {
        if let Some(slug) = &organization.slug {
            self.organizations_by_slug.insert(slug.clone(), organization.id.clone());
        }
        self.organizations.insert(organization.id.clone(), organization);
    }

    /// The id of the user who has this address, whatever its case.
    pub(super) fn user_by_email(&self, address: &str) -> Option<&str> {
        self.users_by_email.get(&address.to_lowercase()).map(String::as_str)
    }

    /// The id of the user whom the customer's own systems call so.
    pub(super) fn user_by_external_id(&self, external_id: &str) -> Option<&str> {
        self.users_by_external_id.get(external_id).map(String::as_str)
    }

    /// The organization with this id or, failing that, this slug.
    pub(super) fn organization(&self, id_or_slug: &str) -> Option<&Organization> {
        let by_slug = || self.organizations.get(self.organizations_by_slug.get(id_or_slug)?);
        self.organizations.get(id_or_slug).or_else(by_slug)
    }

    /// Gives the organization with this id another slug.
    pub(super) fn rename(&mut self, id: &str, slug: String) {
        let Some(organization) = self.organizations.get_mut(id) else { return };
        if let Some(former) = organization.slug.replace(slug.clone()) {
            self.organizations_by_slug.remove(&former);
        }
        self.organizations_by_slug.insert(slug, id.to_owned());
    }

    /// Remembers which organization has this invitation.
    pub(super) fn place_invitation(&mut self, id: String, organization_id: String) {
        self.organizations_by_invitation.insert(id, organization_id);
    }

    /// The organization that has this invitation.
    pub(super) fn organization_by_invitation(&self, id: &str) -> Option<&str> {
        self.organizations_by_invitation.get(id).map(String::as_str)
    }

    /// The other organizations that this user belongs to.
    pub(super) fn elsewhere<'a>(&'a self, id: &'a str, user_id: &'a str) -> impl Iterator<Item = &'a Organization> {
        self.organizations.rows().filter(move |other| other.id != id && other.members.get(user_id).is_some())
    }
}
