//! One intended membership change and the next BAPI call it needs.
//! Knows nothing of calls, clocks or storage.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Digest, EventId, MembershipKey, ParseError, Role};

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

/// What a change does to its membership.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    /// Make the user a member.
    Grant {
        /// With this role.
        role: Role,
        /// If there is a membership with another role.
        existing: Existing,
        /// With `existing: raise`: the roles that are lower, so that the order of the rule file that fired is the one that counts.
        lower: Vec<Role>,
    },
    /// End the membership.
    Revoke,
}

impl Action {
    /// `grant` or `revoke`: the word for logs, metrics and the representation.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "grant",
            Self::Revoke => "revoke",
        }
    }

    /// The role a grant gives.
    pub fn role(&self) -> Option<&Role> {
        match self {
            Self::Grant { role, .. } => Some(role),
            Self::Revoke => None,
        }
    }

    /// The call a new change begins with.
    pub fn first_step(&self) -> Step {
        match self {
            Self::Grant { .. } => Step::Create,
            Self::Revoke => Step::Delete,
        }
    }
}

/// The BAPI call a change needs next; one attempt makes exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Create the membership.
    Create,
    /// Read the membership, because it exists already.
    Inspect,
    /// Change its role.
    Update,
    /// Delete it.
    Delete,
}

impl Step {
    /// The word stored in a ledger and written to logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Inspect => "inspect",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl FromStr for Step {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Self::Create, Self::Inspect, Self::Update, Self::Delete]
            .into_iter()
            .find(|step| step.name() == text)
            .ok_or(ParseError { expected: "create, inspect, update or delete" })
    }
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
    /// The index of the later change of the same event for the same key that took its place.
    pub superseded_by: Option<u32>,
}
