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

impl Failure {
    /// Whether another try may succeed at once or soon.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Database(error) => error.code().is_none_or(|code| {
                let class = &code.code()[..2];
                matches!(class, "08" | "40" | "53" | "55" | "57") || *code == SqlState::READ_ONLY_SQL_TRANSACTION
            }),
            Self::Connection(_) => true,
            Self::Slow(_) | Self::Set(_) | Self::Closed => false,
        }
    }

    /// Whether what was asked may have been done all the same.
    pub(super) fn is_ambiguous(&self) -> bool {
        match self {
            Self::Database(error) => error.code().is_none_or(|code| matches!(&code.code()[..2], "08" | "57")),
            Self::Slow(_) => true,
            Self::Connection(_) | Self::Set(_) | Self::Closed => false,
        }
    }
}
