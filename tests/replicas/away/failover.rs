//! A primary that dies, and a standby that takes its place.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::{RESUMED_WITHIN, ready};
use crate::fleet::Fleet;
use crate::load::{self, Load};
use crate::postgres::Cluster;
use crate::support::*;

const SENDERS: usize = 4;
const USERS_PER_SENDER: usize = 3;
const BEFORE_AND_AFTER: Duration = Duration::from_secs(4);

/// Kills the one, promotes the other; says how long after that every replica took an event.
fn fail_over(primary: &Cluster, standby: &Cluster, replicas: &[Service]) -> (Duration, Duration) {
    primary.crash();
    let down = Instant::now();
    standby.promote();
    let promoted = Instant::now();
    for (n, replica) in replicas.iter().enumerate() {
        let post = || replica.http.post(&purchase(&format!("after {n}"), "user_ada", "free"));
        eventually("an event at the new primary", || (post().status == 202).then_some(()));
        eventually("ready again", || (replica.admin.get("/readyz").status == 200).then_some(()));
    }
    (promoted - down, promoted.elapsed())
}

#[test]
fn a_standby_that_takes_over_has_all_that_was_acknowledged_and_everything_resumes() {
    let primary = Cluster::durable();
    let fleet = Fleet::new(&primary, &["--latency", "20ms"]);
    let standby = primary.standby();
    let address = fleet.database.url_by(&format!("{},{}", primary.host(), standby.host()));
    let fleet = fleet.with("USHER_LEDGER", &address);
    let users = fleet.users(SENDERS * USERS_PER_SENDER);
    let replicas = ready(&fleet);
    let load = Load::new(&replicas, SENDERS);
    let (took, resumed) = thread::scope(|scope| {
        for (number, users) in users.chunks(USERS_PER_SENDER).enumerate() {
            let load = &load;
            scope.spawn(move || load.send(number, users));
        }
        thread::park_timeout(BEFORE_AND_AFTER);
        let times = fail_over(&primary, &standby, &replicas);
        thread::park_timeout(BEFORE_AND_AFTER);
        load.stop.store(true, Ordering::Relaxed);
        times
    });
    let (sent, ended) = (load.into_sent(), Instant::now());
    load::nothing_is_lost(&replicas, &sent);
    let all = sent.len();
    println!(
        "failover: promoted in {took:?}, resumed {resumed:?} after; {all} acknowledged, all done {:?} after the last",
        ended.elapsed()
    );
    load::memberships_are_as_last_asked(&fleet, &sent);
    load::no_change_created_twice(&fleet);
    load::order_is_kept(&fleet, &sent);
    assert!(resumed < RESUMED_WITHIN, "{resumed:?}");
}
