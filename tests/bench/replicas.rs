//! What a second replica adds, and what a long backlog costs: grants per second of one and of two replicas on one database,
//! and the time of a claim with a thousand and with a million changes waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;
use usher::domain::{Brakes, Turns};
use usher::ledger::{ClaimRequest, Ledger, Options};

use crate::process::{self, Running};
use crate::server::{Cluster, Console, Database};
use crate::{REPETITIONS, grants, load, postgres, report};

/// Calls at the same time of each replica: few enough that the machine is not what limits two of them.
const CONCURRENCY: &str = "16";
const GRANTS: u64 = 4_000;

/// One and two replicas by turns, on a sandbox that takes 20 ms for an answer.
pub fn compare() {
    let cluster = Cluster::durable();
    let (mut one, mut two) = (Vec::new(), Vec::new());
    granted(&cluster, 2);
    for _ in 0..REPETITIONS {
        one.push(granted(&cluster, 1));
        two.push(granted(&cluster, 2));
    }
    report("grants of two replicas against one, sandbox latency 20ms", "1/s", &one, &two);
}

/// Grants per second from the first POST to the last outcome.
fn granted(cluster: &Cluster, replicas: usize) -> f64 {
    let (database, sandbox) = (cluster.database(), process::sandbox("20ms"));
    let users = grants::create_users(&sandbox, GRANTS as usize);
    let url = process::ledger(&database);
    let settings = [("USHER_RATE", "1000000"), ("USHER_CONCURRENCY", CONCURRENCY), ("USHER_LEDGER", url.as_str())];
    let replicas: Vec<Running> = (0..replicas).map(|_| process::usher(None, &sandbox, &settings)).collect();
    let start = Instant::now();
    let event = grants::event(users);
    let accepted = load::post(&replicas[0].address("listen"), 32, 0, GRANTS, Duration::from_secs(60), event);
    assert_eq!(accepted, GRANTS);
    grants::wait_for_outcomes(&replicas.iter().map(|usher| usher.address("admin_listen")).collect::<Vec<_>>(), GRANTS);
    GRANTS as f64 / start.elapsed().as_secs_f64()
}

const FEW: u64 = 1_000;
const MANY: u64 = 1_000_000;
const LIMIT: usize = 64;
const CLAIMS: usize = 10;

/// Claims of a short and of a long backlog by turns.
pub fn claims() {
    let cluster = Cluster::durable();
    let (few, many) = (Backlog::new(&cluster, FEW), Backlog::new(&cluster, MANY));
    few.rate();
    many.rate();
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for _ in 0..3 * REPETITIONS {
        few.refill();
        short.push(few.rate());
        many.refill();
        long.push(many.rate());
    }
    report("changes claimed with 1,000,000 waiting against 1,000 waiting", "1/s", &short, &long);
}

struct Backlog {
    _database: Database,
    console: Console,
    ledger: Ledger,
    length: u64,
}

impl Backlog {
    fn new(cluster: &Cluster, length: u64) -> Self {
        let database = cluster.database();
        let ledger = Ledger::open_at(&process::ledger(&database).parse().unwrap(), Options::default()).unwrap();
        let backlog = Self { console: database.console(), _database: database, ledger, length };
        backlog.refill();
        backlog.console.run("VACUUM ANALYZE usher.events");
        backlog.console.run("VACUUM ANALYZE usher.changes");
        backlog
    }

    /// As many as were claimed come anew, so that the length stays.
    fn refill(&self) {
        let waiting = postgres::number(&self.console, "SELECT count(*) FROM usher.changes WHERE leased = 0");
        self.console.run(&postgres::statement(self.length - waiting));
    }

    /// Changes claimed per second.
    fn rate(&self) -> f64 {
        rt::System::new().block_on(async {
            let start = Instant::now();
            for _ in 0..CLAIMS {
                let (turns, brakes) = (Turns::default(), Arc::<Brakes>::default());
                let (now, lease) = (self.ledger.now(), Duration::from_secs(3600));
                let request = ClaimRequest { now, limit: LIMIT, lease, turns, brakes };
                assert_eq!(self.ledger.claim(request).await.unwrap().claims.len(), LIMIT);
            }
            (CLAIMS * LIMIT) as f64 / start.elapsed().as_secs_f64()
        })
    }
}
