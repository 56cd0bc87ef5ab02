//! Ending the leases of processes that are no more, so that what they had claimed is due at once.
//! Knows nothing of how one gets to be gone, but for the clock of the database.

use std::sync::LazyLock;

use futures_util::future::try_join;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::error::Failure;
use super::load::lock_of;
use crate::domain::Step;

const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '9s'; \
    SET LOCAL idle_in_transaction_session_timeout = '10s'";
const ARE_GONE: &str =
    "SELECT id, name FROM usher.replicas WHERE id <> $1 AND seen_at + gone_after < clock_timestamp()";
/// Whoever is at one of them already is left to it, and so is one that is back.
const TAKE_GONE: &str = "SELECT id FROM usher.replicas \
    WHERE id = ANY($1) AND seen_at + gone_after < clock_timestamp() FOR UPDATE SKIP LOCKED";
/// Owners that were taken for gone while they claimed.
const OF_NOBODY: &str = "SELECT DISTINCT coalesce(c.owner, 0) FROM usher.changes c WHERE c.leased = 1 \
    AND NOT EXISTS (SELECT FROM usher.replicas r WHERE r.id = c.owner)";
/// In the order of the locks: so no two wait for each other.
const LOCK: &str = concat!(
    "SELECT pg_advisory_xact_lock(lock) FROM (SELECT DISTINCT ",
    lock_of!("organization", "\"user\""),
    " AS lock FROM usher.changes WHERE leased = 1 AND coalesce(owner, 0) = ANY($1) ORDER BY lock) locks"
);
/// Looked at at once; what a call may have done already is known by its step.
static END: LazyLock<String> = LazyLock::new(|| {
    let reads: Vec<_> = Step::READS.iter().map(|step| format!("'{}'", step.name())).collect();
    format!(
        "UPDATE usher.changes SET leased = 0, not_before = NULL, \
         answer_lost = CASE WHEN step IN ({}) THEN answer_lost ELSE 1 END, \
         due_at = (extract(epoch FROM clock_timestamp()) * 1000)::int8 \
         WHERE leased = 1 AND coalesce(owner, 0) = ANY($1)",
        reads.join(", ")
    )
});
const FORGET: &str = "DELETE FROM usher.replicas WHERE id = ANY($1)";

/// Ends the leases of those that were not seen for too long, and forgets them.
pub(super) async fn end_of_the_gone(client: &Client, own: i64) -> Result<(), Failure> {
    let gone = client.query_typed(ARE_GONE, &[(&own, Type::INT8)]).await?;
    let ids: Vec<i64> = gone.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(());
    }
    let taken = async { Ok::<_, Failure>(client.query_typed(TAKE_GONE, &[(&ids, Type::INT8_ARRAY)]).await?) };
    let ((), taken) = try_join(begin(client), taken).await?;
    let ids: Vec<i64> = taken.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let ended = end(client, &ids).await?;
    let names: Vec<&str> = gone.iter().filter(|row| ids.contains(&row.get(0))).map(|row| row.get(1)).collect();
    if !names.is_empty() {
        tracing::warn!(replicas = names.join(", "), changes = ended, "replicas are gone; their work is taken up");
    }
    Ok(())
}

/// Ends leases whose owner is not among the replicas any more.
pub(super) async fn end_of_nobody(client: &Client) -> Result<(), Failure> {
    let owners = client.query_typed(OF_NOBODY, &[]).await?;
    let ids: Vec<i64> = owners.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if ids.is_empty() { Ok(()) } else { end_of(client, &ids).await }
}

/// Ends the leases of these, and forgets them.
pub(super) async fn end_of(client: &Client, ids: &[i64]) -> Result<(), Failure> {
    begin(client).await?;
    end(client, ids).await.map(drop)
}

async fn begin(client: &Client) -> Result<(), Failure> {
    Ok(client.batch_execute(BEGIN).await?)
}

/// The rest of the transaction; says how many leases ended.
async fn end(client: &Client, ids: &[i64]) -> Result<u64, Failure> {
    // Two statements: what is changed must be read after the locks are held.
    client.query_typed(LOCK, &[(&ids, Type::INT8_ARRAY)]).await?;
    let ended = client.execute_typed(&END, &[(&ids, Type::INT8_ARRAY)]).await?;
    client.execute_typed(FORGET, &[(&ids, Type::INT8_ARRAY)]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(ended)
}
