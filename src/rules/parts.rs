//! What a rule does: its `grant` or `revoke`, compiled and checked against roles and senders.
//! Knows nothing of when the rule fires or how it runs.

use cel::Env;
use jiff::SignedDuration;

use super::ceiling;
use super::diagnostic::{Mistake, Report};
use super::expression::Expression;
use super::fields::{self, Fields, did_you_mean, nearest};
use super::metadata::{self, Item};
use super::moment::{self, Moment};
use super::named::{self, Named, Organization, User};
use super::names::Names;
use super::position;
use super::roles;
use super::senders::Sender;
use super::tree::{Content, Node};
use crate::domain::{Existing, MissingUser, Role};

/// The keys of `grant`, in a rule as in its tests.
pub(super) const GRANT: &[&str] = &["organization", "user", "role", "existing", "missing_user", "until", "metadata"];
/// The keys of `revoke`.
pub(super) const REVOKE: &[&str] = &["organization", "user"];

/// The expressions that make a change.
pub(super) struct Parts {
    pub(super) organization: Named<Organization>,
    pub(super) user: Named<User>,
    pub(super) effect: Effect,
}

/// What becomes of the membership.
pub(super) enum Effect {
    Grant(Box<Granting>),
    Revoke,
}

/// How a membership is made.
pub(super) struct Granting {
    pub(super) role: Expression,
    pub(super) existing: Existing,
    pub(super) missing_user: MissingUser,
    pub(super) until: Option<Expression>,
    pub(super) metadata: Vec<Item>,
}

impl Effect {
    /// The key it stands under in the file.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Grant(_) => "grant",
            Self::Revoke => "revoke",
        }
    }
}

impl Parts {
    /// All that is evaluated for each change.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let granting = match &self.effect {
            Effect::Grant(granting) => Some(granting),
            Effect::Revoke => None,
        };
        let given = granting.into_iter().flat_map(|granting| {
            let metadata = granting.metadata.iter().map(|item| &item.expression);
            [&granting.role].into_iter().chain(&granting.until).chain(metadata)
        });
        [&self.organization.expression, &self.user.expression].into_iter().chain(given)
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
        let able = ceiling::who_may(report, &node.place, self.sending, "grant", |sender| sender.actions.grant);
        let fields = Fields::read(report, node, "grant", GRANT)?;
        let (organization, able) = self.organization(report, &fields, able);
        let user = named::read(report, &fields, self);
        let role = fields.require(report, "role").and_then(|node| self.role(report, node, &able));
        let existing = fields.get("existing").map_or(Some(Existing::default()), |node| existing(report, node));
        let missing_user = fields.get("missing_user").map_or(Some(MissingUser::default()), |node| {
            let missing = missing_user(report, node)?;
            check_invite(report, node, missing, user.as_ref());
            Some(missing)
        });
        let until = fields.get("until").map(|node| self.until(report, node));
        let metadata =
            fields.get("metadata").map_or_else(|| Some(Vec::new()), |node| metadata::read(report, node, self));
        let effect = Effect::Grant(Box::new(Granting {
            role: role?,
            existing: existing?,
            missing_user: missing_user?,
            until: until.map_or(Some(None), |until| until.map(Some))?,
            metadata: metadata?,
        }));
        Some(Parts { organization: organization?, user: user?, effect })
    }

    fn revoke(&self, report: &mut Report<'_>, node: &Node) -> Option<Parts> {
        let able = ceiling::who_may(report, &node.place, self.sending, "revoke", |sender| sender.actions.revoke);
        let fields = Fields::read(report, node, "revoke", REVOKE)?;
        let (organization, _) = self.organization(report, &fields, able);
        let user = named::read(report, &fields, self);
        Some(Parts { organization: organization?, user: user?, effect: Effect::Revoke })
    }

    /// The organization, and those of `sending` who may change it.
    fn organization<'s>(
        &self,
        report: &mut Report<'_>,
        fields: &Fields<'_>,
        sending: Vec<&'s Sender>,
    ) -> (Option<Named<Organization>>, Vec<&'s Sender>) {
        let named = named::read(report, fields, self);
        let able = match (&named, fields.get("organization")) {
            (Some(named), Some(node)) => ceiling::who_may_change(report, node, &sending, named, &self.names),
            _ => sending,
        };
        (named, able)
    }

    fn role(&self, report: &mut Report<'_>, node: &Node, sending: &[&Sender]) -> Option<Expression> {
        let role = self.expression(report, node, "role")?;
        ceiling::check_role(report, node, &role, self, sending);
        Some(role)
    }

    fn until(&self, report: &mut Report<'_>, node: &Node) -> Option<Expression> {
        let until = self.expression(report, node, "until")?;
        for (id, text) in roles::outcomes(&until, &self.names).literals {
            let mistake = match Moment::of_text(text) {
                Some(Moment::For(length)) if length <= SignedDuration::ZERO => "ends before it begins",
                Some(_) => continue,
                None => "says no end",
            };
            let place = position::within(report.source, node, &until.source, until.character_of(id));
            let expected = format!("{} (from the time of the event), or {}", moment::A_DURATION, moment::A_TIME);
            report.add(place, Mistake::new(format!("`{text}` {mistake}")).expected(expected));
        }
        Some(until)
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

fn check_invite(report: &mut Report<'_>, node: &Node, missing: MissingUser, user: Option<&Named<User>>) {
    if missing == MissingUser::Invite && user.is_some_and(|user| user.way != User::Email) {
        let mistake = Mistake::new("nobody can be invited without an e-mail address");
        report.add(node.place.clone(), mistake.expected("`user: { email: … }` beside `missing_user: invite`"));
    }
}

/// Reads `existing:`.
pub(super) fn existing(report: &mut Report<'_>, node: &Node) -> Option<Existing> {
    let words = [("keep", Existing::Keep), ("raise", Existing::Raise), ("replace", Existing::Replace)];
    word(report, node, "existing", words, "says nothing about an existing membership")
}

/// Reads `missing_user:`.
pub(super) fn missing_user(report: &mut Report<'_>, node: &Node) -> Option<MissingUser> {
    let words = [("fail", MissingUser::Fail), ("wait", MissingUser::Wait), ("invite", MissingUser::Invite)];
    word(report, node, "missing_user", words, "says nothing about a user who does not exist")
}

/// One of three words.
fn word<T: Copy>(report: &mut Report<'_>, node: &Node, key: &str, words: [(&str, T); 3], otherwise: &str) -> Option<T> {
    let names = words.map(|(name, _)| name);
    let expected = format!("{}, {} or {}", names[0], names[1], names[2]);
    let text = fields::text(report, node, key, &expected)?;
    let found = words.into_iter().find(|(name, _)| *name == text);
    if found.is_none() {
        let help = nearest(text, names).map(did_you_mean);
        let mistake = Mistake::new(format!("`{text}` {otherwise}"));
        report.add(node.place.clone(), mistake.expected(expected).maybe_help(help));
    }
    found.map(|(_, value)| value)
}
