//! A disk without room: files of the database that can grow no more.
//!
//! The system says of a file at its limit what it says of a full disk when a page fits in part only. That needs no mount and
//! no rights, and takes room from this database alone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{fleet, is_refused, ready};
use crate::fleet::Fleet;
use crate::postgres::Cluster;
use crate::support::*;

/// No file of the log of writes is larger.
const LEAST: u64 = 16 << 20;
const PAGE: u64 = 8192;

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

/// An event that takes a good part of a page.
fn large(random: &mut fastrand::Rng) -> Value {
    let text: String = std::iter::repeat_with(|| random.alphanumeric()).take(1500).collect();
    json!({"id": format!("large {}", random.u64(..)), "type": "odd.one", "data": {"text": text}})
}

#[test]
fn a_full_disk_is_503_and_everything_resumes_when_there_is_room() {
    let (fleet, mut random) = (fleet(&Cluster::durable()), fastrand::Rng::with_seed(1));
    let replicas = ready(&fleet);
    let before = replicas[0].http.post(&purchase("before", "user_ada", "team"));
    fleet.database.cluster.limit_files(Some(fill(&fleet) + PAGE / 2));
    for replica in &replicas {
        let refused =
            eventually("503", || Some(replica.http.post(&large(&mut random))).filter(|answer| answer.status != 202));
        is_refused(&refused);
        // One answer of the probe may be a second old.
        let unready = eventually("unready", || Some(replica.admin.get("/readyz")).filter(|probe| probe.status == 503));
        println!("a full disk: {}; unready: {}", refused.body["detail"], unready.body);
    }
    assert_eq!(replicas[1].settled_as(TOKEN, before.header("location").unwrap())["status"], "done");
    fleet.database.cluster.limit_files(None);
    let back = Instant::now();
    for replica in &replicas {
        eventually("room", || (replica.http.post(&large(&mut random)).status == 202).then_some(()));
        eventually("readiness", || (replica.admin.get("/readyz").status == 200).then_some(()));
        assert_eq!(replica.settle(&purchase("after", "user_bob", "team"))["status"], "done");
    }
    println!("a full disk: resumed {:?} after there was room", back.elapsed());
    assert!(back.elapsed() < Duration::from_secs(8), "{:?}", back.elapsed());
}
