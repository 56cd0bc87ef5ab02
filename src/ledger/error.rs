//! What can go wrong with the ledger, each with what to do about it.
//! Knows nothing of how an error is answered to a sender.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::ErrorCode;

/// Why the ledger did not do what was asked; nothing of it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The disk is full or failing.
    #[error("the ledger cannot take more now: its disk is full or failing")]
    Full,
    /// Too much waits to be written.
    #[error("the ledger cannot take more now: too much waits to be written")]
    Busy,
    /// Anything else; the next call may succeed.
    #[error("the ledger cannot answer: {0}")]
    Unavailable(String),
    /// It was closed.
    #[error("the ledger is closed")]
    Closed,
}

impl From<&rusqlite::Error> for LedgerError {
    fn from(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // What a limit on the size of files, or a quota, makes of a write is an I/O error as well.
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => Self::Full,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Why a ledger was not opened; it is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A later usher wrote it.
    #[error(
        "{} is a ledger of version {found}, and this usher knows versions up to {known}. \
         Run the usher that wrote it, or a later one; a ledger is never converted back.", file.display()
    )]
    Newer {
        /// The ledger's file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The highest version known.
        known: i64,
    },
    /// Its content is not what usher wrote.
    #[error(
        "{} is damaged: {what}. usher never repairs a ledger, because it could lose events without a word. \
         Keep a copy of the folder, then restore it from a backup.", file.display()
    )]
    Damaged {
        /// The ledger's file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A database of somebody else.
    #[error(
        "{} is a database of another program. Point usher at an empty folder, or at one of its own.",
        file.display()
    )]
    NotALedger {
        /// The file.
        file: PathBuf,
    },
    /// Another process has it open.
    #[error(
        "the ledger in {} is in use by another usher. Stop that one first; an embedded ledger serves one process.",
        folder.display()
    )]
    InUse {
        /// The ledger's folder.
        folder: PathBuf,
    },
    /// The database does not answer, or not yet.
    #[error("the database of the ledger cannot be reached: {why}. It was tried for {} s.", tried.as_secs())]
    Unreachable {
        /// What came of the last try.
        why: String,
        /// For how long.
        tried: Duration,
    },
    /// The database cannot be used.
    #[error("the ledger in PostgreSQL cannot be opened: {0}")]
    Postgres(String),
    /// The file system says no.
    #[error(
        "cannot {doing} {}: {source}. The ledger needs a folder that usher may write to, on a disk with room.",
        path.display()
    )]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
}

impl OpenError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    pub(super) fn thread(folder: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::io("start a thread for the ledger in", folder)
    }

    pub(super) fn sqlite(file: &Path) -> impl Fn(rusqlite::Error) -> Self {
        move |error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { file: file.to_owned(), what: error.to_string() }
            }
            _ => Self::Io { doing: "open the ledger", path: file.to_owned(), source: io::Error::other(error) },
        }
    }
}
