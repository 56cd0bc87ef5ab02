//! A disk without room: files of the database that can grow no more.
//!
//! The system says of a file at its limit what it says of a full disk when a page fits in part only. That needs no mount and
//! no rights, and takes room from this database alone.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{fleet, told};
use crate::fleet::Fleet;
use crate::postgres::Cluster;
use crate::support::*;

/// No file of the log of writes is larger.
const LEAST: u64 = 16 << 20;
const PAGE: u64 = 8192;

/// No process of the server makes a file larger than this; those that began before as well as those that come.
fn limit(fleet: &Fleet, bytes: Option<u64>) {
    let console = fleet.database.cluster.console("postgres");
    let own = console.run("SELECT pid FROM pg_stat_activity WHERE application_name = 'usher'");
    let own = own.into_iter().map(|row| row[0].clone().unwrap());
    let soft = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
    for process in own.chain([fleet.database.cluster.process().to_string()]) {
        // One that is gone meanwhile has no limit to be set.
        let _ = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={soft}:")]).output().unwrap();
    }
}

/// Makes the table of events so large that a limit at its end is one that nothing else meets.
fn fill(fleet: &Fleet) -> u64 {
    let console = fleet.database.console();
    console.run(
        "INSERT INTO usher.events (seq, received_at, id, content, receipt, sender, kind, source, event_id, data) \
         SELECT -n, 0, sha256(n::text::bytea), '', 0, 'nobody', 'x', 'x', 'x', (SELECT string_agg(md5(n || ' ' || m), '') FROM generate_series(1, 58) m) \
         FROM generate_series(1, 9000) n",
    );
    let size = console.run("SELECT pg_relation_size('usher.events')")[0][0].as_deref().unwrap().parse().unwrap();
    assert!(size > LEAST, "{size}");
    size
}

#[test]
fn a_full_disk_is_503_and_everything_resumes_when_there_is_room() {
    let fleet = fleet(&Cluster::durable());
    let replicas: [Service; 2] = fleet.replicas();
    let before = replicas[0].http.post(&purchase("before", "user_ada", "team"));
    limit(&fleet, Some(fill(&fleet) + PAGE / 2));
    let mut number = 0;
    for replica in &replicas {
        eventually("503", || {
            number += 1;
            told(replica, number).then_some(())
        });
        let large = serde_json::json!({"id": format!("full {number}"), "type": "odd.one", "data": {"x": "y".repeat(3000)}});
        let refused = replica.http.post(&large);
        assert!(refused.header("retry-after").is_some(), "{}", refused.body);
        println!("a full disk: {}; readiness {}", refused.body["detail"], replica.admin.get("/readyz").status);
        refused.problem(503, "ledger-unavailable");
    }
    limit(&fleet, None);
    let back = Instant::now();
    for (n, replica) in replicas.iter().enumerate() {
        let after = || replica.http.post(&purchase(&format!("after {n}"), "user_ada", "team"));
        eventually("an event after it", || (after().status == 202).then_some(()));
        assert_eq!(replica.admin.get("/readyz").status, 200);
    }
    assert_eq!(replicas[1].settled_as(TOKEN, before.header("location").unwrap())["status"], "done");
    println!("a full disk: resumed {:?} after there was room", back.elapsed());
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
}
