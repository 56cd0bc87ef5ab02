//! The ledger's folder: made private, locked for one process, and looked at before SQLite may touch it.
//! Knows nothing of what the file holds.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::OpenError;

/// A folder that is ours as long as the lock is held.
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) lock: File,
}

/// Creates what is missing, locks the folder, and checks that the ledger's file can be written.
pub(super) fn take(folder: &Path) -> Result<Place, OpenError> {
    create(folder).map_err(OpenError::io("create the folder", folder))?;
    // SQLite takes a name that begins with `file:` for a URI; an absolute one never does.
    let folder = &folder.canonicalize().map_err(OpenError::io("find the folder", folder))?;
    let lock = open(&folder.join("usher.lock")).map_err(OpenError::io("write to the folder", folder))?;
    lock.try_lock().map_err(|refused| match refused {
        TryLockError::WouldBlock => OpenError::InUse { folder: folder.clone() },
        TryLockError::Error(error) => OpenError::io("lock the folder", folder)(error),
    })?;
    let file = folder.join("usher.db");
    check_log(&file)?;
    // SQLite would open a file that it may not write for reading only, and give its log and index our file's mode.
    open(&file).map_err(OpenError::io("write to the file", &file))?;
    sync(folder).map_err(OpenError::io("write to the folder", folder))?;
    Ok(Place { file, lock })
}

/// A log without its file means that the file was lost: SQLite would throw the log away and begin anew.
fn check_log(file: &Path) -> Result<(), OpenError> {
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    if size(file) == 0 && size(&file.with_extension("db-wal")) > 0 {
        let what = "the file is missing or empty, but its log usher.db-wal is there".to_owned();
        return Err(OpenError::Damaged { file: file.to_owned(), what });
    }
    Ok(())
}

fn create(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // The folder's own name must survive a power loss too.
    folder.canonicalize()?.parent().map_or(Ok(()), sync)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn sync(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
