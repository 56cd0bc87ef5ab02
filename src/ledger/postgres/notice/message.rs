//! What processes tell each other, as text and back.
//! Knows nothing of connections.

use std::fmt::Write;

use crate::domain::EventId;

/// The channel.
pub(super) const CHANNEL: &str = "usher";
/// So many ids fit into one notice: PostgreSQL takes less than 8000 bytes.
const IDS: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// There are changes to look at.
    Due,
    /// What holds for all was changed.
    Standing,
    /// Something is new about these events.
    Ended(Vec<EventId>),
}

impl Message {
    pub(super) fn ended(events: impl IntoIterator<Item = EventId>) -> Vec<Self> {
        let events: Vec<EventId> = events.into_iter().collect();
        events.chunks(IDS).map(|some| Self::Ended(some.to_vec())).collect()
    }

    /// As it is sent, after who says it.
    fn payload(&self, from: u64) -> String {
        match self {
            Self::Due => format!("{from:016x} due"),
            Self::Standing => format!("{from:016x} standing"),
            Self::Ended(events) => events.iter().fold(format!("{from:016x} ended"), |mut text, event| {
                // Writing to a string cannot fail.
                let _ = write!(text, " {event}");
                text
            }),
        }
    }

    /// What somebody else said; `None` for what one said oneself, and for what only a later usher understands.
    pub(super) fn heard(payload: &str, own: u64) -> Option<Self> {
        let mut words = payload.split(' ');
        let from = u64::from_str_radix(words.next()?, 16).ok()?;
        let message = match words.next()? {
            "due" => Self::Due,
            "standing" => Self::Standing,
            "ended" => Self::Ended(words.filter_map(|id| id.parse().ok()).collect()),
            _ => return None,
        };
        (from != own).then_some(message)
    }
}

/// A transaction of its own, whose commit waits for no disk: what is lost with it is found by looking.
pub(super) fn statements(from: u64, messages: &[Message]) -> String {
    let mut sql = "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '2s'; \
        SET LOCAL idle_in_transaction_session_timeout = '5s';"
        .to_owned();
    for message in messages {
        // Nothing in it needs an escape: words and hexadecimal digits.
        let _ = write!(sql, " NOTIFY {CHANNEL}, '{}';", message.payload(from));
    }
    sql + " COMMIT"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: u8) -> Vec<EventId> {
        (0..count).map(|number| EventId::from_bytes([number; 16])).collect()
    }

    #[test]
    fn what_is_said_is_heard_by_others_and_not_by_oneself() {
        for message in [Message::Due, Message::Standing, Message::Ended(ids(3))] {
            assert_eq!(Message::heard(&message.payload(7), 8), Some(message.clone()));
            assert_eq!(Message::heard(&message.payload(7), 7), None);
        }
    }

    #[test]
    fn many_ids_are_said_in_several_notices_that_are_short_enough() {
        let messages = Message::ended(ids(255));
        assert_eq!(messages.len(), 2);
        assert!(messages.iter().all(|message| message.payload(u64::MAX).len() <= 7900));
    }

    #[test]
    fn what_nobody_of_this_version_says_is_not_heard() {
        for payload in ["", "due", "0000000000000007", "0000000000000007 later word", "x due"] {
            assert_eq!(Message::heard(payload, 8), None, "{payload}");
        }
    }
}
