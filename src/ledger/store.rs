//! What work is done on: a connection, and the ids that are known beside it.
//! Knows nothing of threads.

use std::ops::Deref;

use rusqlite::Connection;

use super::identities::Identities;
use crate::domain::EventId;

/// A connection that also finds events by their ids.
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) identities: Identities,
}

impl Store {
    /// The number of an event; where nothing is written, the first question of a transaction.
    pub(super) fn seq_of(&self, event: EventId) -> rusqlite::Result<Option<i64>> {
        self.identities.find(&self.connection, event)
    }
}

impl Deref for Store {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
