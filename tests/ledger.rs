//! What every ledger must do, told of the one in a folder.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

#[path = "ledger/invariants.rs"]
mod invariants;
#[path = "ledger/stories.rs"]
mod stories;

use usher::ledger::Ledger;

/// How many histories a model goes through.
const HISTORIES: u32 = 64;

/// Somewhere a ledger lives, open or not.
struct Backend(tempfile::TempDir);

impl Backend {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Ledger {
        Ledger::open(self.0.path()).unwrap()
    }
}
