//! What an expression finds under its names while it runs: the event, the tables, the item.
//! Knows nothing of rules; converts an event's data once.

use std::collections::BTreeMap;

use cel::common::types::{CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use super::names::ITEM;
use super::values::{self, Extent, TooDeep};
use crate::domain::Event;

/// The tables as CEL sees them.
pub(super) type Tables = BTreeMap<String, Box<dyn Val>>;

/// The names of one event.
pub(super) struct Scope<'v> {
    event: &'v Event,
    tables: &'v Tables,
    data: Box<dyn Val + 'v>,
    time: Option<String>,
    pub(super) extent: Extent,
}

impl<'v> Scope<'v> {
    pub(super) fn new(event: &'v Event, tables: &'v Tables) -> Result<Self, TooDeep> {
        let mut extent = Extent::default();
        let data = values::borrowed(&event.data, &mut extent)?;
        Ok(Self { event, tables, data, time: event.time.map(|time| time.to_string()), extent })
    }
}

/// A text, or `null` for an attribute that the event does not have.
fn text_or_null<'b>(text: Option<&'b str>) -> CowVal<'b, 'b> {
    text.map_or_else(|| CowVal::owned(CelNull), |text| CowVal::owned(CelString::from(text)))
}

impl VariableResolver for Scope<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        Some(match variable {
            "data" => CowVal::Borrowed(&*self.data),
            "type" => text_or_null(Some(self.event.kind.as_str())),
            "source" => text_or_null(Some(&self.event.source)),
            "subject" => text_or_null(self.event.subject.as_deref()),
            "id" => text_or_null(Some(&self.event.event_id)),
            "time" => text_or_null(self.time.as_deref()),
            "sender" => text_or_null(Some(self.event.sender.as_str())),
            table => CowVal::Borrowed(&**self.tables.get(table)?),
        })
    }
}

/// The names of one event and of one element of its `for_each`.
pub(super) struct ItemScope<'s> {
    pub(super) outer: &'s Scope<'s>,
    pub(super) item: &'s (dyn Val + 's),
}

impl VariableResolver for ItemScope<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if variable == ITEM { Some(CowVal::Borrowed(self.item)) } else { self.outer.resolve(variable) }
    }
}

/// The text that a value is.
pub(super) fn as_text<'a>(value: &'a CowVal<'_, '_>) -> Option<&'a str> {
    value.downcast_ref::<CelString>().map(|text| text.inner())
}
