//! The tables of a rule file: values that rules look up by a key of the event.
//! Knows nothing of what a rule makes of a value.

use std::collections::BTreeMap;
use std::ops::Range;

use cel::Env;
use cel::common::ast::Expr;
use serde_json::Value;

use super::diagnostic::{Mistake, Report};
use super::fields;
use super::names::{EVENT, ITEM};
use super::tree::Node;

/// Keys and values, each value with its place in the file.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) rows: BTreeMap<String, (Value, Range<usize>)>,
}

impl Table {
    /// The table as one JSON object.
    pub(super) fn to_json(&self) -> Value {
        self.rows.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }
}

/// Reads `tables:`.
pub(super) fn read(report: &mut Report<'_>, env: &Env, node: &Node) -> BTreeMap<String, Table> {
    let entries = fields::map(report, node, "tables", "one entry for each table").unwrap_or_default();
    let mut tables = BTreeMap::new();
    for entry in entries {
        if !is_name(env, &entry.key) {
            let mistake = Mistake::new(format!("`{}` cannot name a table", entry.key));
            let expected = "letters, digits and _, not beginning with a digit, and no name that CEL or the event has";
            report.add(entry.key_place.clone(), mistake.expected(expected));
        }
        let rows = fields::map(report, &entry.value, "a table", "keys and values").unwrap_or_default();
        let rows = rows.iter().map(|row| (row.key.clone(), (row.value.to_json(), row.value.place.clone())));
        tables.insert(entry.key.clone(), Table { rows: rows.collect() });
    }
    tables
}

/// Only CEL knows what it takes for a name.
fn is_name(env: &Env, name: &str) -> bool {
    let harmless = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let free = !EVENT.contains(&name) && name != ITEM;
    let parses = || {
        env.compile(name).is_ok_and(|program| matches!(&program.expression().expr, Expr::Ident(found) if found == name))
    };
    harmless && free && parses()
}
