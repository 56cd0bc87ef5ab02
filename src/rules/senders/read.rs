//! `senders:` and what one sender has, all mistakes of one told together.
//! Knows nothing of what the single keys mean.

use super::super::diagnostic::{Mistake, Report};
use super::super::fields::{self, Fields};
use super::super::globs::Globs;
use super::super::share;
use super::super::tree::{Entry, Node};
use super::proofs::{self, Owners, Proofs};
use super::{Actions, Sender, mask, patterns, quota, rights};
use crate::domain::{Role, SenderName};

const KEYS: &[&str] = &[
    "tokens",
    "signing_secrets",
    "service_account",
    "events",
    "sources",
    "roles",
    "organizations",
    "actions",
    "rate",
    "max_batch",
    "weight",
    "brake",
];

/// The senders of a file.
#[derive(Default)]
pub(in super::super) struct Senders {
    pub(in super::super) all: Vec<Sender>,
    /// Whether all `events` were read; if not, nothing can be said of what nobody may send.
    pub(in super::super) events_known: bool,
    /// Whether all `roles`, `actions` and `organizations` were read; if not, nothing can be said of what nobody may do.
    pub(in super::super) rights_known: bool,
}

/// Reads `senders:`; `known` are the roles of the file.
pub(in super::super) fn read(report: &mut Report<'_>, node: &Node, known: &[Role]) -> Senders {
    let mut senders = Senders { all: Vec::new(), events_known: true, rights_known: true };
    let Some(entries) = fields::map(report, node, "senders", "one entry for each sender") else {
        return Senders::default();
    };
    if entries.is_empty() {
        report.add(node.place.clone(), Mistake::new("no sender is configured, so nobody could send an event"));
        (senders.events_known, senders.rights_known) = (false, false);
    }
    let mut owners = Owners::default();
    for entry in entries {
        mask::secrets(report, &entry.value);
        sender(report, entry, known, &mut owners, &mut senders);
    }
    senders
}

fn sender<'n>(
    report: &mut Report<'_>,
    entry: &'n Entry,
    known: &[Role],
    owners: &mut Owners<'n>,
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
    let proofs = proofs::read(report, &fields, entry, owners);
    let before = report.count();
    let events = fields.require(report, "events").and_then(|node| patterns::read(report, node, patterns::EVENTS));
    senders.events_known &= report.count() == before;
    let before = report.count();
    let rights = rights(report, &fields, known);
    senders.rights_known &= report.count() == before;
    let sources = patterns::read_or_all(report, &fields, patterns::SOURCES);
    let (rate, max_batch) = (quota::rate(report, &fields), quota::max_batch(report, &fields));
    let (weight, brake) = (share::weight(report, &fields), share::brake(report, &fields));
    let (Ok(name), Some(events), Some(organizations)) = (name, events, rights.organizations) else { return };
    let Proofs { tokens, signing_secrets, service_account } = proofs;
    let (sources, roles, actions) = (sources.unwrap_or_else(patterns::all), rights.roles, rights.actions);
    senders.all.push(Sender {
        name,
        tokens,
        signing_secrets,
        service_account,
        events,
        sources,
        rate,
        max_batch,
        roles,
        organizations,
        actions,
        weight,
        brake,
    });
}

/// What the events of a sender may do.
struct Rights {
    roles: Vec<Role>,
    organizations: Option<Globs>,
    actions: Actions,
}

fn rights(report: &mut Report<'_>, fields: &Fields<'_>, known: &[Role]) -> Rights {
    let both = Actions { grant: true, revoke: true };
    let actions = fields.get("actions").map_or(Some(both), |node| rights::actions(report, node));
    let may_grant = actions.is_none_or(|actions| actions.grant);
    let roles = if may_grant { fields.require(report, "roles") } else { fields.get("roles") };
    let roles = roles.map(|node| rights::ceiling(report, node, known)).unwrap_or_default();
    Rights {
        roles,
        organizations: patterns::read_or_all(report, fields, patterns::ORGANIZATIONS),
        actions: actions.unwrap_or(both),
    }
}
