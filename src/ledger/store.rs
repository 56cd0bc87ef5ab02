//! What work is done on: a connection, and the names of events that are known beside it.
//! Knows nothing of threads.

use std::ops::Deref;

use rusqlite::Connection;

use super::identities::{self, Identities};
use crate::domain::{EventId, KeyId};

/// A connection that also finds events by their ids and keys.
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) identities: Identities,
    pub(super) keys: Identities,
}

impl Store {
    /// Of the writer's connection, which reads the names that are to be in memory.
    pub(super) fn load(connection: Connection) -> rusqlite::Result<Self> {
        let identities = Identities::load(&identities::IDS, &connection)?;
        let keys = Identities::load(&identities::KEYS, &connection)?;
        Ok(Self { connection, identities, keys })
    }

    /// With another connection, which knows what is committed.
    pub(super) fn reader(&self, connection: Connection) -> Self {
        Self { connection, identities: self.identities.shared(), keys: self.keys.shared() }
    }

    /// The number of an event; where nothing is written, the first question of a transaction.
    pub(super) fn seq_of(&self, event: EventId) -> rusqlite::Result<Option<i64>> {
        self.identities.find(&self.connection, event.as_bytes())
    }

    /// The number of the event that a key names.
    pub(super) fn seq_of_key(&self, key: KeyId) -> rusqlite::Result<Option<i64>> {
        self.keys.find(&self.connection, key.as_bytes())
    }

    /// A group begins.
    pub(super) fn begin(&mut self) {
        self.identities.begin();
        self.keys.begin();
    }

    /// It is committed.
    pub(super) fn commit(&mut self) {
        self.identities.commit();
        self.keys.commit();
    }
}

impl Deref for Store {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
