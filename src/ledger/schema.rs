//! The versions of the ledger's tables, and whether a file is one of them.
//! Knows nothing of folders and locks.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::OpenError;

/// `ushr`: what makes a SQLite file a ledger.
const APPLICATION_ID: i64 = 0x7573_6872;

/// Each takes a ledger from the version of its place (from 0) to the next; never edited once released.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// Refuses a file that is not a ledger of a version we know; changes nothing.
pub(super) fn identify(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let read = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(OpenError::sqlite(file));
    let (application, found) = (read("PRAGMA application_id")?, read("PRAGMA user_version")?);
    let empty = read("SELECT count(*) FROM sqlite_schema")? == 0;
    let known = latest();
    match application {
        APPLICATION_ID if found > known => Err(OpenError::Newer { file: file.to_owned(), found, known }),
        APPLICATION_ID => Ok(()),
        0 if empty && found == 0 => Ok(()),
        _ => Err(OpenError::NotALedger { file: file.to_owned() }),
    }
}

/// Brings the tables to the latest version, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let version = version(connection)?;
    if version == latest() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    steps(&transaction, version)?;
    transaction.commit()
}

fn steps(transaction: &Transaction<'_>, version: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(version).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", latest())
}

/// Says what differs from the tables that the migrations make; cheap, whatever the size of the file.
pub(super) fn difference(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let mut fresh = Connection::open_in_memory()?;
    migrate(&mut fresh)?;
    let (wanted, found) = (objects(&fresh)?, objects(connection)?);
    let differs = wanted.iter().find(|object| !found.contains(object)).or(found.iter().find(|o| !wanted.contains(o)));
    Ok(differs.map(|(name, _)| format!("`{name}` is not as usher made it")))
}

fn objects(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    // What an operator's ANALYZE leaves behind is named sqlite_… and does no harm.
    let sql = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    connection.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn latest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}
