//! Which event an entry is: by its id, and by the keys that claim it as well.
//! Knows nothing of where keys come from.

use rusqlite::params;

use super::find;
use super::store::Store;
use super::types::{Recorded, Sighting};
use crate::domain::{Digest, EventId, KeyId};

/// What is there already under the names of an entry.
enum Place {
    /// Nothing.
    Free,
    /// This event, of the same content.
    Same(i64, EventId),
    Conflict,
    KeyTaken,
}

/// What was recorded earlier under these names, or why nothing can be; the keys that are new name it from now on.
pub(super) fn recall(store: &Store, sighting: &Sighting) -> rusqlite::Result<Option<Recorded>> {
    Ok(match place(store, sighting)? {
        Place::Free => None,
        Place::Same(seq, id) => {
            for key in &sighting.keys {
                bind(store, *key, seq)?;
            }
            let earlier = find::numbered(store, seq, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            Some(Recorded::Repeated(earlier))
        }
        Place::Conflict => Some(Recorded::Conflict),
        Place::KeyTaken => Some(Recorded::KeyTaken),
    })
}

fn place(store: &Store, sighting: &Sighting) -> rusqlite::Result<Place> {
    let by_id = store.seq_of(sighting.event)?;
    let mut named = by_id;
    for key in &sighting.keys {
        let by_key = store.seq_of_key(*key)?;
        if by_key.is_some() && named.is_some() && by_key != named {
            return Ok(Place::KeyTaken);
        }
        named = named.or(by_key);
    }
    let Some(seq) = named else { return Ok(Place::Free) };
    Ok(match (content_of(store, seq)? == sighting.content, by_id) {
        (true, Some(_)) => Place::Same(seq, sighting.event),
        (true, None) => Place::Same(seq, id_of(store, seq)?),
        (false, Some(_)) => Place::Conflict,
        (false, None) => Place::KeyTaken,
    })
}

fn content_of(store: &Store, seq: i64) -> rusqlite::Result<Digest> {
    let mut statement = store.prepare_cached("SELECT content FROM events WHERE seq = ?1")?;
    statement.query_row([seq], |row| row.get(0)).map(Digest)
}

fn id_of(store: &Store, seq: i64) -> rusqlite::Result<EventId> {
    let mut statement = store.prepare_cached("SELECT id FROM events WHERE seq = ?1")?;
    statement.query_row([seq], |row| row.get(0)).map(EventId::from_bytes)
}

/// Has a key name an event that is there already.
fn bind(store: &Store, key: KeyId, seq: i64) -> rusqlite::Result<()> {
    if store.seq_of_key(key)?.is_some() {
        return Ok(());
    }
    store.prepare_cached("INSERT INTO keys_late (seq, id) VALUES (?1, ?2)")?.execute(params![seq, key.as_bytes()])?;
    store.keys.add_late(store, *key.as_bytes(), seq)
}

/// For the row of a new event; most have none.
pub(super) fn column(keys: &[KeyId]) -> Option<Vec<u8>> {
    (!keys.is_empty()).then(|| keys.iter().flat_map(|key| *key.as_bytes()).collect())
}

/// Notes the keys that are in the row of a new event.
pub(super) fn add(store: &Store, keys: &[KeyId], seq: i64) {
    keys.iter().for_each(|key| store.keys.add(*key.as_bytes(), seq));
}

/// Forgets the keys of an event that was deleted, those of its row and those that came later.
pub(super) fn forget(store: &Store, seq: i64, column: Option<&[u8]>) -> rusqlite::Result<()> {
    let with_it: &[[u8; 16]] = column.unwrap_or_default().as_chunks().0;
    with_it.iter().try_for_each(|key| store.keys.remove(store, *key))?;
    let mut late = store.prepare_cached("DELETE FROM keys_late WHERE seq = ?1 RETURNING id")?;
    let mut late = late.query([seq])?;
    while let Some(row) = late.next()? {
        store.keys.remove(store, row.get(0)?)?;
    }
    Ok(())
}
