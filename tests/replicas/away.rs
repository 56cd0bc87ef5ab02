//! A database that is away, or there without being of use: nothing is acknowledged that is not kept, and everything goes on
//! by itself when it is back.

use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::postgres::Cluster;
use crate::support::*;

/// Whoever asks is answered within this, whatever the database does.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);
const RESUMED_WITHIN: Duration = Duration::from_secs(10);

/// How a database is lost, and how it comes back.
struct Loss {
    what: &'static str,
    lose: fn(&Fleet),
    restore: fn(&Fleet),
}

fn told(replica: &Service, number: usize) -> bool {
    let asked = Instant::now();
    let answer = replica.http.post(&purchase(&format!("during {number}"), "user_bob", "team"));
    assert!(asked.elapsed() < ANSWERED_WITHIN, "{:?}", asked.elapsed());
    if answer.status == 202 {
        return false;
    }
    assert!(answer.header("retry-after").is_some(), "{}", answer.body);
    answer.problem(503, "ledger-unavailable");
    true
}

fn lost_and_found(loss: &Loss) {
    let fleet = Fleet::new(&Cluster::durable(), &["--latency", "200ms"]).with("USHER_CONCURRENCY", "2");
    let replicas: [Service; 2] = fleet.replicas();
    let acknowledged: Vec<String> = (0..20)
        .map(|n| {
            let answer = replicas[n % 2]
                .http
                .post_as(OTHER_TOKEN, &crate::fleet::removal(&format!("{n}"), &format!("user_a{n}")));
            answer.header("location").unwrap().to_owned()
        })
        .collect();
    (loss.lose)(&fleet);
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
    (loss.restore)(&fleet);
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
        "{}: noticed by all after {noticed:?}, resumed {resumed:?} after its return, all done {:?} after",
        loss.what,
        back.elapsed()
    );
    assert!(resumed < RESUMED_WITHIN, "{resumed:?}");
}

#[test]
fn a_database_that_is_stopped_is_503_and_everything_resumes_when_it_is_back() {
    lost_and_found(&Loss {
        what: "a stopped database",
        lose: |fleet| fleet.database.cluster.stop(),
        restore: |fleet| fleet.database.cluster.start(),
    });
}

#[test]
fn a_database_that_crashed_is_503_and_everything_resumes_when_it_is_back() {
    lost_and_found(&Loss {
        what: "a crashed database",
        lose: |fleet| fleet.database.cluster.crash(),
        restore: |fleet| fleet.database.cluster.start(),
    });
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
    lost_and_found(&Loss {
        what: "a read-only database",
        lose: |fleet| read_only(fleet, "on"),
        restore: |fleet| read_only(fleet, "off"),
    });
}
