//! A change as the test of a rule tells it, beside what a rule gave.
//! Knows nothing of events or of how a rule runs.

use std::fmt;

use jiff::Timestamp;

use super::diagnostic::{Mistake, Report};
use super::fields::{self, Fields};
use super::metadata;
use super::moment::{self, Moment};
use super::named::{self, Organization, User, Way};
use super::parts::{self, GRANT, REVOKE};
use super::tree::Node;
use crate::domain::{Action, Change, Existing, Metadata, MissingUser, OrganizationRef, UserRef};

/// A change; what is not told may be anything.
#[derive(Clone)]
pub(super) struct Expected {
    organization: OrganizationRef,
    user: UserRef,
    grant: Option<Granted>,
}

#[derive(Clone)]
struct Granted {
    role: String,
    existing: Option<Existing>,
    missing_user: Option<MissingUser>,
    until: Option<Timestamp>,
    metadata: Option<Metadata>,
}

impl Expected {
    /// What each grant and revoke of a rule comes to, its scheduled end included.
    pub(super) fn all_of(changes: &[Change]) -> Vec<Self> {
        let end = |index| changes.iter().filter_map(|change| change.schedule).find(|end| end.grant == index);
        let first = changes.iter().filter(|change| change.schedule.is_none());
        first.map(|change| Self::of(change, end(change.id.index).map(|end| end.at))).collect()
    }

    fn of(change: &Change, until: Option<Timestamp>) -> Self {
        let grant = match &change.action {
            Action::Revoke => None,
            Action::Grant(grant) => Some(Granted {
                role: grant.role.to_string(),
                existing: Some(grant.existing),
                missing_user: Some(grant.missing_user),
                until,
                metadata: Some(grant.metadata.clone()),
            }),
        };
        Self { organization: change.key.organization.clone(), user: change.key.user.clone(), grant }
    }

    /// Whether `got` is all that this one tells.
    pub(super) fn fits(&self, got: &Self) -> bool {
        let action = match (&self.grant, &got.grant) {
            (Some(grant), Some(got)) => grant.fits(got),
            (None, None) => true,
            _ => false,
        };
        action && self.organization == got.organization && self.user == got.user
    }

    /// Without what nobody asked for: defaults that `by` does not tell.
    pub(super) fn as_told_by(&self, by: Option<&Self>) -> Self {
        let by = by.and_then(|by| by.grant.as_ref());
        let asked = |told: fn(&Granted) -> bool| by.is_some_and(told);
        let grant = self.grant.clone().map(|grant| Granted {
            existing: grant.existing.filter(|it| *it != Existing::default() || asked(|by| by.existing.is_some())),
            missing_user: grant
                .missing_user
                .filter(|it| *it != MissingUser::default() || asked(|by| by.missing_user.is_some())),
            metadata: grant.metadata.filter(|it| !it.is_empty() || asked(|by| by.metadata.is_some())),
            ..grant
        });
        Self { grant, ..self.clone() }
    }
}

impl Granted {
    fn fits(&self, got: &Self) -> bool {
        self.role == got.role
            && (self.existing.is_none() || self.existing == got.existing)
            && (self.missing_user.is_none() || self.missing_user == got.missing_user)
            && (self.until.is_none() || self.until == got.until)
            && (self.metadata.is_none() || self.metadata == got.metadata)
    }

    fn details(&self) -> Vec<String> {
        let word = |value: serde_json::Value| value.as_str().map(str::to_owned).unwrap_or_default();
        let json = |name, value: Option<serde_json::Value>| value.map(|value| format!("{name}: {}", word(value)));
        let details = [
            json("existing", self.existing.and_then(|existing| serde_json::to_value(existing).ok())),
            json("missing_user", self.missing_user.and_then(|missing| serde_json::to_value(missing).ok())),
            self.until.map(|until| format!("until: {until}")),
            self.metadata
                .as_ref()
                .and_then(|metadata| Some(format!("metadata: {}", serde_json::to_string(metadata).ok()?))),
        ];
        details.into_iter().flatten().collect()
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { organization, user, grant } = self;
        // The address is that of a test in the file.
        let user = user.to_text();
        let Some(grant) = grant else { return write!(f, "revoke {user} in {organization}") };
        write!(f, "grant {user} {} in {organization}", grant.role)?;
        let details = grant.details();
        if details.is_empty() { Ok(()) } else { write!(f, " ({})", details.join(", ")) }
    }
}

/// Reads `expect:`; durations count from `begin`.
pub(super) fn read(report: &mut Report<'_>, node: &Node, begin: Option<Timestamp>) -> Option<Vec<Expected>> {
    let items = fields::list(report, node, "expect", "a list of changes; [] for none")?;
    let before = report.count();
    let expected: Vec<_> = items.iter().filter_map(|item| one(report, item, begin)).collect();
    (report.count() == before).then_some(expected)
}

fn one(report: &mut Report<'_>, node: &Node, begin: Option<Timestamp>) -> Option<Expected> {
    let fields = Fields::read(report, node, "an expected change", &["grant", "revoke"])?;
    let (node, is_grant) = match (fields.get("grant"), fields.get("revoke")) {
        (Some(node), None) => (node, true),
        (None, Some(node)) => (node, false),
        _ => {
            report.add(node.place.clone(), Mistake::new("a change is either `grant` or `revoke`"));
            return None;
        }
    };
    let (what, keys) = if is_grant { ("grant", GRANT) } else { ("revoke", REVOKE) };
    let fields = Fields::read(report, node, what, keys)?;
    let (organization, user) = (name::<Organization>(report, &fields), name::<User>(report, &fields));
    let grant = is_grant.then(|| granted(report, &fields, begin));
    Some(Expected {
        organization: organization?,
        user: user?,
        grant: grant.map_or(Some(None), |grant| grant.map(Some))?,
    })
}

fn granted(report: &mut Report<'_>, fields: &Fields<'_>, begin: Option<Timestamp>) -> Option<Granted> {
    let role = fields.require(report, "role").and_then(|node| value(report, node, "role"));
    let existing = fields.get("existing").and_then(|node| parts::existing(report, node));
    let missing_user = fields.get("missing_user").and_then(|node| parts::missing_user(report, node));
    let until = fields.get("until").and_then(|node| until(report, node, begin));
    let metadata = fields.get("metadata").and_then(|node| metadata::values(report, node));
    Some(Granted { role: role?.to_owned(), existing, missing_user, until, metadata })
}

fn until(report: &mut Report<'_>, node: &Node, begin: Option<Timestamp>) -> Option<Timestamp> {
    let found = match Moment::of_text(value(report, node, "until")?) {
        Some(Moment::At(time)) => Some(time),
        Some(Moment::For(length)) => begin.and_then(|begin| begin.checked_add(length).ok()),
        None => None,
    };
    if found.is_none() {
        let expected = format!("{}, or {} beside an event with a `time`", moment::A_TIME, moment::A_DURATION);
        report.add(node.place.clone(), Mistake::new("not the end of a grant").expected(expected));
    }
    found
}

fn name<W: Way>(report: &mut Report<'_>, fields: &Fields<'_>) -> Option<W::Named> {
    let node = fields.require(report, W::WHAT)?;
    let (way, node) = named::way::<W>(report, node)?;
    let key = way.key().unwrap_or(W::WHAT);
    way.parse(value(report, node, key)?)
        .map_err(|error| {
            report.add(node.place.clone(), Mistake::new(format!("not the {key} of a test")).expected(error.expected))
        })
        .ok()
}

fn value<'n>(report: &mut Report<'_>, node: &'n Node, key: &str) -> Option<&'n str> {
    fields::text(report, node, key, "the value itself, not an expression")
}
