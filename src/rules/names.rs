//! The names an expression may use: what is known of the event, the tables, and `item` under `for_each`.
//! Knows nothing of their values.

use std::collections::BTreeMap;

use super::tables::Table;
use crate::domain::is_attribute_name;

/// What CEL sees of an event.
pub(super) const EVENT: [&str; 8] = ["data", "type", "source", "subject", "id", "time", "sender", ATTRIBUTES];
/// What CEL calls the map of the attributes, extensions included.
pub(super) const ATTRIBUTES: &str = "event";
/// What CEL calls the element of `for_each`.
pub(super) const ITEM: &str = "item";

/// The names in force at one place of the file.
#[derive(Clone, Copy)]
pub(super) struct Names<'t> {
    pub(super) tables: &'t BTreeMap<String, Table>,
    item: bool,
}

impl<'t> Names<'t> {
    pub(super) fn new(tables: &'t BTreeMap<String, Table>, item: bool) -> Self {
        Self { tables, item }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'t str> {
        let item = self.item.then_some(ITEM);
        EVENT.into_iter().chain(item).chain(self.tables.keys().map(String::as_str))
    }

    pub(super) fn contain(&self, name: &str) -> bool {
        self.all().any(|known| known == name)
    }
}

/// Whether a rule could find an attribute of this name in the map; some describe the event and are not kept.
pub(super) fn is_attribute(name: &str) -> bool {
    is_attribute_name(name) && !["specversion", "datacontenttype", "dataschema"].contains(&name)
}
