//! How a rule names an organization or a user: by Clerk's id, or by what a sender knows instead.
//! Knows nothing of how a name is looked up.

use super::diagnostic::{Mistake, Report};
use super::expression::Expression;
use super::fields::Fields;
use super::parts::Compiler;
use super::position;
use super::roles;
use super::tree::{Content, Node};
use crate::domain::{OrganizationId, OrganizationRef, ParseError, UserId, UserRef};

/// One of the ways to name something.
pub(super) trait Way: Copy + 'static {
    /// What is named.
    type Named;
    /// Its key in the file.
    const WHAT: &'static str;
    /// The keys of the ways that need one.
    const KEYS: &'static [&'static str];
    /// The way without a key.
    const PLAIN: Self;

    /// The way with this key.
    fn with(key: &str) -> Option<Self>;
    /// Its key, if it has one.
    fn key(self) -> Option<&'static str>;
    /// Where it stands within `grant` or `revoke`.
    fn part(self) -> &'static str;
    /// Reads the name.
    fn parse(self, text: &str) -> Result<Self::Named, ParseError>;
}

/// How an organization is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Organization {
    Id,
    Slug,
}

/// How a user is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    Id,
    Email,
    ExternalId,
}

impl Way for Organization {
    type Named = OrganizationRef;
    const WHAT: &'static str = "organization";
    const KEYS: &'static [&'static str] = &["slug"];
    const PLAIN: Self = Self::Id;

    fn with(key: &str) -> Option<Self> {
        (key == "slug").then_some(Self::Slug)
    }

    fn key(self) -> Option<&'static str> {
        match self {
            Self::Id => None,
            Self::Slug => Some("slug"),
        }
    }

    fn part(self) -> &'static str {
        match self {
            Self::Id => "organization",
            Self::Slug => "organization.slug",
        }
    }

    fn parse(self, text: &str) -> Result<OrganizationRef, ParseError> {
        match self {
            Self::Id => text.parse::<OrganizationId>().map(OrganizationRef::Id),
            Self::Slug => text.parse().map(OrganizationRef::Slug),
        }
    }
}

impl Way for User {
    type Named = UserRef;
    const WHAT: &'static str = "user";
    const KEYS: &'static [&'static str] = &["email", "external_id"];
    const PLAIN: Self = Self::Id;

    fn with(key: &str) -> Option<Self> {
        match key {
            "email" => Some(Self::Email),
            "external_id" => Some(Self::ExternalId),
            _ => None,
        }
    }

    fn key(self) -> Option<&'static str> {
        match self {
            Self::Id => None,
            Self::Email => Some("email"),
            Self::ExternalId => Some("external_id"),
        }
    }

    fn part(self) -> &'static str {
        match self {
            Self::Id => "user",
            Self::Email => "user.email",
            Self::ExternalId => "user.external_id",
        }
    }

    fn parse(self, text: &str) -> Result<UserRef, ParseError> {
        match self {
            Self::Id => text.parse::<UserId>().map(UserRef::Id),
            Self::Email => text.parse().map(UserRef::Email),
            Self::ExternalId => text.parse().map(UserRef::ExternalId),
        }
    }
}

/// The expression that gives a name.
pub(super) struct Named<W> {
    pub(super) way: W,
    pub(super) expression: Expression,
}

/// Which way `node` names something, and where the name itself is.
pub(super) fn way<'n, W: Way>(report: &mut Report<'_>, node: &'n Node) -> Option<(W, &'n Node)> {
    if !matches!(node.content, Content::Map(_)) {
        return Some((W::PLAIN, node));
    }
    let before = report.count();
    let fields = Fields::read(report, node, W::WHAT, W::KEYS)?;
    let mut given = W::KEYS.iter().filter_map(|key| Some((W::with(key)?, fields.get(key)?)));
    match (given.next(), given.next()) {
        (Some(one), None) => Some(one),
        _ if report.count() > before => None,
        _ => {
            let mistake = Mistake::new(format!("`{}` is named in one way", W::WHAT));
            let expected = W::KEYS.iter().map(|key| format!("{{ {key}: … }}")).collect::<Vec<_>>().join(" or ");
            report.add(node.place.clone(), mistake.expected(format!("{expected}, or an id without a key")));
            None
        }
    }
}

/// Compiles a name; one that stands in the file itself is read before any event comes.
pub(super) fn read<W: Way>(report: &mut Report<'_>, fields: &Fields<'_>, compiler: &Compiler<'_>) -> Option<Named<W>> {
    let node = fields.require(report, W::WHAT)?;
    let (way, node) = way::<W>(report, node)?;
    let key = way.key().unwrap_or(W::WHAT);
    let expression = compiler.expression(report, node, key)?;
    for (id, text) in roles::outcomes(&expression, &compiler.names).literals {
        if let Err(error) = way.parse(text) {
            let place = position::within(report.source, node, &expression.source, expression.character_of(id));
            let what =
                way.key().map_or_else(|| format!("{} id", W::WHAT), |key| format!("{key} of {}", article::<W>()));
            report.add(place, Mistake::new(format!("`{text}` is no {what}")).expected(error.expected));
        }
    }
    Some(Named { way, expression })
}

fn article<W: Way>() -> String {
    let article = if W::WHAT.starts_with('o') { "an" } else { "a" };
    format!("{article} {}", W::WHAT)
}
