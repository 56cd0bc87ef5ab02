//! Moving a ledger as a file, from one store to another: whole, checked on both sides, or not at all.
//! Reads and writes tables as they are; knows nothing of what is done with them.

mod embedded;
mod format;
mod line;
pub(super) mod tables;
mod tally;

use std::io::{self, BufRead, Write};

use jiff::Timestamp;

pub use format::BadFile;
pub use tally::{Summary, TableSummary};

use super::error::OpenError;
use super::location::Location;
use super::postgres;
use format::{Header, Reader, Writer};

/// Where rows go that are written to a file, or only counted.
pub(super) type Out<'a> = Writer<&'a mut dyn Write>;
/// Where rows come from.
pub(super) type In<'a> = Reader<&'a mut dyn BufRead>;

/// Why a ledger was not moved; what it was to be moved to is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The ledger cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is none.
    #[error("there is no ledger in {place}")]
    NoLedger {
        /// Where.
        place: String,
    },
    /// There is one, with something in it.
    #[error("the ledger in {place} is not empty: a ledger is imported only where there is none yet")]
    NotEmpty {
        /// Where.
        place: String,
    },
    /// Somebody works on it.
    #[error(
        "the ledger in the database is in use: {count} {} it. Stop every usher there first; one that was killed is \
         forgotten within a minute.", if *count == 1 { "replica serves" } else { "replicas serve" }
    )]
    Replicas {
        /// How many do.
        count: i64,
    },
    /// The file is not what was exported.
    #[error("the file is refused, and nothing was imported: {0}")]
    File(#[from] BadFile),
    /// The file cannot be written.
    #[error("the export cannot be written: {0}")]
    Write(#[from] io::Error),
    /// The store fails.
    #[error("the ledger fails: {0}")]
    Store(String),
    /// The last word of the database did not come.
    #[error(
        "the database gave no answer to the commit ({0}): whether the ledger was imported is not known. \
         Import it again: where it is there already, that is refused."
    )]
    Unsure(String),
    /// The ledger does not give back what was written to it.
    #[error("nothing was imported: the ledger reads back otherwise than it was written, in {table}")]
    Different {
        /// The table.
        table: String,
    },
}

/// Writes the whole ledger as lines of JSON; nobody else may use it meanwhile.
pub fn export(location: &Location, to: &mut dyn Write) -> Result<Summary, TransferError> {
    let store = match location {
        Location::Folder(_) => "embedded",
        Location::Postgres(_) => "postgresql",
    };
    let mut out = Writer::new(to, Header::new(store, Timestamp::now()));
    match location {
        Location::Folder(folder) => embedded::export(folder, &mut out)?,
        Location::Postgres(address) => postgres::transfer::export(address, &mut out)?,
    }
    Ok(out.end()?)
}

/// Writes what was exported to a ledger that has nothing in it yet, in one transaction.
pub fn import(location: &Location, from: &mut dyn BufRead) -> Result<Summary, TransferError> {
    // A file of somebody else is refused before any ledger is made.
    let mut rows = Reader::begin(from)?;
    match location {
        Location::Folder(folder) => embedded::import(folder, &mut rows)?,
        Location::Postgres(address) => postgres::transfer::import(address, &mut rows)?,
    }
    Ok(rows.summary())
}

/// Counts rows that are read back.
pub(super) fn counting(nowhere: &mut io::Sink) -> Out<'_> {
    Writer::new(nowhere, Header::new("", Timestamp::UNIX_EPOCH))
}

/// Whether what was read back is what came from the file.
pub(super) fn compare(rows: &In<'_>, read_back: Out<'_>) -> Result<(), TransferError> {
    match rows.summary().difference(&read_back.end()?) {
        Some(table) => Err(TransferError::Different { table: table.to_owned() }),
        None => Ok(()),
    }
}
