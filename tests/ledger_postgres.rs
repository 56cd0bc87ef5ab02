//! What every ledger must do, told of the one in PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

#[path = "ledger/postgres_invariants.rs"]
mod invariants;
#[path = "ledger/postgres_notices.rs"]
mod notices;
#[path = "ledger/postgres_opening.rs"]
mod opening;
#[expect(unreachable_pub, dead_code, reason = "shared by several crates: pub is what they use, each its part")]
mod postgres;
#[path = "ledger/postgres_purge.rs"]
mod purge;
#[path = "ledger/postgres_share.rs"]
mod share;
#[path = "ledger/stories.rs"]
mod stories;

use std::cell::OnceCell;

use usher::ledger::{Ledger, Location, Options};

use postgres::{Cluster, Console, Database};

/// How many histories a model goes through; each has a database of its own and a look into all tables after every step.
const HISTORIES: u32 = 48;

/// Somewhere a ledger lives, open or not.
struct Backend {
    console: Console,
    /// Whether the console knows the invariants.
    prepared: OnceCell<()>,
    database: Database,
}

impl Backend {
    fn new() -> Self {
        let database = Cluster::shared().database();
        Self { console: database.console(), prepared: OnceCell::new(), database }
    }

    /// With prepared statements: whoever tests several replicas goes without.
    fn open(&self) -> Ledger {
        let location: Location = self.database.prepared_url().parse().unwrap();
        Ledger::open_at(&location, Options::default()).unwrap()
    }
}
