//! The whole file: sections in the order in which they need each other, all mistakes in one report.
//! Knows nothing of where the file is.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Mistake, Report};
use super::fields::{self, Fields};
use super::rule::{self, Rule, Surroundings};
use super::scope::Tables;
use super::tables::Table;
use super::tree::{self, Node};
use super::{Rules, World, environment, roles, self_test, senders, tables, values};
use crate::domain::Digest;

/// Largest file, in bytes.
const MAX_FILE: usize = 1 << 20;

/// Reads, compiles, checks and tests a rule file; `file_name` is for the diagnostics.
pub fn load(file_name: &str, source: &str) -> Result<Rules, Vec<Diagnostic>> {
    let mut report = Report::new(file_name, source);
    let rules = read(&mut report, source);
    let diagnostics = report.into_diagnostics();
    match rules {
        Some(rules) if diagnostics.is_empty() => Ok(rules),
        _ => Err(diagnostics),
    }
}

fn read(report: &mut Report<'_>, source: &str) -> Option<Rules> {
    if source.len() > MAX_FILE {
        report.add(0..0, Mistake::new("this file is too large").expected("at most 1 MiB"));
        return None;
    }
    let root = tree::parse(source).map_err(|error| syntax_error(report, source, &error)).ok()?;
    let fields = Fields::read(report, &root, "the rule file", &["senders", "roles", "tables", "rules"])?;
    let Ok(env) = environment::environment().map(Arc::new) else {
        report.add(0..0, Mistake::new("this build of usher cannot run rules").help("this is a bug of usher"));
        return None;
    };
    let roles = fields.require(report, "roles").map(|node| roles::read(report, node)).unwrap_or_default();
    let tables = fields.get("tables").map(|node| tables::read(report, &env, node)).unwrap_or_default();
    let senders = fields.require(report, "senders").map(|node| senders::read(report, node, &roles));
    let senders = senders.unwrap_or_default();
    let world = World { env, tables: for_cel(&tables), roles, digest: Digest::of_bytes(source.as_bytes()) };
    let around = Surroundings { world: &world, senders: &senders, tables: &tables };
    let rules = fields.require(report, "rules").map(|node| read_rules(report, node, &around)).unwrap_or_default();
    Some(Rules { world, senders: senders.all, rules })
}

/// The parser stops at its first error. What surrounds it may hold a secret; the line is shown only if it cannot.
fn syntax_error(report: &mut Report<'_>, source: &str, error: &tree::SyntaxError) {
    let start = source[..error.offset].rfind('\n').map_or(0, |newline| newline + 1);
    let end = source[start..].find('\n').map_or(source.len(), |len| start + len);
    let line = source[start..end].to_ascii_lowercase();
    if ["token", "secret", "key", "password"].iter().any(|word| line.contains(word)) {
        report.mask(start..end);
    }
    let mistake = Mistake::new(format!("this is not YAML that usher reads: {}", error.message));
    report.add(error.offset..error.offset, mistake.help("nothing after this place was checked"));
}

fn for_cel(tables: &BTreeMap<String, Table>) -> Tables {
    let values = tables.iter().map(|(name, table)| (name, values::owned(&table.to_json())));
    values.filter_map(|(name, value)| Some((name.clone(), value.ok()?))).collect()
}

fn read_rules(report: &mut Report<'_>, node: &Node, around: &Surroundings<'_>) -> Vec<Rule> {
    let items = fields::list(report, node, "rules", "a list of rules").unwrap_or_default();
    let mut rules: Vec<Rule> = Vec::new();
    let mut names = Vec::new();
    for item in items {
        let rule = rule::read(report, item, around);
        if let Some(tests) = rule::tests_of(item) {
            self_test::run(report, tests, rule.as_ref(), around);
        }
        if let Some((name, place)) = rule::name_of(item) {
            if names.contains(&name) {
                let mistake = Mistake::new(format!("another rule is already named `{name}`"));
                report.add(place, mistake.help("outcomes are explained by the name of their rule"));
            }
            names.push(name);
        }
        rules.extend(rule);
    }
    rules
}
