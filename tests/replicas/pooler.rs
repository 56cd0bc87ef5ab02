//! Replicas behind a pooler in transaction mode: no two transactions of a replica need meet the same connection.

use std::time::Instant;

use crate::fleet::Fleet;
use crate::postgres::Cluster;
use crate::postgres::pooler::Pooler;
use crate::support::*;

fn pooled(pooler: &Pooler) -> Fleet {
    let fleet = Fleet::new(&Cluster::shared(), &[]);
    let address = fleet.database.url_by(&pooler.host());
    fleet.with("USHER_LEDGER", &address)
}

/// Posts purchases and removals by turns, and waits for all.
fn settle_all(replicas: &[Service], name: &str, count: usize) {
    let post = |number: usize| {
        let (id, user) = (format!("{name} {number}"), ["user_ada", "user_bob", "user_carol"][number % 3]);
        let event = if (number / 3).is_multiple_of(2) { purchase(&id, user, "team") } else { cancel(&id, user) };
        let replica = &replicas[number % replicas.len()];
        eventually("an accepted event", || {
            Some(replica.http.post(&event)).filter(|answer| answer.status == 202)?.header("location").map(str::to_owned)
        })
    };
    for location in (0..count).map(post).collect::<Vec<_>>() {
        assert_eq!(replicas[0].settled_as(TOKEN, &location)["status"], "done");
    }
}

#[test]
fn a_pooler_in_transaction_mode_may_stand_between() {
    let mut pooler = Pooler::of(&Cluster::shared());
    let fleet = pooled(&pooler);
    let replicas: [Service; 2] = fleet.replicas();
    settle_all(&replicas, "before", 60);
    pooler.restart();
    let back = Instant::now();
    settle_all(&replicas, "after", 30);
    println!("a pooler that was restarted: 30 events settled {:?} later", back.elapsed());
    let left: Vec<_> = ["user_ada", "user_bob", "user_carol"].map(|user| fleet.sandbox.role("org_acme", user)).into();
    assert_eq!(left, [None, None, None], "the last of each was a removal");
}
