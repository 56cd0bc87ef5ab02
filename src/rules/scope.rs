//! What an expression finds under its names while it runs: the event, the tables, the item.
//! Knows nothing of rules; converts an event's data once, and its attributes once they are asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use cel::common::types::{CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use super::cost::Cost;
use super::names::{ATTRIBUTES, ITEM};
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
    /// The attributes in one map; most rules never look at it.
    attributes: OnceLock<Box<dyn Val + 'v>>,
    extent: Extent,
}

impl<'v> Scope<'v> {
    pub(super) fn new(event: &'v Event, tables: &'v Tables) -> Result<Self, TooDeep> {
        let mut extent = Extent::default();
        let data = values::borrowed(&event.data, &mut extent)?;
        let time = event.time.map(|time| time.to_string());
        Ok(Self { event, tables, data, time, attributes: OnceLock::new(), extent })
    }

    /// How large what an expression of this cost goes through is.
    pub(super) fn extent(&self, cost: Cost) -> Extent {
        if !cost.sees_attributes() {
            return self.extent;
        }
        let event = self.event;
        let extensions = event.extensions.values().map(|value| value.as_str().map_or(0, str::len));
        let named = [event.event_id.len(), event.source.len(), event.kind.as_str().len()];
        let optional = [event.subject.as_ref(), self.time.as_ref()].map(|text| text.map(String::len));
        let texts: Vec<_> = extensions.chain(named).chain(optional.into_iter().flatten()).collect();
        Extent {
            values: self.extent.values + 1 + texts.len(),
            longest_list: self.extent.longest_list.max(texts.len()),
            text: self.extent.text + texts.iter().sum::<usize>(),
            longest_text: texts.into_iter().fold(self.extent.longest_text, usize::max),
        }
    }

    /// The attributes that the event has, by their names.
    fn attributes(&self) -> Box<dyn Val + 'v> {
        let event = self.event;
        let mut map: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::with_capacity(event.extensions.len() + 5);
        let mut add = |name: &'v str, value| _ = map.insert(CelMapKey::String(CelString::from(name)), value);
        for (name, value) in &event.extensions {
            // An attribute has no depth; one that has some is none that usher took.
            add(name, values::borrowed(value, &mut Extent::default()).unwrap_or_else(|_| Box::new(CelNull)));
        }
        for (name, text) in [("id", &*event.event_id), ("source", &*event.source), ("type", event.kind.as_str())] {
            add(name, Box::new(CelString::from(text)));
        }
        if let Some(subject) = &event.subject {
            add("subject", Box::new(CelString::from(subject.as_str())));
        }
        if let Some(time) = &self.time {
            add("time", Box::new(CelString::from(time.clone())));
        }
        Box::new(CelMap::from(map))
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
            ATTRIBUTES => CowVal::Borrowed(&**self.attributes.get_or_init(|| self.attributes())),
            table => CowVal::Borrowed(&**self.tables.get(table)?),
        })
    }
}

/// The names of one event and of one element of its `for_each`.
pub(super) struct ItemScope<'s, 'v> {
    pub(super) outer: &'s Scope<'v>,
    pub(super) item: &'s (dyn Val + 's),
}

impl VariableResolver for ItemScope<'_, '_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if variable == ITEM { Some(CowVal::Borrowed(self.item)) } else { self.outer.resolve(variable) }
    }
}

/// The text that a value is.
pub(super) fn as_text<'a>(value: &'a CowVal<'_, '_>) -> Option<&'a str> {
    value.downcast_ref::<CelString>().map(|text| text.inner())
}
