//! Who may send what, and what their events may do.
//! Knows names of secrets, never secrets; does not authenticate.

mod mask;
mod patterns;
mod proofs;
mod quota;
mod read;
mod rights;
mod service_account;

use std::path::PathBuf;

use super::globs::{Glob, Globs};
use crate::domain::{Action, Brake, Change, EventRate, EventType, OrganizationRef, Role, SenderName};

pub(super) use read::{Senders, read};

/// Someone who may POST events.
#[derive(Debug, Clone)]
pub struct Sender {
    /// As configured.
    pub name: SenderName,
    /// Where its bearer tokens are; any of them proves it.
    pub tokens: Vec<SecretRef>,
    /// Where the secrets and public keys of its Standard Webhooks signatures are; any of them proves it.
    pub signing_secrets: Vec<SecretRef>,
    /// The Kubernetes ServiceAccount whose tokens prove it.
    pub service_account: Option<ServiceAccount>,
    /// The event types it may send.
    pub events: Globs,
    /// The CloudEvents sources it may send.
    pub sources: Globs,
    /// How many events it may send in how long, unless that is off.
    pub rate: Option<EventRate>,
    /// How many events it may send in one batch.
    pub max_batch: usize,
    /// The roles its events may give: a ceiling that no rule lifts.
    pub roles: Vec<Role>,
    /// The organizations its events may change.
    pub organizations: Globs,
    /// Whether its events may grant, revoke or both.
    pub actions: Actions,
    /// Its share of the pace while others wait too: one of weight 3 gets three times as much as one of weight 1.
    pub weight: u32,
    /// What holds back its removals, unless it is off.
    pub brake: Option<Brake>,
}

/// Whose ServiceAccount tokens are taken, and where the keys are that verify them (OpenID Connect Core 1.0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// `iss`
    pub issuer: String,
    /// Must be among `aud`.
    pub audience: String,
    /// `sub`: `system:serviceaccount:NAMESPACE:NAME`.
    pub subject: String,
    /// The issuer's keys.
    pub jwks: Jwks,
}

/// Where a JSON Web Key Set (RFC 7517) is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Jwks {
    /// In this file, read again when it changes.
    File(PathBuf),
    /// At this address.
    Url {
        /// `https://…`
        url: String,
        /// Certificates to trust instead of the public ones, as PEM.
        ca: Option<PathBuf>,
        /// A bearer token to show there, read again for every fetch.
        token: Option<PathBuf>,
    },
}

/// Where a secret is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// In this environment variable.
    Env(String),
    /// In this file.
    File(PathBuf),
}

/// What a sender's events may do to a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actions {
    /// Make someone a member or change a role.
    pub grant: bool,
    /// End a membership.
    pub revoke: bool,
}

/// Why a change is more than its sender may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The role is above the sender's ceiling.
    Role,
    /// The organization is not one of the sender's.
    Organization,
    /// The sender may not grant, or may not revoke.
    Action,
}

impl Sender {
    /// Whether it may send events of this type.
    pub fn may_send(&self, kind: &EventType) -> bool {
        self.events.allows(kind.as_str())
    }

    /// Whether it may send events of this source.
    pub fn may_send_from(&self, source: &str) -> bool {
        self.sources.allows(source)
    }

    /// Why it may not ask for this change, if so; the scheduled end of a grant only takes back what the grant gave.
    pub fn refuses(&self, change: &Change) -> Option<Refusal> {
        match &change.action {
            Action::Grant(_) if !self.actions.grant => Some(Refusal::Action),
            Action::Revoke if !self.actions.revoke && change.schedule.is_none() => Some(Refusal::Action),
            Action::Grant(grant) if !self.roles.contains(&grant.role) => Some(Refusal::Role),
            _ if !self.may_change(&change.key.organization) => Some(Refusal::Organization),
            _ => None,
        }
    }

    /// Whether its events may change this organization.
    pub(super) fn may_change(&self, organization: &OrganizationRef) -> bool {
        self.organizations.allows(&organization.to_text())
    }

    /// Whether a type that `on` matches can come from it.
    pub(super) fn may_send_some(&self, on: &Glob) -> bool {
        self.events.0.iter().any(|glob| glob.overlaps(on))
    }
}
