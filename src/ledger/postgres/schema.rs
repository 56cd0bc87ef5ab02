//! The versions of the tables, and bringing a database to ours while others may be doing the same.
//! Knows nothing of what is in the tables.

use tokio_postgres::types::{ToSql, Type};

use super::error::Failure;
use super::pool::Connection;
use super::pool::Pool;
use super::session::Session;

/// A step from one version of the tables to the next.
struct Migration {
    /// Never edited once released.
    sql: &'static str,
    /// The oldest usher, by the version of the tables that it made, that can still work on what comes of it. A release
    /// only adds to the tables; what it no longer needs goes with the release after it, which raises this.
    oldest: i32,
}

/// Each takes the tables from the version of its place (from 0) to the next.
const MIGRATIONS: &[Migration] = &[Migration { sql: include_str!("schema/1.sql"), oldest: 1 }];

/// Names the lock under which tables are made: no other program is likely to use the number.
const LOCK: &str = "SELECT pg_advisory_xact_lock(128956116561409)";
/// The oldest server that all statements are written for.
const SERVER: i32 = 14;

/// The catalogs are read as tables: a name that was looked up before the lock was held may be remembered as missing.
const ABOUT: &str = "SELECT current_setting('server_version_num')::int4, current_setting('server_encoding'), \
    pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', \
    EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'usher' AND tablename = 'versions'), \
    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'usher')";
const FOUND: &str = "SELECT version, oldest FROM usher.versions ORDER BY version DESC LIMIT 1";

/// Why a database is not used.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It cannot be reached, or says no.
    Failed(Failure),
    /// It takes no writes now; it may do so soon.
    ReadOnly,
    /// It never will be.
    Never(String),
}

impl From<Failure> for Unfit {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<tokio_postgres::Error> for Unfit {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The version of the tables that this usher makes.
pub(super) fn latest() -> i32 {
    (1..).zip(MIGRATIONS).map(|(version, _)| version).max().unwrap_or(0)
}

/// Makes the tables, or sees that they can be used as they are.
pub(super) async fn migrate(pool: &Pool) -> Result<(), Unfit> {
    let connection = pool.get().await?;
    let done = bring(&connection).await;
    if done.is_err() {
        // What it may have left open goes with it.
        drop(Connection::take(connection));
    }
    done
}

async fn bring(client: &Session) -> Result<(), Unfit> {
    let found = look(client).await?;
    if usize::try_from(found.version).is_ok_and(|version| version >= MIGRATIONS.len()) {
        return is_usable(&found);
    }
    client.batch_execute("BEGIN; SET LOCAL statement_timeout = '10min'").await?;
    client.batch_execute(LOCK).await?;
    // Somebody else may have made them while this one waited for the lock.
    let found = look(client).await?;
    is_usable(&found)?;
    create(client, &found).await?;
    client.batch_execute("COMMIT").await?;
    Ok(())
}

/// What is there.
struct Found {
    has_schema: bool,
    version: i32,
    oldest: i32,
}

async fn look(client: &Session) -> Result<Found, Unfit> {
    let about = client.query_typed_one(ABOUT, &[]).await?;
    let (server, encoding): (i32, String) = (about.try_get(0)?, about.try_get(1)?);
    if server / 10_000 < SERVER {
        return Err(Unfit::Never(format!("it is PostgreSQL {}, and usher needs {SERVER} or newer", server / 10_000)));
    }
    if encoding != "UTF8" {
        let help = "create it with ENCODING 'UTF8' TEMPLATE template0";
        return Err(Unfit::Never(format!("its encoding is {encoding}, and events are UTF-8; {help}")));
    }
    let (read_only, has_tables): (bool, bool) = (about.try_get(2)?, about.try_get(3)?);
    if read_only {
        return Err(Unfit::ReadOnly);
    }
    let versions = if has_tables { client.query_typed(FOUND, &[]).await? } else { Vec::new() };
    let newest = versions.first().map(|row| Ok::<_, tokio_postgres::Error>((row.try_get(0)?, row.try_get(1)?)));
    let (version, oldest) = newest.transpose()?.unwrap_or((0, 0));
    Ok(Found { has_schema: about.try_get(4)?, version, oldest })
}

fn is_usable(found: &Found) -> Result<(), Unfit> {
    let Found { version, oldest, .. } = found;
    let known = MIGRATIONS.len();
    if usize::try_from(*oldest).is_ok_and(|oldest| oldest > known) {
        return Err(Unfit::Never(format!(
            "its tables are of version {version}, which needs an usher that knows version {oldest}, and this one knows \
             versions up to {known}. Run the usher that made them, or a later one; tables are never converted back"
        )));
    }
    Ok(())
}

async fn create(client: &Session, found: &Found) -> Result<(), Unfit> {
    if !found.has_schema {
        client.batch_execute("CREATE SCHEMA IF NOT EXISTS usher").await?;
    }
    let versions = "CREATE TABLE IF NOT EXISTS usher.versions \
        (version int4 PRIMARY KEY, oldest int4 NOT NULL, made_at timestamptz NOT NULL DEFAULT now())";
    client.batch_execute(versions).await?;
    for (version, migration) in (1_i32..).zip(MIGRATIONS).filter(|(version, _)| *version > found.version) {
        client.batch_execute(migration.sql).await?;
        let made: [(&(dyn ToSql + Sync), Type); 2] = [(&version, Type::INT4), (&migration.oldest, Type::INT4)];
        client.execute_typed("INSERT INTO usher.versions (version, oldest) VALUES ($1, $2)", &made).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_an_older_usher_can_work_on_are_used_and_others_are_refused_with_what_to_run() {
        let found = |version, oldest| is_usable(&Found { has_schema: true, version, oldest });
        assert!(found(0, 0).is_ok() && found(1, 1).is_ok() && found(9, 1).is_ok());
        let Err(Unfit::Never(why)) = found(9, 8) else { panic!("it would misread them") };
        assert!(why.contains("version 9, which needs an usher that knows version 8"), "{why}");
    }

    #[test]
    fn no_migration_shuts_out_the_release_before_it() {
        for (version, migration) in (1..).zip(MIGRATIONS) {
            assert!(migration.oldest <= version && (version == 1 || migration.oldest < version), "{version}");
        }
    }
}
