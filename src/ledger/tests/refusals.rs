//! Files and folders that are refused, and what the refusal says.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use super::super::*;

fn message(folder: &Path) -> String {
    let error = Ledger::open(folder).unwrap_err().to_string();
    error.replace(&folder.canonicalize().unwrap_or(folder.to_owned()).display().to_string(), "FOLDER")
}

/// A folder with a ledger that was closed.
async fn closed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    Ledger::open(folder.path()).unwrap().close().await;
    folder
}

fn alter(folder: &Path, sql: &str) {
    Connection::open(folder.join("usher.db")).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_ledger_of_a_later_usher() {
    let folder = closed().await;
    alter(folder.path(), "PRAGMA user_version = 99");
    insta::assert_snapshot!(message(folder.path()), @"FOLDER/usher.db is a ledger of version 99, and this usher knows versions up to 1. Run the usher that wrote it, or a later one; a ledger is never converted back.");
}

#[test]
fn a_database_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    alter(folder.path(), "CREATE TABLE theirs (a)");
    let before = fs::read(folder.path().join("usher.db")).unwrap();
    insta::assert_snapshot!(message(folder.path()), @"FOLDER/usher.db is a database of another program. Point usher at an empty folder, or at one of its own.");
    assert!(fs::read(folder.path().join("usher.db")).unwrap() == before, "it was changed");
}

#[tokio::test]
async fn a_ledger_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    insta::assert_snapshot!(message(folder.path()), @"the ledger in FOLDER is in use by another usher. Stop that one first; an embedded ledger serves one process.");
    assert_eq!(ledger.check().await, Ok(()));
}

#[test]
fn a_file_that_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("usher.db"), "not a database, but long enough to have a header of one").unwrap();
    insta::assert_snapshot!(message(folder.path()), @"FOLDER/usher.db is damaged: file is not a database. usher never repairs a ledger, because it could lose events without a word. Keep a copy of the folder, then restore it from a backup.");
}

#[tokio::test]
async fn a_ledger_with_a_table_that_is_not_ours() {
    let folder = closed().await;
    alter(folder.path(), "DROP INDEX change_due");
    insta::assert_snapshot!(message(folder.path()), @"FOLDER/usher.db is damaged: `change_due` is not as usher made it. usher never repairs a ledger, because it could lose events without a word. Keep a copy of the folder, then restore it from a backup.");
}

#[tokio::test]
async fn a_ledger_that_was_cut_short() {
    let folder = closed().await;
    let file = fs::File::options().write(true).open(folder.path().join("usher.db")).unwrap();
    file.set_len(file.metadata().unwrap().len() - 8192).unwrap();
    insta::assert_snapshot!(message(folder.path()), @"FOLDER/usher.db is damaged: database disk image is malformed. usher never repairs a ledger, because it could lose events without a word. Keep a copy of the folder, then restore it from a backup.");
}

#[tokio::test]
async fn a_log_without_its_file() {
    let folder = closed().await;
    fs::write(folder.path().join("usher.db-wal"), "log").unwrap();
    fs::remove_file(folder.path().join("usher.db")).unwrap();
    insta::assert_snapshot!(message(folder.path()), @"FOLDER/usher.db is damaged: the file is missing or empty, but its log usher.db-wal is there. usher never repairs a ledger, because it could lose events without a word. Keep a copy of the folder, then restore it from a backup.");
    assert!(folder.path().join("usher.db-wal").exists());
}

#[test]
fn a_folder_that_cannot_be_made() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let message = Ledger::open(&file.path().join("ledger")).unwrap_err().to_string();
    let message = message.replace(file.path().to_str().unwrap(), "FILE");
    insta::assert_snapshot!(message, @"cannot create the folder FILE/ledger: Not a directory (os error 20). The ledger needs a folder that usher may write to, on a disk with room.");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written() {
    // Nobody can make a file here, not even root; which error says so differs.
    let message = Ledger::open(Path::new("/proc/sys")).unwrap_err().to_string();
    assert!(message.starts_with("cannot write to the folder /proc/sys: "), "{message}");
    assert!(message.ends_with("The ledger needs a folder that usher may write to, on a disk with room."), "{message}");
}

#[tokio::test]
async fn what_usher_creates_is_for_its_own_eyes() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    let ledger = Ledger::open(&folder).unwrap();
    ledger.check().await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for name in ["usher.db", "usher.db-wal", "usher.db-shm", "usher.lock"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_closed_ledger_is_one_file() {
    let folder = closed().await;
    assert!(!folder.path().join("usher.db-wal").exists());
}
