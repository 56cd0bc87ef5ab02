//! What can go wrong on the way to the database and in it.
//! Knows nothing of what was asked.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::ledger::error::LedgerError;

/// Why something was not done, as far as is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The database said no, or the connection broke.
    #[error(transparent)]
    Database(#[from] tokio_postgres::Error),
    /// No connection could be had.
    #[error("no connection to the database: {0}")]
    Connection(#[from] deadpool_postgres::PoolError),
    /// It took too long.
    #[error("the database did not answer within {} s", .0.as_secs())]
    Slow(Duration),
    /// What was read is not what usher writes, or the working set failed.
    #[error("the working set fails: {0}")]
    Set(#[from] rusqlite::Error),
    /// The ledger is being closed.
    #[error("the ledger is closed")]
    Closed,
}

impl From<Failure> for LedgerError {
    fn from(failure: Failure) -> Self {
        match &failure {
            Failure::Closed => Self::Closed,
            Failure::Database(error) if error.code() == Some(&SqlState::DISK_FULL) => Self::Full,
            _ => Self::Unavailable(failure.to_string()),
        }
    }
}
