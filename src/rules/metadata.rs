//! What a grant writes into the metadata of a membership: expressions in, JSON of bounded size out.
//! Knows nothing of when it is written.

use cel::common::types::CelOptional;
use cel::common::value::Val;
use serde_json::{Map, Value};

use super::diagnostic::{Mistake, Report};
use super::expression::Expression;
use super::fields::{self, Fields};
use super::parts::Compiler;
use super::tree::{Content, Node};
use super::values::{self, NotJson};
use crate::domain::Metadata;

/// Clerk takes 8 KB of metadata; usher needs a little of it for the id of the event.
pub(super) const MAX_BYTES: usize = 8 * 1024 - 64;
/// The key under which usher writes the id of the event.
const RESERVED: &str = "usher_event";
/// Longest key, and most keys of a part.
const MAX_KEY: usize = 64;
const MAX_KEYS: usize = 16;

/// The two parts of a membership's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Public,
    Private,
}

impl Part {
    const ALL: [Self; 2] = [Self::Public, Self::Private];

    fn key(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// One key and the expression of its value.
pub(super) struct Item {
    part: Part,
    key: String,
    pub(super) expression: Expression,
}

impl Item {
    /// Where it stands within `grant`.
    pub(super) fn part(&self) -> String {
        format!("metadata.{}.{}", self.part.key(), self.key)
    }
}

/// Metadata that is being put together, and how much room is left.
pub(super) struct Filling {
    pub(super) metadata: Metadata,
    room: usize,
}

impl Filling {
    pub(super) fn new() -> Self {
        // Braces and the names of the two parts.
        Self { metadata: Metadata::default(), room: MAX_BYTES - 32 }
    }

    /// How many bytes it takes.
    pub(super) fn size(&self) -> usize {
        MAX_BYTES - self.room
    }

    /// Adds a value; an optional without one leaves its key out.
    pub(super) fn add(&mut self, item: &Item, value: &dyn Val) -> Result<(), NotJson> {
        let value = match value.downcast_ref::<CelOptional>() {
            Some(optional) => match optional.inner() {
                Some(value) => value,
                None => return Ok(()),
            },
            None => value,
        };
        values::take(&mut self.room, item.key.len() + 4)?;
        let json = values::to_json(value, &mut self.room)?;
        self.part(item.part).insert(item.key.clone(), json);
        Ok(())
    }

    fn part(&mut self, part: Part) -> &mut Map<String, Value> {
        match part {
            Part::Public => &mut self.metadata.public,
            Part::Private => &mut self.metadata.private,
        }
    }
}

/// Reads `metadata:` of a rule.
pub(super) fn read(report: &mut Report<'_>, node: &Node, compiler: &Compiler<'_>) -> Option<Vec<Item>> {
    let before = report.count();
    let mut items = Vec::new();
    each(report, node, |report, part, key, node| {
        let expected = "a CEL expression, such as data.plan or \"{'plan': data.plan}\"";
        if matches!(node.content, Content::Null | Content::Map(_) | Content::List(_)) {
            report
                .add(node.place.clone(), Mistake::new(format!("`{key}` cannot be {}", node.kind())).expected(expected));
        } else if let Some(expression) = compiler.expression(report, node, key) {
            items.push(Item { part, key: key.to_owned(), expression });
        }
    });
    (report.count() == before).then_some(items)
}

/// Reads `metadata:` of a test, which has the values themselves.
pub(super) fn values(report: &mut Report<'_>, node: &Node) -> Option<Metadata> {
    let before = report.count();
    let mut filling = Filling::new();
    each(report, node, |_, part, key, node| {
        filling.part(part).insert(key.to_owned(), node.to_json());
    });
    (report.count() == before).then_some(filling.metadata)
}

/// Every key of both parts.
fn each(report: &mut Report<'_>, node: &Node, mut visit: impl FnMut(&mut Report<'_>, Part, &str, &Node)) {
    let Some(fields) = Fields::read(report, node, "metadata", &["public", "private"]) else { return };
    for part in Part::ALL {
        let Some(node) = fields.get(part.key()) else { continue };
        let entries = fields::map(report, node, part.key(), "keys and values").unwrap_or_default();
        if entries.len() > MAX_KEYS {
            let mistake = Mistake::new("this is too much metadata").expected(format!("at most {MAX_KEYS} keys"));
            report.add(node.place.clone(), mistake);
        }
        for entry in entries {
            if let Some(mistake) = wrong_key(&entry.key) {
                report.add(entry.key_place.clone(), mistake);
            }
            visit(report, part, &entry.key, &entry.value);
        }
    }
}

fn wrong_key(key: &str) -> Option<Mistake> {
    if key == RESERVED {
        return Some(Mistake::new(format!("`{RESERVED}` is for usher, which writes the id of the event there")));
    }
    let fits = (1..=MAX_KEY).contains(&key.len()) && !key.chars().any(char::is_control);
    (!fits).then(|| {
        Mistake::new("not a key of metadata").expected(format!("1 to {MAX_KEY} bytes without control characters"))
    })
}
