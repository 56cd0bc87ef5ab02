//! A rolling restart under load, seen through a balancer that follows `/readyz`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::balancer::Balancer;
use crate::fleet::{Fleet, ORGANIZATION};
use crate::postgres::Cluster;
use crate::support::*;

const SENDERS: usize = 6;
const ROLES: [&str; 2] = ["org:viewer", "org:member"];

/// What the senders saw.
#[derive(Default)]
struct Seen {
    locations: Vec<String>,
    failed: Vec<String>,
}

/// Sends one event after another until told to stop; every other sender has a connection for each.
/// Gives the role that it asked for last.
fn send(number: usize, user: &str, base: &str, stop: &AtomicBool, seen: &Mutex<Seen>) -> &'static str {
    let mut http = Http::new(base);
    for round in 0.. {
        if number.is_multiple_of(2) {
            http = Http::new(base);
        }
        let role = ROLES[round % 2];
        let answer = http.try_post_as(OTHER_TOKEN, &member(&format!("{number}-{round}"), "set", user, role));
        let mut seen = seen.lock().unwrap();
        match answer {
            Ok(answer) if answer.status == 202 => seen.locations.push(answer.header("location").unwrap().to_owned()),
            Ok(answer) => seen.failed.push(format!("{}: {}", answer.status, answer.body)),
            Err(error) => seen.failed.push(error.to_string()),
        }
        if stop.load(Ordering::Relaxed) {
            return role;
        }
    }
    unreachable!("there is always another round")
}

fn restart_one_after_another(fleet: &Fleet, balancer: &Balancer, replicas: &mut [Service]) {
    for (slot, replica) in replicas.iter_mut().enumerate() {
        replica.process.signal("TERM");
        assert_eq!(replica.process.exit_code(), Some(0));
        *replica = fleet.setup.start();
        balancer.put(slot, replica);
    }
}

#[test]
fn a_rolling_restart_fails_no_request() {
    let fleet = Fleet::new(&Cluster::shared(), &[]).with("USHER_DRAIN_DELAY", "1s");
    let users = fleet.users(SENDERS);
    let mut replicas: [Service; 3] = fleet.replicas();
    let balancer = Balancer::start(&replicas);
    let (stop, seen, begun) = (AtomicBool::new(false), Mutex::new(Seen::default()), Instant::now());
    let last: Vec<_> = thread::scope(|scope| {
        let (balancer, stop, seen) = (&balancer, &stop, &seen);
        let numbered = users.iter().enumerate();
        let senders: Vec<_> = numbered
            .map(|(number, user)| scope.spawn(move || send(number, user, &balancer.base, stop, seen)))
            .collect();
        restart_one_after_another(&fleet, balancer, &mut replicas);
        stop.store(true, Ordering::Relaxed);
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    let (took, seen) = (begun.elapsed(), seen.into_inner().unwrap());
    println!("{} requests in {took:?} over a rolling restart, {} failed", seen.locations.len(), seen.failed.len());
    assert!(seen.failed.is_empty(), "{} failed, such as {:?}", seen.failed.len(), &seen.failed[0]);
    assert!(seen.locations.len() > 100 && took < Duration::from_secs(60), "{took:?}");
    for location in &seen.locations {
        assert_eq!(replicas[0].settled_as(OTHER_TOKEN, location)["status"], "done");
    }
    for (user, role) in users.iter().zip(last) {
        assert_eq!(fleet.sandbox.role(ORGANIZATION, user).as_deref(), Some(role));
    }
}
