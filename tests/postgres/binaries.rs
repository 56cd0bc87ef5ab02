//! Where the programs of PostgreSQL are: in PATH, else in the folders of the distributions, the newest first.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest that usher works with.
const OLDEST: u32 = 14;

/// Folders, in which `*` stands for whatever the version makes of it.
const USUAL: [&str; 7] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql*/bin",
    "/usr/local/lib/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
];

/// The folder of `initdb`, `pg_ctl` and `postgres`; without one there is no test.
pub fn find() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).find(|folder| version(folder) >= Some(OLDEST));
    // In PATH there may be links to some of them only.
    let home = |folder: PathBuf| fs::canonicalize(folder.join("initdb")).ok()?.parent().map(Path::to_owned);
    in_path.or_else(newest).and_then(home).unwrap_or_else(|| {
        panic!(
            "these tests start a PostgreSQL, and none of version {OLDEST} or newer is in PATH, nor in {}.\n\
             Install the server: `tests/run` does it on Debian (apt-get install postgresql); elsewhere \
             dnf install postgresql-server, apk add postgresql, brew install postgresql.",
            USUAL.join(", ")
        )
    })
}

fn newest() -> Option<PathBuf> {
    let mut found: Vec<_> = USUAL.into_iter().flat_map(matching).filter_map(|it| Some((version(&it)?, it))).collect();
    found.sort();
    found.pop().filter(|(version, _)| *version >= OLDEST).map(|(_, folder)| folder)
}

/// The folders that a pattern with one `*` names.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let (before, after) = pattern.split_once('*').unwrap();
    let (parent, prefix) = before.rsplit_once('/').unwrap();
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let fitting = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    fitting.map(|entry| entry.path().join(after.trim_start_matches('/'))).collect()
}

/// The main version of the server in a folder that has all programs.
fn version(folder: &Path) -> Option<u32> {
    if !["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file()) {
        return None;
    }
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    // postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
    let text = String::from_utf8(output.stdout).ok()?;
    text.split(' ').nth(2)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
