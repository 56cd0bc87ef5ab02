//! How a sender proves itself: where its tokens and signing secrets are, and its service account.
//! Knows places of secrets, never secrets.

use std::collections::HashMap;
use std::path::PathBuf;

use super::super::diagnostic::{Mistake, Report};
use super::super::fields::{self, Fields};
use super::super::tree::{Content, Entry, Node};
use super::{SecretRef, ServiceAccount, mask, service_account};

const PLACES: &str = "a list of { env: NAME } and { file: /path }";

/// What one sender has.
#[derive(Default)]
pub(super) struct Proofs {
    pub(super) tokens: Vec<SecretRef>,
    pub(super) signing_secrets: Vec<SecretRef>,
    pub(super) service_account: Option<ServiceAccount>,
}

/// Whose every proof is: one that two have proves neither.
#[derive(Default)]
pub(super) struct Owners<'n> {
    secrets: HashMap<SecretRef, &'n str>,
    /// By issuer, audience and subject.
    accounts: HashMap<[String; 3], &'n str>,
}

/// What the secrets of a list are.
#[derive(Clone, Copy)]
struct Kind {
    /// With its article, for messages.
    a: &'static str,
    /// By itself.
    noun: &'static str,
}

const TOKEN: Kind = Kind { a: "a token", noun: "token" };
const SIGNING_SECRET: Kind = Kind { a: "a signing secret", noun: "secret" };

/// Reads what the sender at `entry` proves itself with.
pub(super) fn read<'n>(
    report: &mut Report<'_>,
    fields: &Fields<'n>,
    entry: &'n Entry,
    owners: &mut Owners<'n>,
) -> Proofs {
    let nodes = ["tokens", "signing_secrets", "service_account"].map(|key| fields.get(key));
    if nodes.iter().all(Option::is_none) {
        let mistake = Mistake::new("a sender needs a way to prove itself");
        let place = if matches!(entry.value.content, Content::Null) { &entry.key_place } else { &entry.value.place };
        report.add(place.clone(), mistake.expected("`tokens`, `signing_secrets` or `service_account`"));
    }
    let [tokens, signing_secrets, account] = nodes;
    let mut list = |node: Option<&'n Node>, kind| {
        node.map(|node| secrets(report, node, kind, &entry.key, &mut owners.secrets)).unwrap_or_default()
    };
    let (tokens, signing_secrets) = (list(tokens, TOKEN), list(signing_secrets, SIGNING_SECRET));
    let account = account.and_then(|node| own_account(report, node, &entry.key, &mut owners.accounts));
    Proofs { tokens, signing_secrets, service_account: account }
}

fn secrets<'n>(
    report: &mut Report<'_>,
    node: &'n Node,
    kind: Kind,
    sender: &'n str,
    owners: &mut HashMap<SecretRef, &'n str>,
) -> Vec<SecretRef> {
    let items = fields::list(report, node, &format!("{}s", kind.noun), PLACES).unwrap_or_default();
    if matches!(&node.content, Content::List(items) if items.is_empty()) {
        report.add(node.place.clone(), Mistake::new(format!("there is no {} in it", kind.noun)).expected(PLACES));
    }
    let mut found = Vec::new();
    for item in items {
        let Some(secret) = secret(report, item, kind) else { continue };
        if let Some(owner) = owners.insert(secret.clone(), sender) {
            let mistake = Mistake::new(format!("this {} is already that of `{owner}`", kind.noun));
            report
                .add(item.place.clone(), mistake.help(format!("{} says who sends: give each sender its own", kind.a)));
        }
        found.push(secret);
    }
    found
}

fn secret(report: &mut Report<'_>, node: &Node, kind: Kind) -> Option<SecretRef> {
    const EXPECTED: &str = "{ env: NAME } or { file: /path }; the secret itself never belongs into this file";
    let Kind { a, .. } = kind;
    if !matches!(node.content, Content::Map(_)) {
        report.add(node.place.clone(), Mistake::new(format!("{a} cannot be {}", node.kind())).expected(EXPECTED));
        return None;
    }
    let fields = Fields::read(report, node, a, &["env", "file"])?;
    let what = format!("the place of {a}");
    let mut text = |key| fields.get(key).and_then(|node| fields::text(report, node, &what, EXPECTED));
    match (text("env"), text("file")) {
        (Some(name), None) if mask::is_variable(name) => Some(SecretRef::Env(name.to_owned())),
        (None, Some(path)) if mask::is_path(path) => Some(SecretRef::File(PathBuf::from(path))),
        _ => {
            report.add(node.place.clone(), Mistake::new(format!("not the place of {a}")).expected(EXPECTED));
            None
        }
    }
}

fn own_account<'n>(
    report: &mut Report<'_>,
    node: &'n Node,
    sender: &'n str,
    owners: &mut HashMap<[String; 3], &'n str>,
) -> Option<ServiceAccount> {
    let account = service_account::read(report, node)?;
    let identity = [&account.issuer, &account.audience, &account.subject].map(String::clone);
    if let Some(owner) = owners.insert(identity, sender) {
        let mistake = Mistake::new(format!("this service account is already that of `{owner}`"));
        report.add(node.place.clone(), mistake.help("it says who sends: give each sender its own"));
    }
    Some(account)
}
