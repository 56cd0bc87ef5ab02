//! An organization as the store holds it: its members, its invitations and its policy.
//! Knows nothing of requests and of other organizations.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rate_limit::Window;
use super::roles::{self, Role};
use super::store::Metadata;
use super::table::Table;

/// A seat limit that no ordinary test reaches; Clerk's own default of 5 would be met by accident.
const GENEROUS: u64 = 100_000;

/// An organization and who belongs to it.
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) slug: Option<String>,
    pub(super) max_allowed_memberships: u64,
    pub(super) admin_delete_enabled: bool,
    pub(super) role_set_key: String,
    pub(super) created_by: Option<String>,
    pub(super) public_metadata: Metadata,
    pub(super) private_metadata: Metadata,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) policy: Policy,
    pub(super) members: Table<Membership>,
    /// How many creates of each user's membership ever succeeded; a deletion does not take any back.
    pub(super) creates: HashMap<String, u64>,
    pub(super) invitations: Table<Invitation>,
    /// The invitation of each address, in lower case, that was neither accepted nor revoked; it may have expired.
    open: HashMap<String, String>,
}

/// What an organization refuses beyond the ordinary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Policy {
    /// Whose memberships a directory manages.
    pub(super) scim: Scim,
    /// Whether its members may belong to no other organization.
    pub(super) exclusive: bool,
    /// Whether the last admin must stay one.
    pub(super) keep_last_admin: bool,
}

/// Everybody or nobody, or these users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Scim {
    Everybody(bool),
    Users(Vec<String>),
}

/// One user's place in one organization.
pub(super) struct Membership {
    pub(super) id: String,
    pub(super) user_id: String,
    pub(super) role: Arc<Role>,
    pub(super) public_metadata: Metadata,
    pub(super) private_metadata: Metadata,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) role_changes: Window,
}

/// An address that was asked to join.
pub(super) struct Invitation {
    pub(super) id: String,
    pub(super) email_address: String,
    pub(super) role: Arc<Role>,
    pub(super) inviter_id: Option<String>,
    pub(super) public_metadata: Metadata,
    pub(super) private_metadata: Metadata,
    pub(super) state: InvitationState,
    pub(super) expires_at: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// What somebody did about an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InvitationState {
    Open,
    Accepted,
    Revoked,
}

impl Default for Policy {
    fn default() -> Self {
        Self { scim: Scim::Everybody(false), exclusive: false, keep_last_admin: true }
    }
}

impl Policy {
    pub(super) fn manages(&self, user_id: &str) -> bool {
        match &self.scim {
            Scim::Everybody(managed) => *managed,
            Scim::Users(users) => users.iter().any(|user| user == user_id),
        }
    }
}

impl Organization {
    pub(super) fn new(id: String, name: String, now: i64) -> Self {
        Self {
            id,
            name,
            slug: None,
            max_allowed_memberships: GENEROUS,
            admin_delete_enabled: true,
            role_set_key: roles::DEFAULT_SET.to_owned(),
            created_by: None,
            public_metadata: Metadata::new(),
            private_metadata: Metadata::new(),
            created_at: now,
            updated_at: now,
            policy: Policy::default(),
            members: Table::default(),
            creates: HashMap::new(),
            invitations: Table::default(),
            open: HashMap::new(),
        }
    }

    pub(super) fn with_slug(self, slug: String) -> Self {
        Self { slug: Some(slug), ..self }
    }

    /// Whether every seat but those kept for the newcomer is taken, by members or pending invitations; a limit of 0 is none.
    pub(super) fn is_full(&self, kept: usize, now: i64) -> bool {
        let limit = usize::try_from(self.max_allowed_memberships).unwrap_or(usize::MAX);
        let most = self.members.len() + self.open.len();
        // Pending invitations are counted only when it matters: it takes a look at each.
        limit != 0 && most >= limit && (self.members.len() + self.pending_count(now)).saturating_sub(kept) >= limit
    }

    /// How many invitations can still be accepted.
    pub(super) fn pending_count(&self, now: i64) -> usize {
        let open = self.open.values().filter_map(|id| self.invitations.get(id));
        open.filter(|invitation| invitation.is_pending(now)).count()
    }

    /// Whether an invitation of this address, whatever its case, can still be accepted.
    pub(super) fn has_pending(&self, address: &str, now: i64) -> bool {
        let open = self.open.get(&address.to_lowercase()).and_then(|id| self.invitations.get(id));
        open.is_some_and(|invitation| invitation.is_pending(now))
    }

    /// Keeps a new invitation; an expired one of the same address no longer counts as open.
    pub(super) fn invite(&mut self, invitation: Invitation) {
        self.open.insert(invitation.email_address.to_lowercase(), invitation.id.clone());
        self.invitations.insert(invitation.id.clone(), invitation);
    }

    /// Ends an invitation.
    pub(super) fn close(&mut self, id: &str, state: InvitationState, now: i64) {
        let Some(invitation) = self.invitations.get_mut(id) else { return };
        (invitation.state, invitation.updated_at) = (state, now);
        self.open.remove(&invitation.email_address.to_lowercase());
    }

    /// Adds a member, counting the create.
    pub(super) fn admit(&mut self, membership: Membership) {
        *self.creates.entry(membership.user_id.clone()).or_default() += 1;
        self.members.insert(membership.user_id.clone(), membership);
    }

    /// Whether this user is an admin.
    pub(super) fn has_admin(&self, user_id: &str) -> bool {
        self.members.get(user_id).is_some_and(|member| member.role.key == roles::ADMIN)
    }

    /// Whether this user is an admin and nobody else is.
    pub(super) fn has_last_admin(&self, user_id: &str) -> bool {
        let admins = self.members.rows().filter(|member| member.role.key == roles::ADMIN).take(2);
        self.has_admin(user_id) && admins.count() == 1
    }
}

impl Membership {
    pub(super) fn new(id: String, user_id: String, role: Arc<Role>, now: i64) -> Self {
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

impl Invitation {
    /// Whether it can still be accepted.
    pub(super) fn is_pending(&self, now: i64) -> bool {
        self.state == InvitationState::Open && now < self.expires_at
    }

    /// Clerk's word for what has become of it.
    pub(super) fn status(&self, now: i64) -> &'static str {
        match self.state {
            InvitationState::Accepted => "accepted",
            InvitationState::Revoked => "revoked",
            InvitationState::Open if now < self.expires_at => "pending",
            InvitationState::Open => "expired",
        }
    }
}
