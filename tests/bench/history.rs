//! What a long history costs: changes recorded, claimed and settled one backlog after the other, and how large the tables are
//! and how long a claim takes on the way. `cargo bench --bench throughput -- history 10000000`

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;
use futures_util::future::join_all;
use jiff::Timestamp;
use usher::domain::{Attempt, Brakes, Outcome, Turns};
use usher::ledger::{Claim, ClaimRequest, Ledger, Next, Options, Settlement};

use crate::server::{Cluster, Console};
use crate::{postgres, process};

/// As many wait at a time.
const BACKLOG: u64 = 20_000;
const LIMIT: usize = 256;
const REPORTS: u64 = 10;

pub fn measure(changes: u64) {
    let cluster = Cluster::durable();
    let database = cluster.database();
    let (console, ledger) = (
        database.console(),
        Ledger::open_at(&process::ledger(&database).parse().unwrap(), Options::default()).unwrap(),
    );
    println!("   changes   1/s  claim of {LIMIT} (median)  tables MB  indexes MB  bytes/change  dead rows");
    let (mut done, start) = (0, Instant::now());
    for report in 1..=REPORTS {
        let mut claims = Vec::new();
        while done < changes * report / REPORTS {
            console.run(&postgres::statement(BACKLOG));
            rt::System::new().block_on(async { while round(&ledger, &mut claims).await > 0 {} });
            done += BACKLOG;
        }
        claims.sort();
        let rate = done as f64 / start.elapsed().as_secs_f64();
        print_sizes(&console, done, rate, claims[claims.len() / 2]);
    }
}

/// Claims some and grants them; says how many they were.
async fn round(ledger: &Ledger, times: &mut Vec<Duration>) -> usize {
    let (turns, brakes) = (Turns::default(), Arc::<Brakes>::default());
    let (now, lease) = (ledger.now(), Duration::from_secs(60));
    let start = Instant::now();
    let claims = ledger.claim(ClaimRequest { now, limit: LIMIT, lease, turns, brakes }).await.unwrap().claims;
    if claims.len() == LIMIT {
        times.push(start.elapsed());
    }
    join_all(claims.iter().map(|claim| async { ledger.settle(granted(claim)).await.unwrap() })).await;
    claims.len()
}

fn granted(claim: &Claim) -> Settlement {
    let attempt = Attempt {
        at: Timestamp::now(),
        status: Some(200),
        code: None,
        duration_ms: 20,
        trace_id: Some("0".repeat(32)),
    };
    let next = Next::Done {
        outcome: Outcome::Granted,
        membership_id: Some("orgmem_0123456789abcdef".to_owned()),
        reason: None,
    };
    Settlement { ticket: claim.ticket, lease: claim.lease, attempt: Some(attempt), counted: true, lowers: false, next }
}

fn print_sizes(console: &Console, done: u64, rate: f64, claim: Duration) {
    let sum = |of: &str| {
        let sql = format!(
            "SELECT sum({of}(c.oid))::int8 FROM pg_class c WHERE relnamespace = 'usher'::regnamespace AND relkind = 'r'"
        );
        postgres::number(console, &sql)
    };
    let (tables, indexes) = (sum("pg_table_size"), sum("pg_indexes_size"));
    let dead =
        postgres::number(console, "SELECT sum(n_dead_tup)::int8 FROM pg_stat_user_tables WHERE schemaname = 'usher'");
    let (ms, each) = (claim.as_secs_f64() * 1e3, (tables + indexes) / done);
    println!("{done:>10} {rate:>5.0} {ms:>20.1} ms {:>10} {:>11} {each:>13} {dead:>10}", tables >> 20, indexes >> 20);
}
