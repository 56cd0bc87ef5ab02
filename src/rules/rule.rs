//! One rule: read from its node, compiled and checked.
//! Knows nothing of how it runs.

use std::collections::BTreeMap;
use std::ops::Range;

use super::World;
use super::ceiling;
use super::diagnostic::{Mistake, Report};
use super::expression::Expression;
use super::fields::{self, Fields};
use super::globs::Glob;
use super::names::Names;
use super::parts::{Compiler, Parts};
use super::senders::Senders;
use super::tables::Table;
use super::tree::{Content, Node};

const KEYS: &[&str] = &["name", "on", "when", "for_each", "grant", "revoke", "tests"];

/// A rule that can run.
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) on: Glob,
    pub(super) when: Option<Expression>,
    pub(super) for_each: Option<Expression>,
    pub(super) parts: Parts,
    pub(super) tests: usize,
}

/// All that a rule is checked against.
pub(super) struct Surroundings<'f> {
    pub(super) world: &'f World,
    pub(super) senders: &'f Senders,
    pub(super) tables: &'f BTreeMap<String, Table>,
}

/// Reads one rule; its tests are not run here.
pub(super) fn read(report: &mut Report<'_>, node: &Node, around: &Surroundings<'_>) -> Option<Rule> {
    let fields = Fields::read(report, node, "a rule", KEYS)?;
    let name = fields.require(report, "name").and_then(|node| name(report, node));
    let on_node = fields.require(report, "on");
    let on = on_node.and_then(|node| on(report, node));
    let sending = match (&on, on_node) {
        (Some(on), Some(node)) => ceiling::senders_of(report, &node.place, on, around.senders),
        _ => Vec::new(),
    };
    let compiler = |item| Compiler {
        env: &around.world.env,
        roles: &around.world.roles,
        names: Names::new(around.tables, item),
        sending: &sending,
    };
    let (once, each) = (compiler(false), compiler(fields.get("for_each").is_some()));
    let when = fields.get("when").map(|node| once.expression(report, node, "when"));
    let for_each = fields.get("for_each").map(|node| once.expression(report, node, "for_each"));
    let parts = each.parts(report, &fields, node);
    Some(Rule {
        name: name?,
        on: on?,
        when: all_or_nothing(when)?,
        for_each: all_or_nothing(for_each)?,
        parts: parts?,
        tests: tests_of(node).map_or(0, count),
    })
}

/// What is not there is fine; what is there and wrong is not.
#[expect(clippy::option_option, reason = "absent and wrong are two things")]
fn all_or_nothing<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(wrong_or_right) => wrong_or_right.map(Some),
    }
}

fn count(tests: &Node) -> usize {
    if let Content::List(items) = &tests.content { items.len() } else { 0 }
}

fn name(report: &mut Report<'_>, node: &Node) -> Option<String> {
    let expected = "1 to 100 characters";
    let name = fields::text(report, node, "the name of a rule", expected)?;
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        report.add(node.place.clone(), Mistake::new("not the name of a rule").expected(expected));
        return None;
    }
    Some(name.to_owned())
}

fn on(report: &mut Report<'_>, node: &Node) -> Option<Glob> {
    let expected = "an event type, in which * stands for any text";
    let glob = Glob::new(fields::text(report, node, "on", expected)?);
    if glob.is_none() {
        report.add(node.place.clone(), Mistake::new("not an event type").expected(expected));
    }
    glob
}

fn entry_of<'n>(rule: &'n Node, key: &str) -> Option<&'n Node> {
    let Content::Map(entries) = &rule.content else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

/// The tests of a rule, whatever the rule itself is worth.
pub(super) fn tests_of(rule: &Node) -> Option<&Node> {
    entry_of(rule, "tests")
}

/// The name of a rule, whatever the rule itself is worth.
pub(super) fn name_of(rule: &Node) -> Option<(&str, Range<usize>)> {
    let node = entry_of(rule, "name")?;
    let Content::Text(name) = &node.content else { return None };
    Some((name, node.place.clone()))
}
