//! A database that is away, or there without being of use: nothing is acknowledged that is not kept, and everything goes on
//! by itself when it is back.

mod crowded;
mod cut;
mod failover;
mod full;
mod locked;

use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::postgres::Cluster;
use crate::support::*;

/// Whoever asks is answered within this, whatever the database does.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);
const RESUMED_WITHIN: Duration = Duration::from_secs(10);

/// Come later: the ledger cannot be written, or has no room, or too much waits for it.
fn is_refused(answer: &Answer) {
    assert!(answer.header("retry-after").is_some(), "{}", answer.body);
    let kinds = ["ledger-unavailable", "ledger-full", "overloaded"];
    let kind = kinds.into_iter().find(|kind| answer.body["type"].as_str().is_some_and(|whole| whole.ends_with(kind)));
    answer.problem(503, kind.unwrap());
}

/// Posts one; says whether it was refused, as whoever cannot write refuses.
fn told(replica: &Service, number: usize) -> bool {
    let asked = Instant::now();
    let answer = replica.http.post(&purchase(&format!("during {number}"), "user_bob", "team"));
    assert!(asked.elapsed() < ANSWERED_WITHIN, "{:?}", asked.elapsed());
    if answer.status == 202 {
        return false;
    }
    is_refused(&answer);
    true
}

fn fleet(cluster: &Cluster) -> Fleet {
    Fleet::new(cluster, &["--latency", "200ms"]).with("USHER_CONCURRENCY", "2")
}

/// Two replicas that have made their tables.
fn ready(fleet: &Fleet) -> [Service; 2] {
    let replicas = fleet.replicas();
    for replica in &replicas {
        eventually("ready", || (replica.admin.get("/readyz").status == 200).then_some(()));
    }
    replicas
}

/// Loses the database while there is work, and finds it again.
fn lost_and_found(what: &str, fleet: &Fleet, lose: impl FnOnce(), restore: impl FnOnce()) {
    let replicas = ready(fleet);
    let acknowledged: Vec<String> = (0..20)
        .map(|n| {
            let answer = replicas[n % 2]
                .http
                .post_as(OTHER_TOKEN, &crate::fleet::removal(&format!("{n}"), &format!("user_a{n}")));
            answer.header("location").unwrap().to_owned()
        })
        .collect();
    lose();
    let lost = Instant::now();
    for replica in &replicas {
        let mut number = 0;
        eventually("503", || {
            number += 1;
            told(replica, number).then_some(())
        });
        eventually("unready", || (replica.admin.get("/readyz").status == 503).then_some(()));
        assert_eq!(replica.admin.get("/livez").status, 200, "a restart is no cure");
    }
    let noticed = lost.elapsed();
    restore();
    let back = Instant::now();
    for (n, replica) in replicas.iter().enumerate() {
        eventually("ready again", || (replica.admin.get("/readyz").status == 200).then_some(()));
        let after = || replica.http.post(&purchase(&format!("after {n}"), "user_ada", "team"));
        eventually("an event after it", || (after().status == 202).then_some(()));
    }
    let resumed = back.elapsed();
    for location in &acknowledged {
        assert_eq!(replicas[0].settled_as(OTHER_TOKEN, location)["status"], "done");
    }
    println!(
        "{what}: noticed by all after {noticed:?}, resumed {resumed:?} after its return, all done {:?} after",
        back.elapsed()
    );
    assert!(resumed < RESUMED_WITHIN, "{resumed:?}");
}

#[test]
fn a_database_that_is_stopped_is_503_and_everything_resumes_when_it_is_back() {
    let fleet = fleet(&Cluster::durable());
    lost_and_found("a stopped database", &fleet, || fleet.database.cluster.stop(), || fleet.database.cluster.start());
}

#[test]
fn a_database_that_crashed_is_503_and_everything_resumes_when_it_is_back() {
    let fleet = fleet(&Cluster::durable());
    lost_and_found("a crashed database", &fleet, || fleet.database.cluster.crash(), || fleet.database.cluster.start());
}

fn read_only(fleet: &Fleet, setting: &str) {
    let (name, console) = (&fleet.database.name, fleet.database.cluster.console("postgres"));
    console.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = {setting}"));
    // Whoever is connected keeps the setting of before.
    console.run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
}

/// As a standby is, or a primary that was demoted.
#[test]
fn a_database_that_takes_no_writes_is_503_and_everything_resumes_when_it_does() {
    let fleet = fleet(&Cluster::durable());
    lost_and_found("a read-only database", &fleet, || read_only(&fleet, "on"), || read_only(&fleet, "off"));
}
