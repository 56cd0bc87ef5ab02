//! The order of roles, and which roles a rule could give before any event is seen.
//! Knows nothing of what an event holds.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};

use super::diagnostic::{Mistake, Report};
use super::expression::Expression;
use super::fields::{self, did_you_mean, nearest};
use super::names::Names;
use super::tables::Table;
use super::tree::Node;
use crate::domain::Role;

/// Reads `roles:`, lowest first.
pub(super) fn read(report: &mut Report<'_>, node: &Node) -> Vec<Role> {
    let expected = "a list of roles, lowest first, such as [\"org:member\", \"org:admin\"]";
    let mut roles: Vec<Role> = Vec::new();
    for item in fields::list(report, node, "roles", expected).unwrap_or_default() {
        let Some(role) = role(report, item) else { continue };
        if roles.contains(&role) {
            report.add(item.place.clone(), Mistake::new(format!("`{role}` is given twice")));
        } else {
            roles.push(role);
        }
    }
    roles
}

/// A role that `roles:` has.
pub(super) fn one_of(report: &mut Report<'_>, node: &Node, known: &[Role]) -> Option<Role> {
    let role = role(report, node)?;
    if let Some(mistake) = unknown(&role, known) {
        report.add(node.place.clone(), mistake);
        return None;
    }
    Some(role)
}

fn role(report: &mut Report<'_>, node: &Node) -> Option<Role> {
    let text = fields::text(report, node, "a role", "a text such as \"org:member\"")?;
    parse(text).map_err(|mistake| report.add(node.place.clone(), mistake)).ok()
}

/// A role by its letters.
pub(super) fn parse(text: &str) -> Result<Role, Mistake> {
    text.parse().map_err(|error: crate::domain::ParseError| {
        Mistake::new(format!("`{text}` cannot be a role")).expected(error.expected)
    })
}

/// The mistake of a role that `roles:` does not have.
pub(super) fn unknown(role: &Role, known: &[Role]) -> Option<Mistake> {
    if known.contains(role) {
        return None;
    }
    let help = nearest(role.as_str(), known.iter().map(Role::as_str)).map(did_you_mean);
    let help =
        help.unwrap_or_else(|| "add it to `roles:`, between those that are lower and those that are higher".to_owned());
    let known: Vec<_> = known.iter().map(Role::as_str).collect();
    Some(
        Mistake::new(format!("`{role}` is not in `roles:`"))
            .expected(format!("one of {}", known.join(", ")))
            .help(help),
    )
}

/// The texts an expression may give, as far as the file alone tells.
#[derive(Default)]
pub(super) struct Outcomes<'e> {
    /// Texts in the expression, by their node.
    pub(super) literals: Vec<(u64, &'e str)>,
    /// Values of tables, by their place in the file.
    pub(super) rows: Vec<(Range<usize>, &'e serde_json::Value)>,
    /// Whether an event could lead to others as well.
    pub(super) open: bool,
}

/// What `expression` may give.
pub(super) fn outcomes<'e>(expression: &'e Expression, names: &Names<'e>) -> Outcomes<'e> {
    let mut outcomes = Outcomes::default();
    follow(expression.tree(), names, &mut outcomes);
    outcomes
}

fn follow<'e>(node: &'e IdedExpr, names: &Names<'e>, outcomes: &mut Outcomes<'e>) {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => outcomes.literals.push((node.id, text.inner())),
        Expr::Select(select) if !select.test => match table(&select.operand, names) {
            Some(table) => rows(table, Some(&select.field), outcomes),
            None => outcomes.open = true,
        },
        Expr::Call(call) => follow_call(call, names, outcomes),
        _ => outcomes.open = true,
    }
}

fn follow_call<'e>(call: &'e CallExpr, names: &Names<'e>, outcomes: &mut Outcomes<'e>) {
    match (call.func_name.as_str(), call.args.as_slice()) {
        ("_?_:_", [_, yes, no]) => {
            follow(yes, names, outcomes);
            follow(no, names, outcomes);
        }
        ("orValue", [other]) => {
            call.target.iter().for_each(|target| follow(target, names, outcomes));
            follow(other, names, outcomes);
        }
        ("_[_]" | "_[?_]" | "_?._", [operand, key]) => match table(operand, names) {
            Some(table) => rows(table, literal(key), outcomes),
            None => outcomes.open = true,
        },
        _ => outcomes.open = true,
    }
}

fn table<'e>(node: &IdedExpr, names: &Names<'e>) -> Option<&'e Table> {
    let Expr::Ident(name) = &node.expr else { return None };
    names.tables.get(name)
}

fn literal(node: &IdedExpr) -> Option<&str> {
    let Expr::Literal(LiteralValue::String(text)) = &node.expr else { return None };
    Some(text.inner())
}

fn rows<'e>(table: &'e Table, key: Option<&str>, outcomes: &mut Outcomes<'e>) {
    let wanted = table.rows.iter().filter(|(name, _)| key.is_none_or(|key| key == *name));
    outcomes.rows.extend(wanted.map(|(_, (value, place))| (place.clone(), value)));
}
