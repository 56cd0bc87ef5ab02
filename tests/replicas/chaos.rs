//! Replicas die at random and the database restarts, under load and faults: nothing acknowledged is lost, nothing is done
//! twice, nothing is out of order, and Clerk is asked no more often than agreed.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::load::{self, Load};
use crate::postgres::Cluster;
use crate::support::*;

const SENDERS: usize = 8;
const USERS_PER_SENDER: usize = 5;
const BETWEEN_KILLS: Duration = Duration::from_secs(5);

/// Calls per 10 s: what usher is told to keep to, which is 90 % of what it may never exceed, and where the sandbox says 429;
/// the rest is for the calls of the test itself.
const RATE: &str = "720";
const BUDGET: u64 = 800;
const SANDBOX: [&str; 10] =
    ["--fail", "0.05", "--drop-before", "0.05", "--drop-after", "0.05", "--seed", "42", "--rate-limit", "1000/10s"];

/// A replica and what came of it, over and over.
fn kill_again_and_again(fleet: &Fleet, load: &Load, replicas: &mut [Service], span: Duration) -> usize {
    let (mut random, begun) = (fastrand::Rng::with_seed(5), Instant::now());
    for kill in 1.. {
        let next = begun + BETWEEN_KILLS * kill;
        if next >= begun + span {
            return kill as usize - 1;
        }
        thread::park_timeout(next.saturating_duration_since(Instant::now()));
        let slot = random.usize(..replicas.len());
        load.replicas.write().unwrap()[slot] = None;
        replicas[slot].process.child.kill().unwrap();
        replicas[slot] = fleet.start_again();
        load.replicas.write().unwrap()[slot] = Some(replicas[slot].http.clone());
    }
    unreachable!("the span ends")
}

/// Once as an administrator does it, once as a crash.
fn restart_the_database(cluster: &Cluster, span: Duration) {
    let begun = Instant::now();
    for (share, end) in [(4, Cluster::stop as fn(&Cluster)), (2, Cluster::crash)] {
        thread::park_timeout((begun + span / share).saturating_duration_since(Instant::now()));
        end(cluster);
        cluster.start();
    }
}

fn chaos(span: Duration) {
    let cluster = Cluster::durable();
    let fleet = Fleet::new(&cluster, &SANDBOX).prepared().with("USHER_RATE", RATE);
    let users = fleet.users(SENDERS * USERS_PER_SENDER);
    let mut replicas: [Service; 3] = fleet.replicas();
    let load = Load::new(&replicas, SENDERS);
    let kills = thread::scope(|scope| {
        for (number, users) in users.chunks(USERS_PER_SENDER).enumerate() {
            let load = &load;
            scope.spawn(move || load.send(number, users));
        }
        scope.spawn(|| restart_the_database(&cluster, span));
        let kills = kill_again_and_again(&fleet, &load, &mut replicas, span);
        load.stop.store(true, Ordering::Relaxed);
        kills
    });
    let (sent, ended) = (load.into_sent(), Instant::now());
    load::nothing_is_lost(&replicas, &sent);
    println!(
        "{} events acknowledged over {kills} kills and two restarts of the database; the last had its end {:?} later; \
         {} calls, at most {} in 10 s",
        sent.len(),
        ended.elapsed(),
        fleet.calls().len(),
        fleet.busiest()
    );
    load::memberships_are_as_last_asked(&fleet, &sent);
    load::no_change_created_twice(&fleet);
    load::order_is_kept(&fleet, &sent);
    assert_eq!(fleet.answered(429), 0);
    assert!(fleet.busiest() <= BUDGET, "{}", fleet.busiest());
}

#[test]
fn forty_seconds_of_kills_and_restarts_lose_nothing_double_nothing_and_keep_the_order() {
    chaos(Duration::from_secs(40));
}

#[test]
#[ignore = "takes five minutes"]
fn five_minutes_of_kills_and_restarts_lose_nothing_double_nothing_and_keep_the_order() {
    chaos(Duration::from_secs(300));
}
