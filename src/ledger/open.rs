//! Opening the ledger's file: is it ours, is it whole, and two connections set up for durability.
//! Repairs nothing.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::OpenError;
use super::store::Store;
use super::{place, schema, sqlite};

/// How long a backup tool that reads the file may hold us up.
const PATIENCE: Duration = Duration::from_secs(5);
/// More statements than we have: none is ever compiled twice.
const STATEMENTS: usize = 128;

/// An open ledger, before its threads run.
pub(super) struct Opened {
    pub(super) writer: Store,
    pub(super) reader: Store,
    pub(super) lock: File,
}

pub(super) fn open(folder: &Path) -> Result<Opened, OpenError> {
    let place::Place { file, lock } = place::take(folder)?;
    let writer = writer(&file)?;
    let reader = reader(&file).map_err(OpenError::sqlite(&file))?;
    let writer = Store::load(writer).map_err(OpenError::sqlite(&file))?;
    let reader = writer.reader(reader);
    Ok(Opened { writer, reader, lock })
}

/// The ledger without its threads, and the lock that keeps others away.
pub(super) fn alone(folder: &Path) -> Result<(Connection, File), OpenError> {
    let place::Place { file, lock } = place::take(folder)?;
    Ok((writer(&file)?, lock))
}

fn writer(file: &Path) -> Result<Connection, OpenError> {
    let failed = OpenError::sqlite(file);
    let mut connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(&failed)?;
    // Before anything that writes: a file of somebody else stays as it is.
    schema::identify(&connection, file)?;
    set_up(&connection).map_err(&failed)?;
    schema::migrate(&mut connection).map_err(&failed)?;
    check(&connection, file)?;
    sqlite::end_leases(&connection).map_err(&failed)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Every commit is on disk before it is answered.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -8192)?;
    // Fewer, larger folds of the log into the file: a page that many commits touch is copied once.
    connection.pragma_update(None, "wal_autocheckpoint", 4096)
}

fn check(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    match schema::difference(connection).map_err(OpenError::sqlite(file))? {
        Some(what) => Err(OpenError::Damaged { file: file.to_owned(), what }),
        None => Ok(()),
    }
}

fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // SQLite opens the file at the first look at it: better now than at the first question.
    connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
    Ok(connection)
}

fn connect(file: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection stays in one thread.
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else SQLite compiles a statement anew for each value that might suit another plan: a quarter of all the work.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}
