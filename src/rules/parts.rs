//! What a rule does: its `grant` or `revoke`, compiled and checked against roles and senders.
//! Knows nothing of when the rule fires or how it runs.

use std::str::FromStr;

use cel::Env;

use super::ceiling;
use super::diagnostic::{Mistake, Report};
use super::expression::Expression;
use super::fields::{self, Fields, did_you_mean, nearest};
use super::names::Names;
use super::position;
use super::roles;
use super::senders::Sender;
use super::tree::{Content, Node};
use crate::domain::{Existing, OrganizationId, ParseError, Role, UserId};

/// The expressions that make a change.
pub(super) struct Parts {
    pub(super) organization: Expression,
    pub(super) user: Expression,
    pub(super) effect: Effect,
}

/// What becomes of the membership.
pub(super) enum Effect {
    Grant { role: Expression, existing: Existing },
    Revoke,
}

impl Effect {
    /// The key it stands under in the file.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "grant",
            Self::Revoke => "revoke",
        }
    }
}

impl Parts {
    /// All that is evaluated for each change.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let role = match &self.effect {
            Effect::Grant { role, .. } => Some(role),
            Effect::Revoke => None,
        };
        [&self.organization, &self.user].into_iter().chain(role)
    }
}

/// Compiles the expressions of one rule.
pub(super) struct Compiler<'c> {
    pub(super) env: &'c Env,
    pub(super) roles: &'c [Role],
    pub(super) names: Names<'c>,
    /// Those who may send events of the rule's type.
    pub(super) sending: &'c [&'c Sender],
}

impl Compiler<'_> {
    /// Reads the one of `grant` and `revoke` that the rule at `rule` has.
    pub(super) fn parts(&self, report: &mut Report<'_>, fields: &Fields<'_>, rule: &Node) -> Option<Parts> {
        match (fields.get("grant"), fields.get("revoke")) {
            (Some(node), None) => self.grant(report, node),
            (None, Some(node)) => self.revoke(report, node),
            (both, _) => {
                let place = both.map_or(rule.place.clone(), |node| node.place.clone());
                let mistake = Mistake::new("a rule does one thing").expected("either `grant` or `revoke`");
                report.add(place, mistake.help("two rules can fire on one event"));
                None
            }
        }
    }

    fn grant(&self, report: &mut Report<'_>, node: &Node) -> Option<Parts> {
        ceiling::check_action(report, &node.place, self.sending, "grant", |sender| sender.actions.grant);
        let fields = Fields::read(report, node, "grant", &["organization", "user", "role", "existing"])?;
        let organization = self.id::<OrganizationId>(report, &fields, "organization");
        let user = self.id::<UserId>(report, &fields, "user");
        let role = fields.require(report, "role").and_then(|node| self.role(report, node));
        let existing = fields.get("existing").map_or(Some(Existing::default()), |node| existing(report, node));
        let effect = Effect::Grant { role: role?, existing: existing? };
        Some(Parts { organization: organization?, user: user?, effect })
    }

    fn revoke(&self, report: &mut Report<'_>, node: &Node) -> Option<Parts> {
        ceiling::check_action(report, &node.place, self.sending, "revoke", |sender| sender.actions.revoke);
        let fields = Fields::read(report, node, "revoke", &["organization", "user"])?;
        let organization = self.id::<OrganizationId>(report, &fields, "organization");
        let user = self.id::<UserId>(report, &fields, "user");
        Some(Parts { organization: organization?, user: user?, effect: Effect::Revoke })
    }

    fn role(&self, report: &mut Report<'_>, node: &Node) -> Option<Expression> {
        let role = self.expression(report, node, "role")?;
        ceiling::check_role(report, node, &role, self);
        Some(role)
    }

    /// An id that stands in the file itself can be read before any event comes.
    fn id<Id: FromStr<Err = ParseError>>(
        &self,
        report: &mut Report<'_>,
        fields: &Fields<'_>,
        key: &str,
    ) -> Option<Expression> {
        let node = fields.require(report, key)?;
        let expression = self.expression(report, node, key)?;
        for (id, text) in roles::outcomes(&expression, &self.names).literals {
            if let Err(error) = text.parse::<Id>() {
                let place = position::within(report.source, node, &expression.source, expression.character_of(id));
                report.add(place, Mistake::new(format!("`{text}` is no {key} id")).expected(error.expected));
            }
        }
        Some(expression)
    }

    /// Compiles what `node` holds; every fault is reported where it stands in the file.
    pub(super) fn expression(&self, report: &mut Report<'_>, node: &Node, what: &str) -> Option<Expression> {
        let source = match &node.content {
            Content::Text(text) => text.clone(),
            Content::Bool(value) => value.to_string(),
            Content::Number(number) => number.to_string(),
            _ => {
                let mistake = Mistake::new(format!("`{what}` cannot be {} in this version of usher", node.kind()));
                report.add(node.place.clone(), mistake.expected("a CEL expression, such as data.user_id"));
                return None;
            }
        };
        match Expression::compile(self.env, &source, &self.names) {
            Ok(expression) => Some(expression),
            Err(faults) => {
                for fault in faults {
                    report.add(position::within(report.source, node, &source, fault.at), fault.mistake);
                }
                None
            }
        }
    }
}

/// Reads `existing:`.
pub(super) fn existing(report: &mut Report<'_>, node: &Node) -> Option<Existing> {
    let expected = "keep, raise or replace";
    match fields::text(report, node, "existing", expected)? {
        "keep" => Some(Existing::Keep),
        "raise" => Some(Existing::Raise),
        "replace" => Some(Existing::Replace),
        other => {
            let help = nearest(other, ["keep", "raise", "replace"]).map(did_you_mean);
            let mistake = Mistake::new(format!("`{other}` says nothing about an existing membership"));
            report.add(node.place.clone(), mistake.expected(expected).maybe_help(help));
            None
        }
    }
}
