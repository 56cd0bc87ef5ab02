//! The private metadata of what usher makes: the rule's, and the event that asked for it.
//! Knows nothing of sizes: the limit is Clerk's.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};

use crate::domain::EventId;

/// Where usher notes, in the private metadata of what it makes, the event that asked for it.
const EVENT: &str = "usher_event";
pub(super) const PROVENANCE: &str = "/private_metadata/usher_event";

/// A rule's private metadata with the event in it; a key of the rule's with the event's name gives way.
pub(in crate::bapi) struct Private<'a> {
    own: &'a Map<String, Value>,
    event: EventId,
}

impl<'a> Private<'a> {
    pub(in crate::bapi) fn new(own: &'a Map<String, Value>, event: EventId) -> Self {
        Self { own, event }
    }
}

impl Serialize for Private<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.own.iter().filter(|(key, _)| *key != EVENT) {
            map.serialize_entry(key, value)?;
        }
        map.serialize_entry(EVENT, &self.event.to_string())?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_event_is_always_there_and_always_the_one_that_asked() {
        let event: EventId = "00000000-0000-8000-8000-000000000000".parse().unwrap();
        let Value::Object(own) = json!({"plan": {"seats": 3}, "usher_event": "forged"}) else { panic!() };
        let text = serde_json::to_string(&Private::new(&own, event)).unwrap();
        assert!(!text.contains("forged"), "{text}");
        let written: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(written, json!({"plan": {"seats": 3}, "usher_event": event.to_string()}));
    }
}
