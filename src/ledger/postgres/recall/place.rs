//! What is there already under the names of an entry.
//! Knows nothing of the database.

use std::collections::HashMap;

use crate::domain::{Digest, EventId, KeyId};
use crate::ledger::types::Sighting;

/// An event that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) seq: i64,
    pub(super) id: EventId,
    pub(super) content: Digest,
    pub(super) receipt: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing.
    Free,
    /// What the asker wrote.
    Own,
    /// This event, of the same content.
    Same(Known),
    Conflict,
    KeyTaken,
}

/// All that is there under the names that were asked for.
#[derive(Default)]
pub(super) struct Places {
    ids: HashMap<EventId, Known>,
    keys: HashMap<[u8; 16], Known>,
}

impl Places {
    /// Under this key, or under its id.
    pub(super) fn add(&mut self, key: Option<&[u8]>, known: Known) {
        match key.map(<[u8; 16]>::try_from) {
            None => drop(self.ids.insert(known.id, known)),
            Some(Ok(key)) => drop(self.keys.insert(key, known)),
            // Nobody asks for a key of another length.
            Some(Err(_)) => {}
        }
    }

    pub(super) fn has(&self, key: KeyId) -> bool {
        self.keys.contains_key(key.as_bytes())
    }

    pub(super) fn place(&self, sighting: &Sighting, receipt: Option<i64>) -> Place {
        let by_id = self.ids.get(&sighting.event);
        let mut named = by_id;
        for key in &sighting.keys {
            let by_key = self.keys.get(key.as_bytes());
            if by_key.zip(named).is_some_and(|(by_key, named)| by_key.seq != named.seq) {
                return Place::KeyTaken;
            }
            named = named.or(by_key);
        }
        match (named, by_id) {
            (None, _) => Place::Free,
            (Some(known), Some(_)) if receipt == Some(known.receipt) => Place::Own,
            (Some(known), _) if known.content == sighting.content => Place::Same(*known),
            (Some(_), Some(_)) => Place::Conflict,
            (Some(_), None) => Place::KeyTaken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SenderName;

    fn known(seq: u8) -> Known {
        Known {
            seq: i64::from(seq),
            id: EventId::from_bytes([seq; 16]),
            content: Digest([seq; 32]),
            receipt: i64::from(seq),
        }
    }

    fn key(name: &str) -> KeyId {
        KeyId::of(&SenderName::try_from("billing".to_owned()).unwrap(), "idempotency-key", name)
    }

    /// Events 1 and 2 are there, the first under key `a`, the second under key `b`.
    fn place(event: u8, content: u8, keys: &[&str]) -> Place {
        let mut places = Places::default();
        for (seq, name) in [(1, "a"), (2, "b")] {
            places.add(None, known(seq));
            places.add(Some(key(name).as_bytes()), known(seq));
        }
        let keys = keys.iter().map(|name| key(name)).collect();
        let sighting = Sighting { event: EventId::from_bytes([event; 16]), content: Digest([content; 32]), keys };
        places.place(&sighting, Some(2))
    }

    #[test]
    fn an_event_is_known_by_its_id_and_by_its_keys() {
        assert_eq!(place(1, 1, &[]), Place::Same(known(1)));
        assert_eq!(place(1, 1, &["a", "new"]), Place::Same(known(1)));
        assert_eq!(place(7, 1, &["new", "a"]), Place::Same(known(1)));
        assert_eq!(place(7, 7, &["new"]), Place::Free);
    }

    #[test]
    fn other_content_is_a_conflict_and_another_event_behind_a_key_is_told() {
        assert_eq!(place(1, 7, &[]), Place::Conflict);
        assert_eq!(place(1, 1, &["b"]), Place::KeyTaken);
        assert_eq!(place(7, 7, &["a"]), Place::KeyTaken);
        assert_eq!(place(7, 1, &["a", "b"]), Place::KeyTaken);
    }

    #[test]
    fn what_has_the_receipt_of_the_asker_is_its_own() {
        assert_eq!(place(2, 2, &[]), Place::Own);
        assert_eq!(place(7, 2, &["b"]), Place::Same(known(2)), "another event that its key names is none of its own");
    }
}
