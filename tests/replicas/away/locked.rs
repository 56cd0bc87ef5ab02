//! Somebody else who sits in the tables and does not go on.

use std::thread;
use std::time::{Duration, Instant};

use super::{ANSWERED_WITHIN, RESUMED_WITHIN, is_refused, ready};
use crate::fleet::{Fleet, removal};
use crate::postgres::Cluster;
use crate::support::*;

const SITS: Duration = Duration::from_secs(10);
const SENDERS: usize = 8;

/// One sender's events until then, one after another: the longest wait, how many were refused, and what was not.
fn post_until(end: Instant, sender: usize, http: &Http) -> (Duration, usize, Vec<String>) {
    let (mut longest, mut refused, mut acknowledged) = (Duration::ZERO, 0, Vec::new());
    for round in 0.. {
        let asked = Instant::now();
        if asked >= end {
            break;
        }
        let answer = http.post_as(OTHER_TOKEN, &removal(&format!("{sender}-{round}"), &format!("user_l{sender}")));
        longest = longest.max(asked.elapsed());
        match answer.status {
            202 => acknowledged.push(answer.header("location").unwrap().to_owned()),
            _ => {
                is_refused(&answer);
                refused += 1;
                thread::park_timeout(Duration::from_millis(50));
            }
        }
    }
    (longest, refused, acknowledged)
}

/// How many connections of usher the database knows.
fn connections(fleet: &Fleet) -> usize {
    let name = &fleet.database.name;
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'usher'");
    fleet.database.console().run(&sql)[0][0].as_deref().unwrap().parse().unwrap()
}

#[test]
fn while_somebody_holds_the_tables_every_answer_is_true_and_in_time_and_all_resumes_after() {
    let fleet = Fleet::new(&Cluster::shared(), &[]);
    let replicas = ready(&fleet);
    let holder = fleet.database.console();
    holder.run("BEGIN; LOCK TABLE usher.changes IN EXCLUSIVE MODE");
    let end = Instant::now() + SITS;
    let (posted, most) = thread::scope(|scope| {
        let post = |sender: usize| {
            let http = replicas[sender % 2].http.clone();
            scope.spawn(move || post_until(end, sender, &http))
        };
        let senders: Vec<_> = (0..SENDERS).map(post).collect();
        thread::park_timeout(end.saturating_duration_since(Instant::now()));
        let most = connections(&fleet);
        holder.run("ROLLBACK");
        (senders.into_iter().map(|sender| sender.join().unwrap()).collect::<Vec<_>>(), most)
    });
    let longest = posted.iter().map(|(longest, ..)| *longest).max().unwrap();
    let refused: usize = posted.iter().map(|(_, refused, _)| refused).sum();
    let back = Instant::now();
    for location in posted.iter().flat_map(|(.., acknowledged)| acknowledged) {
        assert_eq!(replicas[0].settled_as(OTHER_TOKEN, location)["status"], "done");
    }
    let fresh = replicas[1].settle(&purchase("after", "user_ada", "team"));
    println!(
        "a locked table: the longest answer took {longest:?}, {refused} were refused, {most} connections at the end; \
         all done {:?} after",
        back.elapsed()
    );
    assert_eq!(fresh["status"], "done");
    assert!(longest < ANSWERED_WITHIN && back.elapsed() < RESUMED_WITHIN, "{longest:?}, {:?}", back.elapsed());
    assert!(most <= 2 * 9, "{most} connections of two replicas: whoever gives up must not leave its question behind");
}

#[test]
fn while_somebody_holds_rows_only_their_memberships_wait() {
    let fleet = Fleet::new(&Cluster::shared(), &[]);
    let replicas = ready(&fleet);
    let slow = serde_json::json!([{"times": 4, "latency_ms": 1_500}]);
    fleet.sandbox.http.request("POST", "/sandbox/faults", &[], slow.to_string().as_bytes());
    let post = |replica: &Service, id: &str, user: &str| {
        replica.http.post_as(OTHER_TOKEN, &removal(id, user)).header("location").unwrap().to_owned()
    };
    let stuck: Vec<_> = (0..4).map(|n| post(&replicas[n % 2], &format!("stuck{n}"), &format!("user_s{n}"))).collect();
    // Their calls are under way, and what comes of them cannot be written.
    let holder = fleet.database.console();
    holder.run("BEGIN; SELECT id FROM usher.changes WHERE \"user\" LIKE 'user_s%' FOR UPDATE");
    let (begun, mut slowest) = (Instant::now(), Duration::ZERO);
    for round in 0.. {
        if begun.elapsed() >= SITS / 2 {
            break;
        }
        let asked = Instant::now();
        let location = post(&replicas[round % 2], &format!("free{round}"), &format!("user_f{}", round % 3));
        assert_eq!(replicas[0].settled_as(OTHER_TOKEN, &location)["status"], "done");
        slowest = slowest.max(asked.elapsed());
    }
    let waiting = |location: &String| replicas[1].http.get_as(OTHER_TOKEN, location).body["status"] == "pending";
    assert!(stuck.iter().all(waiting));
    holder.run("ROLLBACK");
    let back = Instant::now();
    for location in &stuck {
        assert_eq!(replicas[0].settled_as(OTHER_TOKEN, location)["status"], "done");
    }
    println!("rows held: others were done after {slowest:?} at most; those held {:?} after", back.elapsed());
    assert!(slowest < SITS / 2 && back.elapsed() < RESUMED_WITHIN, "{slowest:?}, {:?}", back.elapsed());
}

#[test]
fn a_session_that_sees_an_old_moment_is_in_nobodys_way() {
    let fleet = Fleet::new(&Cluster::shared(), &[]);
    let replica = fleet.setup.start();
    replica.settle_as(OTHER_TOKEN, &removal("before", "user_old"));
    let holder = fleet.database.console();
    holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM usher.changes");
    let begun = Instant::now();
    for round in 0..50 {
        assert_eq!(replica.settle_as(OTHER_TOKEN, &removal(&format!("{round}"), "user_old"))["status"], "done");
    }
    println!("beside a session that sees an old moment 50 events in turn took {:?}", begun.elapsed());
    assert_eq!(holder.run("SELECT count(*) FROM usher.changes"), [[Some("1".to_owned())]]);
    assert!(begun.elapsed() < RESUMED_WITHIN, "{:?}", begun.elapsed());
}
