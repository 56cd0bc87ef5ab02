//! What the instance holds, in memory: users, organizations and their members, with the indexes that lookups need.
//! Knows nothing of HTTP, JSON bodies or rules about who may change what.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::ids::Ids;
use super::rate_limit::Window;
use super::roles::Role;
use super::table::Table;

/// A seat limit that no ordinary test reaches; Clerk's own default of 5 would be met by accident.
const GENEROUS: u64 = 100_000;

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

/// An organization and who belongs to it.
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) slug: Option<String>,
    pub(super) max_allowed_memberships: u64,
    pub(super) created_by: Option<String>,
    pub(super) public_metadata: Metadata,
    pub(super) private_metadata: Metadata,
    pub(super) created_at: i64,
    pub(super) members: Table<Membership>,
    /// How many creates of each user's membership ever succeeded; a deletion does not take any back.
    pub(super) creates: HashMap<String, u64>,
}

/// One user's place in one organization.
pub(super) struct Membership {
    pub(super) id: String,
    pub(super) user_id: String,
    pub(super) role: &'static Role,
    pub(super) public_metadata: Metadata,
    pub(super) private_metadata: Metadata,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) role_changes: Window,
}

/// Everything there is.
pub(super) struct Store {
    pub(super) ids: Ids,
    pub(super) users: Table<User>,
    pub(super) organizations: Table<Organization>,
    users_by_email: HashMap<String, String>,
    users_by_external_id: HashMap<String, String>,
    organizations_by_slug: HashMap<String, String>,
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

impl Organization {
    pub(super) fn new(id: String, name: String, now: i64) -> Self {
        Self {
            id,
            name,
            slug: None,
            max_allowed_memberships: GENEROUS,
            created_by: None,
            public_metadata: Metadata::new(),
            private_metadata: Metadata::new(),
            created_at: now,
            members: Table::default(),
            creates: HashMap::new(),
        }
    }

    pub(super) fn with_slug(self, slug: String) -> Self {
        Self { slug: Some(slug), ..self }
    }

    /// Whether every seat is taken; a limit of 0 is none.
    pub(super) fn is_full(&self) -> bool {
        self.max_allowed_memberships != 0 && self.members.len() as u64 >= self.max_allowed_memberships
    }

    /// Adds a member, counting the create.
    pub(super) fn admit(&mut self, membership: Membership) {
        *self.creates.entry(membership.user_id.clone()).or_default() += 1;
        self.members.insert(membership.user_id.clone(), membership);
    }

    /// Whether nobody else holds the role of the member with this id.
    pub(super) fn is_last(&self, role: &Role, user_id: &str) -> bool {
        let holders = self.members.rows().filter(|member| member.role == role).take(2);
        holders.map(|member| member.user_id.as_str()).eq([user_id])
    }
}

impl Membership {
    pub(super) fn new(id: String, user_id: String, role: &'static Role, now: i64) -> Self {
        Self {
            id,
            user_id,
            role,
            public_metadata: Metadata::new(),
            private_metadata: Metadata::new(),
            created_at: now,
            updated_at: now,
            role_changes: Window::default(),
        }
    }
}

impl Store {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            ids: Ids::new(seed),
            users: Table::default(),
            organizations: Table::default(),
            users_by_email: HashMap::new(),
            users_by_external_id: HashMap::new(),
            organizations_by_slug: HashMap::new(),
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
}
