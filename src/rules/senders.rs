//! Who may send what, and what their events may do.
//! Knows names of secrets, never secrets; does not authenticate.

use std::collections::HashMap;
use std::path::PathBuf;

use super::diagnostic::{Mistake, Report};
use super::fields::{self, Fields};
use super::globs::{Glob, Globs};
use super::roles;
use super::share;
use super::tree::{Content, Entry, Node};
use crate::domain::{Action, Brake, Change, EventRate, EventType, Role, SenderName};

const KEYS: &[&str] = &["tokens", "events", "roles", "organizations", "actions", "weight", "brake"];

/// How many events a batch may have unless the file says otherwise.
const MAX_BATCH: usize = 100;

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

    /// Why it may not ask for this change, if so; the scheduled end of a grant only takes back what the grant gave.
    pub fn refuses(&self, change: &Change) -> Option<Refusal> {
        match &change.action {
            Action::Grant(_) if !self.actions.grant => Some(Refusal::Action),
            Action::Revoke if !self.actions.revoke && change.schedule.is_none() => Some(Refusal::Action),
            Action::Grant(grant) if !self.roles.contains(&grant.role) => Some(Refusal::Role),
            _ if !self.organizations.allows(&change.key.organization.to_text()) => Some(Refusal::Organization),
            _ => None,
        }
    }

    /// Whether a type that `on` matches can come from it.
    pub(super) fn may_send_some(&self, on: &Glob) -> bool {
        self.events.0.iter().any(|glob| glob.overlaps(on))
    }
}

/// The senders of a file.
#[derive(Default)]
pub(super) struct Senders {
    pub(super) all: Vec<Sender>,
    /// Whether all `events` were read; if not, nothing can be said of what nobody may send.
    pub(super) events_known: bool,
    /// Whether all `roles` and `actions` were read; if not, nothing can be said of what nobody may do.
    pub(super) rights_known: bool,
}

/// Reads `senders:`; `known` are the roles of the file.
pub(super) fn read(report: &mut Report<'_>, node: &Node, known: &[Role]) -> Senders {
    let mut senders = Senders { all: Vec::new(), events_known: true, rights_known: true };
    let Some(entries) = fields::map(report, node, "senders", "one entry for each sender") else {
        return Senders::default();
    };
    if entries.is_empty() {
        report.add(node.place.clone(), Mistake::new("no sender is configured, so nobody could send an event"));
        (senders.events_known, senders.rights_known) = (false, false);
    }
    let mut owners = HashMap::new();
    for entry in entries {
        mask_secrets(report, &entry.value);
        sender(report, entry, known, &mut owners, &mut senders);
    }
    senders
}

fn sender<'n>(
    report: &mut Report<'_>,
    entry: &'n Entry,
    known: &[Role],
    owners: &mut HashMap<SecretRef, &'n str>,
    senders: &mut Senders,
) {
    let name = SenderName::try_from(entry.key.clone());
    if let Err(error) = &name {
        report.add(entry.key_place.clone(), Mistake::new("not a sender's name").expected(error.expected));
    }
    let Some(fields) = Fields::read(report, &entry.value, "a sender", KEYS) else {
        (senders.events_known, senders.rights_known) = (false, false);
        return;
    };
    let tokens = fields.require(report, "tokens").map(|node| tokens(report, node, &entry.key, owners));
    let before = report.count();
    let events = fields.require(report, "events").and_then(|node| globs(report, node, "events"));
    senders.events_known &= report.count() == before;
    let before = report.count();
    let both = Actions { grant: true, revoke: true };
    let actions = fields.get("actions").map_or(Some(both), |node| actions(report, node));
    let may_grant = actions.is_none_or(|actions| actions.grant);
    let roles = if may_grant { fields.require(report, "roles") } else { fields.get("roles") };
    let roles = roles.map(|node| ceiling(report, node, known)).unwrap_or_default();
    senders.rights_known &= report.count() == before;
    let organizations = fields.get("organizations").map(|node| globs(report, node, "organizations"));
    let organizations = organizations.unwrap_or_else(|| Some(Globs(Glob::new("*").into_iter().collect())));
    let (weight, brake) = (share::weight(report, &fields), share::brake(report, &fields));
    let (Ok(name), Some(events), Some(organizations)) = (name, events, organizations) else { return };
    let (tokens, actions) = (tokens.unwrap_or_default(), actions.unwrap_or(both));
    let (signing_secrets, service_account) = (Vec::new(), None);
    let (sources, rate) = (Globs(Glob::new("*").into_iter().collect()), None);
    senders.all.push(Sender {
        name,
        tokens,
        signing_secrets,
        service_account,
        events,
        sources,
        rate,
        max_batch: MAX_BATCH,
        roles,
        organizations,
        actions,
        weight,
        brake,
    });
}

/// Whatever a sender holds besides names may be a secret at the wrong place.
fn mask_secrets(report: &mut Report<'_>, node: &Node) {
    let Content::Map(entries) = &node.content else { return mask_texts(report, node) };
    for entry in entries {
        match entry.key.as_str() {
            "events" | "roles" | "organizations" | "actions" | "weight" | "brake" => {}
            "tokens" => mask_tokens(report, &entry.value),
            _ => mask_texts(report, &entry.value),
        }
    }
}

fn mask_tokens(report: &mut Report<'_>, node: &Node) {
    match &node.content {
        Content::List(items) => items.iter().for_each(|item| mask_tokens(report, item)),
        Content::Map(entries) => {
            for entry in entries {
                let is_name = match (&entry.value.content, entry.key.as_str()) {
                    (Content::Text(text), "env") => is_variable(text),
                    (Content::Text(_), "file") => true,
                    _ => false,
                };
                if !is_name {
                    mask_texts(report, &entry.value);
                }
            }
        }
        _ => mask_texts(report, node),
    }
}

fn mask_texts(report: &mut Report<'_>, node: &Node) {
    match &node.content {
        Content::List(items) => items.iter().for_each(|item| mask_texts(report, item)),
        Content::Map(entries) => entries.iter().for_each(|entry| mask_texts(report, &entry.value)),
        _ => report.mask(node.place.clone()),
    }
}

fn tokens<'n>(
    report: &mut Report<'_>,
    node: &'n Node,
    sender: &'n str,
    owners: &mut HashMap<SecretRef, &'n str>,
) -> Vec<SecretRef> {
    let expected = "a list of { env: NAME } and { file: /path }";
    let items = fields::list(report, node, "tokens", expected).unwrap_or_default();
    if matches!(&node.content, Content::List(items) if items.is_empty()) {
        report.add(node.place.clone(), Mistake::new("a sender needs a token").expected(expected));
    }
    let mut found = Vec::new();
    for item in items {
        let Some(secret) = secret(report, item) else { continue };
        if let Some(owner) = owners.insert(secret.clone(), sender) {
            let mistake = Mistake::new(format!("this token is already that of `{owner}`"));
            report.add(item.place.clone(), mistake.help("a token says who sends: give each sender its own"));
        }
        found.push(secret);
    }
    found
}

fn secret(report: &mut Report<'_>, node: &Node) -> Option<SecretRef> {
    const EXPECTED: &str = "{ env: NAME } or { file: /path }; the secret itself never belongs into this file";
    if !matches!(node.content, Content::Map(_)) {
        report.add(node.place.clone(), Mistake::new(format!("a token cannot be {}", node.kind())).expected(EXPECTED));
        return None;
    }
    let fields = Fields::read(report, node, "a token", &["env", "file"])?;
    let mut text = |key| fields.get(key).and_then(|node| fields::text(report, node, "the place of a token", EXPECTED));
    match (text("env"), text("file")) {
        (Some(name), None) if is_variable(name) => Some(SecretRef::Env(name.to_owned())),
        (None, Some(path)) if !path.is_empty() => Some(SecretRef::File(PathBuf::from(path))),
        _ => {
            report.add(node.place.clone(), Mistake::new("not the place of a token").expected(EXPECTED));
            None
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && name.starts_with(|c: char| !c.is_ascii_digit())
}

fn globs(report: &mut Report<'_>, node: &Node, what: &str) -> Option<Globs> {
    let expected = "a list of texts in which * stands for any text, such as [\"plan.*\"]";
    let items = fields::list(report, node, what, expected)?;
    if items.is_empty() {
        report.add(node.place.clone(), Mistake::new(format!("{what} allows nothing")).expected(expected));
    }
    let mut globs = Vec::new();
    for item in items {
        match fields::text(report, item, what, expected).map(Glob::new) {
            Some(Some(glob)) => globs.push(glob),
            Some(None) => report.add(item.place.clone(), Mistake::new("not a pattern").expected("1 to 255 bytes")),
            None => {}
        }
    }
    Some(Globs(globs))
}

fn actions(report: &mut Report<'_>, node: &Node) -> Option<Actions> {
    let expected = "[grant], [revoke] or [grant, revoke]";
    let mut found = Actions { grant: false, revoke: false };
    for item in fields::list(report, node, "actions", expected)? {
        match fields::text(report, item, "an action", expected)? {
            "grant" => found.grant = true,
            "revoke" => found.revoke = true,
            other => {
                let help = fields::nearest(other, ["grant", "revoke"]).map(fields::did_you_mean);
                let mistake = Mistake::new(format!("`{other}` is no action"));
                report.add(item.place.clone(), mistake.expected(expected).maybe_help(help));
            }
        }
    }
    if !found.grant && !found.revoke {
        report.add(node.place.clone(), Mistake::new("actions allows nothing").expected(expected));
    }
    Some(found)
}

fn ceiling(report: &mut Report<'_>, node: &Node, known: &[Role]) -> Vec<Role> {
    let expected = "a list of roles, such as [\"org:member\"]";
    let items = fields::list(report, node, "roles", expected).unwrap_or_default();
    items.iter().filter_map(|item| roles::one_of(report, item, known)).collect()
}
