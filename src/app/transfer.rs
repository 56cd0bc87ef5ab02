//! Moving a ledger to a file and from one: where the ledger is, and files that only their owner may read.
//! Knows nothing of what is in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use crate::ledger::transfer;
pub use crate::ledger::transfer::{Summary, TableSummary, TransferError};
pub use crate::ledger::{BadLocation, Location};

const BUFFER: usize = 1 << 20;

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The file to be read.
    #[error("{name} cannot be read: {source}")]
    Unreadable {
        /// Its name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The file to be written.
    #[error("{name} cannot be created: {source}. It must not exist yet: no export takes the place of another file.")]
    Uncreatable {
        /// Its name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The ledger, or what the file holds.
    #[error(transparent)]
    Transfer(#[from] TransferError),
}

/// Exports to a new file, or to stdout; a file that did not become whole is removed.
pub fn export(ledger: &Location, file: Option<&Path>) -> Result<Summary, MoveError> {
    let Some(path) = file else {
        return Ok(transfer::export(ledger, &mut BufWriter::with_capacity(BUFFER, io::stdout().lock()))?);
    };
    let file = create(path).map_err(|source| MoveError::Uncreatable { name: path.display().to_string(), source })?;
    let exported = to_file(ledger, file);
    if exported.is_err() {
        // Nobody could import it, and it may hold personal data.
        let _ = fs::remove_file(path);
    }
    Ok(exported?)
}

/// Imports from a file, or from stdin.
pub fn import(ledger: &Location, file: Option<&Path>) -> Result<Summary, MoveError> {
    let Some(path) = file else {
        return Ok(transfer::import(ledger, &mut BufReader::with_capacity(BUFFER, io::stdin().lock()))?);
    };
    let file = File::open(path).map_err(|source| MoveError::Unreadable { name: path.display().to_string(), source })?;
    Ok(transfer::import(ledger, &mut BufReader::with_capacity(BUFFER, file))?)
}

/// It is on disk when this returns: what it came from may be deleted next.
fn to_file(ledger: &Location, file: File) -> Result<Summary, TransferError> {
    let mut to = BufWriter::with_capacity(BUFFER, file);
    let summary = transfer::export(ledger, &mut to)?;
    to.flush()?;
    to.get_ref().sync_all()?;
    Ok(summary)
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
