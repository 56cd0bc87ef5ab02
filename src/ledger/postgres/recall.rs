//! Which event an entry is: by its id, and by the keys that claim it as well.
//! Knows nothing of where keys come from.

mod place;

use futures_util::{StreamExt, stream};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::alone;
use super::apart::apart;
use super::error::Failure;
use super::events;
use super::thread::Core;
use crate::domain::{Digest, EventId, KeyId};
use crate::ledger::types::{Recorded, Sighting};
use place::{Known, Place, Places};

/// How many events are read at once.
const AT_ONCE: usize = 4;

/// Somebody who asks what is there under some names.
pub(super) struct Look {
    pub(super) sighting: Sighting,
    /// What was written with it, where somebody tried.
    pub(super) receipt: Option<i64>,
}

/// What is there.
pub(super) enum Told {
    Nothing,
    /// What the asker itself wrote.
    Own,
    Earlier(Box<Recorded>),
}

pub(super) async fn recall_all(core: &Core, sightings: Vec<Sighting>) -> Result<Vec<Option<Recorded>>, Failure> {
    let mut results: Vec<Option<Recorded>> = sightings.iter().map(|_| None).collect();
    let looks = sightings.into_iter().map(|sighting| Look { sighting, receipt: None });
    let mut left: Vec<(usize, Look)> = looks.enumerate().collect();
    while !left.is_empty() {
        let (now, later) = apart(left, |(_, look)| &look.sighting);
        let (places, looks): (Vec<_>, Vec<_>) = now.into_iter().unzip();
        for (place, told) in places.into_iter().zip(look(core, &looks).await?) {
            if let Told::Earlier(recorded) = told {
                results[place] = Some(*recorded);
            }
        }
        left = later;
    }
    Ok(results)
}

const KNOWS: &str = "SELECT EXISTS (SELECT FROM usher.keys k JOIN usher.events e ON e.seq = k.seq WHERE k.id = $1)";

pub(super) async fn knows(core: &Core, key: KeyId) -> Result<bool, Failure> {
    let rows = alone::query(core, KNOWS, &[(&&key.as_bytes()[..], Type::BYTEA)]).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
}

/// What is there for each, no two of which share a name; keys that are new name it from now on.
pub(super) async fn look(core: &Core, looks: &[Look]) -> Result<Vec<Told>, Failure> {
    let known = known(core, looks).await?;
    let places: Vec<Place> = looks.iter().map(|look| known.place(&look.sighting, look.receipt)).collect();
    bind(core, looks, &places, &known).await?;
    let told = stream::iter(places).map(|place| tell(core, place)).buffered(AT_ONCE).collect::<Vec<_>>().await;
    told.into_iter().collect()
}

async fn tell(core: &Core, place: Place) -> Result<Told, Failure> {
    Ok(match place {
        Place::Free => Told::Nothing,
        Place::Own => Told::Own,
        // Purged between the two looks: it is not there any more.
        Place::Same(event) => {
            events::find(core, event.id).await?.map_or(Told::Nothing, |record| earlier(Recorded::Repeated(record)))
        }
        Place::Conflict => earlier(Recorded::Conflict),
        Place::KeyTaken => earlier(Recorded::KeyTaken),
    })
}

fn earlier(recorded: Recorded) -> Told {
    Told::Earlier(Box::new(recorded))
}

const KNOWN: &str = "SELECT NULL::bytea, e.seq, e.id, e.content, e.receipt \
    FROM UNNEST($1::bytea[]) AS s(id) JOIN usher.events e ON e.id = s.id \
    UNION ALL SELECT k.id, e.seq, e.id, e.content, e.receipt \
    FROM UNNEST($2::bytea[]) AS s(id) JOIN usher.keys k ON k.id = s.id JOIN usher.events e ON e.seq = k.seq";

/// All that is there under these names.
async fn known(core: &Core, looks: &[Look]) -> Result<Places, Failure> {
    let ids: Vec<&[u8]> = looks.iter().map(|look| &look.sighting.event.as_bytes()[..]).collect();
    let keys: Vec<&[u8]> = looks.iter().flat_map(|look| &look.sighting.keys).map(|key| &key.as_bytes()[..]).collect();
    let mut places = Places::default();
    for row in alone::query(core, KNOWN, &[(&ids, Type::BYTEA_ARRAY), (&keys, Type::BYTEA_ARRAY)]).await? {
        places.add(row.try_get(0)?, known_event(&row)?);
    }
    Ok(places)
}

fn known_event(row: &Row) -> Result<Known, Failure> {
    Ok(Known {
        seq: row.try_get(1)?,
        id: EventId::from_bytes(bytes(row, 2)?),
        content: Digest(bytes(row, 3)?),
        receipt: row.try_get(4)?,
    })
}

fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], Failure> {
    let bytes: &[u8] = row.try_get(column)?;
    Ok(bytes.try_into().or(Err(rusqlite::Error::InvalidQuery))?)
}

/// How many keys may come to an event after it; no honest sender needs several. When many have come before, one only is
/// not remembered.
const BIND: &str = "WITH k AS (SELECT k.id, k.seq, row_number() OVER (PARTITION BY k.seq ORDER BY k.ord) AS place \
        FROM UNNEST($1::bytea[], $2::int8[]) WITH ORDINALITY AS k(id, seq, ord)), \
    late AS (SELECT seq, count(*) AS count FROM usher.keys WHERE late AND seq = ANY($2) GROUP BY seq) \
    INSERT INTO usher.keys (id, seq, late) SELECT k.id, k.seq, true FROM k LEFT JOIN late ON late.seq = k.seq \
        WHERE coalesce(late.count, 0) + k.place <= 8 ORDER BY k.id ON CONFLICT (id) DO NOTHING";

/// A key whose event is gone was bound while the event was purged: nobody else may be kept from it.
const UNBIND: &str = "DELETE FROM usher.keys k WHERE k.id = ANY($1) \
    AND NOT EXISTS (SELECT FROM usher.events e WHERE e.seq = k.seq)";

async fn bind(core: &Core, looks: &[Look], places: &[Place], known: &Places) -> Result<(), Failure> {
    let (mut keys, mut seqs, mut lost): (Vec<&[u8]>, Vec<i64>, Vec<&[u8]>) = Default::default();
    for (look, place) in looks.iter().zip(places) {
        let new = look.sighting.keys.iter().filter(|key| !known.has(**key)).map(|key| &key.as_bytes()[..]);
        match place {
            Place::Same(event) => new.for_each(|key| {
                keys.push(key);
                seqs.push(event.seq);
            }),
            Place::Free => lost.extend(new),
            Place::Own | Place::Conflict | Place::KeyTaken => {}
        }
    }
    if !keys.is_empty() {
        alone::query(core, BIND, &[(&keys, Type::BYTEA_ARRAY), (&seqs, Type::INT8_ARRAY)]).await?;
    }
    if !lost.is_empty() {
        alone::query(core, UNBIND, &[(&lost, Type::BYTEA_ARRAY)]).await?;
    }
    Ok(())
}
