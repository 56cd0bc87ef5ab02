//! What is known of an event: read whole, and read by the code of the embedded ledger.
//! Knows nothing of what is asked of queues.

use std::sync::LazyLock;

use futures_util::future::{try_join, try_join3};
use tokio_postgres::types::{ToSql, Type};

use super::error::Failure;
use super::load::{EVENT as QUEUED, add_event, cells, list};
use super::session::Session;
use super::set::Rows;
use super::tables::{ATTEMPTS, CHANGES, EVENTS, Table};
use super::thread::Core;
use super::transaction::look;
use crate::domain::{EventId, EventRecord};
use crate::ledger::find;

static EVENT: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM usher.events e WHERE e.id = $1", list("e", EVENTS.columns)));

/// The time of the next look at a queue is that of its oldest: whoever records writes it to every change.
static ITS_CHANGES: LazyLock<String> = LazyLock::new(|| {
    let due_at = "CASE WHEN c.due_at IS NULL OR c.dormant = 1 OR NOT EXISTS (SELECT FROM usher.changes o \
        WHERE o.outcome IS NULL AND o.organization = c.organization AND o.\"user\" = c.\"user\" \
        AND o.dormant = 0 AND o.id < c.id) THEN c.due_at END";
    let columns = list("c", CHANGES.columns).replace("c.\"due_at\"", due_at);
    format!("SELECT {columns} FROM usher.changes c WHERE {}", of_event("c.id"))
});

static ITS_ATTEMPTS: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} FROM usher.attempts a WHERE {}", list("a", ATTEMPTS.columns), of_event("a.change"))
});

/// What took the place of its changes.
static SUPERSEDERS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {QUEUED} FROM usher.events e WHERE e.seq IN \
         (SELECT c.superseded_by >> 24 FROM usher.changes c WHERE c.superseded_by IS NOT NULL AND {})",
        of_event("c.id")
    )
});

/// Whether this number is of a change of the event.
fn of_event(number: &str) -> String {
    let seq = "(SELECT seq FROM usher.events WHERE id = $1)";
    format!("{number} >= {seq} << 24 AND {number} < ({seq} + 1) << 24")
}

pub(super) async fn find(core: &Core, id: EventId) -> Result<Option<EventRecord>, Failure> {
    look(core, async |client| whole(client, id).await, |store| find::event(store, id)).await
}

/// The event with all that belongs to it, in one trip.
async fn whole(client: &Session, id: EventId) -> Result<Rows, Failure> {
    let id = &id.as_bytes()[..];
    let id: [(&(dyn ToSql + Sync), Type); 1] = [(&id, Type::BYTEA)];
    let event = try_join(client.query_typed(&EVENT, &id), client.query_typed(&SUPERSEDERS, &id));
    let changes = client.query_typed(&ITS_CHANGES, &id);
    let ((event, superseders), changes, attempts) =
        try_join3(event, changes, client.query_typed(&ITS_ATTEMPTS, &id)).await?;
    let mut rows = Rows::default();
    // The event first: of what is there twice the first stays, and of others not all is read.
    for (table, found) in [(&EVENTS, event), (&CHANGES, changes), (&ATTEMPTS, attempts)] {
        add_all(&mut rows, table, &found)?;
    }
    superseders.iter().try_for_each(|row| add_event(&mut rows, row, 0))?;
    Ok(rows)
}

/// Whole rows of a table.
fn add_all(rows: &mut Rows, table: &Table, found: &[tokio_postgres::Row]) -> Result<(), Failure> {
    for row in found {
        rows.add(table, cells(row, 0, table.columns)?);
    }
    Ok(())
}

/// Reads events whole, those that a statement finds.
pub(super) async fn add_whole(
    client: &Session,
    which: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
    rows: &mut Rows,
) -> Result<(), Failure> {
    let sql = format!("SELECT {} FROM usher.events e WHERE {which}", list("e", EVENTS.columns));
    add_all(rows, &EVENTS, &client.query_typed(&sql, params).await?)
}
