//! One intended membership change and the next BAPI call it needs.
//! Knows nothing of calls, clocks or storage.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Digest, EventId, MembershipKey, OrganizationRef, ParseError, Role, Step, UserRef};

/// A change's id: its event and its place among the event's changes, written `{event}.{index}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeId {
    /// The event that asked for it.
    pub event: EventId,
    /// From 0, in the order of the rule file and of `for_each`.
    pub index: u32,
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.event, self.index)
    }
}

impl FromStr for ChangeId {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let expected = ParseError { expected: "a change id as usher gave it: {event id}.{index}" };
        let (event, index) = text.split_once('.').ok_or(expected.clone())?;
        Ok(Self { event: event.parse()?, index: index.parse().or(Err(expected))? })
    }
}

/// What to do when the user is already a member with another role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Existing {
    /// Leave the role as it is.
    Keep,
    /// Change it only when the wanted role is higher in `roles:`; the default, because it never demotes.
    #[default]
    Raise,
    /// Change it whatever it is.
    Replace,
}

/// What to do when nobody in the Clerk instance is the user that a grant names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum MissingUser {
    /// The change is dead; the default.
    #[default]
    Fail,
    /// Look again from time to time, because the user may sign up.
    Wait,
    /// Invite the e-mail address to the organization.
    Invite,
}

/// What a rule puts into the metadata of a membership that is created (Clerk: 8 KB at most).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Metadata {
    /// What the user's own browser may read.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub public: Map<String, Value>,
    /// What only the backend may read; usher adds the id of the event.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub private: Map<String, Value>,
}

impl Metadata {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.public.is_empty() && self.private.is_empty()
    }
}

/// A membership to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// With this role.
    pub role: Role,
    /// If there is a membership with another role.
    pub existing: Existing,
    /// With `existing: raise`: the roles that are lower, so that the order of the rule file that fired is the one that counts.
    pub lower: Vec<Role>,
    /// If there is no such user.
    pub missing_user: MissingUser,
    /// For a membership that is created.
    pub metadata: Metadata,
}

impl Grant {
    /// A grant that neither waits for a user nor writes metadata of its own.
    pub fn new(role: Role, existing: Existing, lower: Vec<Role>) -> Self {
        Self { role, existing, lower, missing_user: MissingUser::default(), metadata: Metadata::default() }
    }
}

/// What a change does to its membership.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Make the user a member.
    Grant(Grant),
    /// End the membership.
    Revoke,
}

impl Action {
    /// `grant` or `revoke`: the word for logs, metrics and the representation.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Grant(_) => "grant",
            Self::Revoke => "revoke",
        }
    }

    /// The role a grant gives.
    pub fn role(&self) -> Option<&Role> {
        match self {
            Self::Grant(grant) => Some(&grant.role),
            Self::Revoke => None,
        }
    }
}

/// When a grant ends by itself: what makes a change the scheduled revoke of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The index of the grant, in the same event; the revoke has the next one.
    pub grant: u32,
    /// Not before this time; kept to the millisecond.
    pub at: Timestamp,
}

/// One intended membership change, as decided when its event was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its event and place.
    pub id: ChangeId,
    /// The name of the rule that asked for it.
    pub rule: String,
    /// The digest of the rule file at that time, so that the outcome can be explained after an edit.
    pub rules_digest: Digest,
    /// Whose membership.
    pub key: MembershipKey,
    /// What becomes of it.
    pub action: Action,
    /// Set on the revoke that ends a grant with a time limit: it is no one's turn before that time.
    pub schedule: Option<Schedule>,
    /// The later change that took its place.
    pub superseded_by: Option<ChangeId>,
}

impl Change {
    /// The call a change begins with: names are looked up first.
    ///
    /// A revoke by address begins with the invitation: a user who signed up could still accept it after the revoke.
    pub fn first_step(&self) -> Step {
        match (&self.key, &self.action) {
            (MembershipKey { organization: OrganizationRef::Slug(_), .. }, _) => Step::FindOrganization,
            (MembershipKey { user: UserRef::Email(_), .. }, Action::Revoke) => Step::FindInvitation,
            (MembershipKey { user: UserRef::Email(_) | UserRef::ExternalId(_), .. }, _) => Step::FindUser,
            (_, Action::Grant(_)) => Step::Create,
            (_, Action::Revoke) => Step::Delete,
        }
    }
}
