//! An event as every layer sees it, after its format, its sender and its identity are settled.
//! Knows nothing of how it was sent or proved.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Digest, Extensions, ParseError, TraceContext};

/// The name of a sender in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SenderName(String);

impl SenderName {
    /// The name as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SenderName {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if fits { Ok(Self(text)) } else { Err(ParseError { expected: "1 to 64 letters, digits, _, - or ." }) }
    }
}

impl From<SenderName> for String {
    fn from(name: SenderName) -> Self {
        name.0
    }
}

impl fmt::Display for SenderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A CloudEvents `type` (1.0.2: a non-empty string); at most 255 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventType(String);

impl EventType {
    /// The type as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EventType {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        let fits = (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text)) } else { Err(ParseError { expected: "1 to 255 bytes without control characters" }) }
    }
}

impl From<EventType> for String {
    fn from(value: EventType) -> Self {
        value.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id usher knows an event by: a UUIDv8 made from (sender, source, id).
///
/// The same event has the same id in every replica and after every restart, so that the identity needs no index of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// The id of the event that `sender` calls (`source`, `event_id`).
    pub fn of(sender: &SenderName, source: &str, event_id: &str) -> Self {
        let digest = Digest::of_parts(&[sender.as_str(), source, event_id]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.0[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The sixteen bytes, for storage.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id that [`EventId::as_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for EventId {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let expected = ParseError { expected: "an event id as usher gave it: a UUID in lower case with hyphens" };
        let uuid = Uuid::try_parse(text).ok().filter(|uuid| uuid.hyphenated().to_string() == text);
        uuid.map(Self).ok_or(expected)
    }
}

/// A further claim on an event's identity, beside (source, id): an `Idempotency-Key`, or the id that a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 16]);

impl KeyId {
    /// The key that `sender` gives in a header of this name; nobody else can claim it.
    pub fn of(sender: &SenderName, header: &str, key: &str) -> Self {
        let digest = Digest::of_parts(&["key", sender.as_str(), header, key]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.0[..16]);
        Self(bytes)
    }

    /// The key of one event of a batch that came with this key.
    pub fn of_part(&self, index: u32) -> Self {
        let digest = Digest::of_bytes(&[&self.0[..], &index.to_be_bytes()].concat());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.0[..16]);
        Self(bytes)
    }

    /// The sixteen bytes, for storage.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// One event of one authenticated sender (CloudEvents 1.0.2 context attributes and data).
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Made from `sender`, `source` and `event_id`.
    pub id: EventId,
    /// Who sent it, as proved.
    pub sender: SenderName,
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `id`.
    pub event_id: String,
    /// CloudEvents `type`.
    pub kind: EventType,
    /// CloudEvents `subject`.
    pub subject: Option<String>,
    /// CloudEvents `time`.
    pub time: Option<Timestamp>,
    /// CloudEvents extension attributes.
    pub extensions: Extensions,
    /// The trace that its request, or else the event itself, belongs to.
    pub trace: Option<TraceContext>,
    /// The payload; `null` where there is none.
    pub data: Value,
}

impl Event {
    /// What decides whether a repeat is the same event: type, source, subject and data.
    pub fn content_digest(&self) -> Digest {
        let attributes = [Some(self.kind.as_str()), Some(&self.source), self.subject.as_deref()];
        Digest::of_list(&attributes, &self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(name: &str) -> SenderName {
        SenderName::try_from(name.to_owned()).unwrap()
    }

    #[test]
    fn an_identity_is_within_its_sender_and_its_source() {
        let id = EventId::of(&sender("billing"), "shop", "1");
        assert_eq!(id, EventId::of(&sender("billing"), "shop", "1"));
        assert_ne!(id, EventId::of(&sender("orders"), "shop", "1"));
        assert_ne!(id, EventId::of(&sender("billing"), "shop1", ""));
    }

    #[test]
    fn an_event_id_reads_back_in_one_spelling_only() {
        let id = EventId::of(&sender("billing"), "shop", "1");
        assert_eq!(id.to_string().parse::<EventId>(), Ok(id));
        assert!(id.to_string().to_uppercase().parse::<EventId>().is_err());
        assert!("../livez".parse::<EventId>().is_err());
    }
}
