//! The versions of the tables, and bringing a database to ours while others may be doing the same.
//! Knows nothing of what is in the tables.

use super::error::Failure;
use super::pool::Pool;
use crate::ledger::error::OpenError;

/// Each takes the tables from the version of its place (from 0) to the next; never edited once released.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// Names the lock under which tables are made: no other program is likely to use the number.
const LOCK: i64 = 0x7573_6865_7201;

pub(super) async fn migrate(pool: &Pool) -> Result<(), OpenError> {
    apply(pool).await.map_err(|failure| OpenError::Postgres(failure.to_string()))
}

async fn apply(pool: &Pool) -> Result<(), Failure> {
    let mut connection = pool.get().await?;
    let transaction = connection.transaction().await?;
    transaction.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    transaction
        .batch_execute(
            "CREATE SCHEMA IF NOT EXISTS usher; CREATE TABLE IF NOT EXISTS usher.versions (version int PRIMARY KEY)",
        )
        .await?;
    let done: i64 = transaction.query_one("SELECT count(*) FROM usher.versions", &[]).await?.get(0);
    for (number, migration) in (1_i32..).zip(MIGRATIONS).skip(usize::try_from(done).unwrap_or(0)) {
        transaction.batch_execute(migration).await?;
        transaction.execute("INSERT INTO usher.versions (version) VALUES ($1)", &[&number]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
