//! A network that stops moving bytes and says nothing, also while a commit is under way.

use std::thread;
use std::time::{Duration, Instant};

use super::{RESUMED_WITHIN, fleet, is_refused, lost_and_found};
use crate::fleet::Fleet;
use crate::postgres::Cluster;
use crate::support::*;
use crate::wire::{Holds, Wire};

/// The words by which a group of events, and what came of a call, get into the database.
const RECORDING: &str = "INSERT INTO usher.events";
const SETTLING: &str = "INSERT INTO usher.attempts";
/// What a replica says of itself that granted once.
const GRANTED: &str = r#"usher_changes_total{action="grant",outcome="granted"} 1"#;

fn wired(fleet: Fleet) -> (Fleet, Wire) {
    let wire = Wire::to(&fleet.database.cluster.host());
    let address = fleet.database.url_by(&wire.host);
    (fleet.with("USHER_LEDGER", &address), wire)
}

/// What it is called, and how the network comes back.
type Way = (&'static str, fn(&Wire));

#[test]
fn a_network_that_is_cut_is_503_and_everything_resumes_however_it_comes_back() {
    let ways: [Way; 3] = [
        ("a cut that heals", Wire::heal),
        ("a cut that breaks all connections", Wire::close),
        ("a cut that swallows all connections", Wire::forget),
    ];
    thread::scope(|scope| {
        for (what, back) in ways {
            scope.spawn(move || {
                let (fleet, wire) = wired(fleet(&Cluster::shared()));
                lost_and_found(what, &fleet, || wire.cut(), || back(&wire));
            });
        }
    });
}

/// How a commit gets no answer.
struct Doubt {
    what: &'static str,
    words: &'static str,
    holds: Holds,
    /// The connection breaks; else nothing comes for as long as anybody waits.
    breaks: bool,
}

/// What is doubtful is done once, and everybody is told the same.
fn one_doubtful_commit(doubt: &Doubt) {
    let (fleet, wire) = wired(Fleet::new(&Cluster::shared(), &[]));
    let replica = fleet.setup.start();
    wire.set(doubt.words, doubt.holds);
    let asked = Instant::now();
    let event = purchase("doubtful", "user_ada", "team");
    let http = replica.http.clone();
    let answer = thread::scope(|scope| {
        let posted = scope.spawn(|| http.post(&event));
        wire.wait_for_the_trap();
        if doubt.breaks {
            wire.close_the_caught();
        }
        posted.join().unwrap()
    });
    let answered = asked.elapsed();
    assert_eq!((answer.status, answer.header("idempotent-replayed")), (202, None), "{}", answer.body);
    let location = answer.header("location").unwrap();
    let ended = replica.settled_as(TOKEN, location);
    // The database knew it first.
    let known = || replica.admin.get("/metrics").body.as_str().is_some_and(|text| text.contains(GRANTED));
    eventually("the outcome where it was brought about", || known().then_some(()));
    println!("{}: answered after {answered:?}, done after {:?}", doubt.what, asked.elapsed());
    let again = replica.http.post(&event);
    assert_eq!((again.status, again.header("idempotent-replayed")), (202, Some("true")));
    assert_eq!((again.header("location"), &ended["status"]), (Some(location), &"done".into()));
    assert_eq!(ended["changes"][0]["attempts"].as_array().unwrap().len(), 1, "{ended}");
    assert_eq!(fleet.calls().len(), 1, "what was settled is not called again");
    let counted = "SELECT (SELECT count(*) FROM usher.events), (SELECT count(*) FROM usher.attempts)";
    assert_eq!(fleet.database.console().run(counted), [["1", "1"].map(|one| Some(one.to_owned()))]);
    assert!(asked.elapsed() < RESUMED_WITHIN + Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[test]
fn a_commit_whose_answer_was_lost_is_looked_up_and_done_once() {
    let doubts = [RECORDING, SETTLING].into_iter().flat_map(|words| {
        [(Holds::Question, true), (Holds::Answer, true), (Holds::Question, false), (Holds::Answer, false)].map(
            |(holds, breaks)| Doubt {
                what: match (words == RECORDING, holds == Holds::Answer, breaks) {
                    (true, true, true) => "events that were committed, and the connection broke",
                    (true, true, false) => "events that were committed, and no answer came",
                    (true, false, true) => "events that did not arrive, and the connection broke",
                    (true, false, false) => "events that did not arrive, and no answer came",
                    (false, true, true) => "a settlement that was committed, and the connection broke",
                    (false, true, false) => "a settlement that was committed, and no answer came",
                    (false, false, true) => "a settlement that did not arrive, and the connection broke",
                    (false, false, false) => "a settlement that did not arrive, and no answer came",
                },
                words,
                holds,
                breaks,
            },
        )
    });
    thread::scope(|scope| doubts.for_each(|doubt| drop(scope.spawn(move || one_doubtful_commit(&doubt)))));
}

/// Whoever was told 503 about what was committed after all is told the truth when it asks again.
#[test]
fn an_event_that_was_refused_in_doubt_is_there_once_when_it_is_sent_again() {
    let (fleet, wire) = wired(Fleet::new(&Cluster::shared(), &[]));
    let replica = fleet.setup.start();
    wire.set(RECORDING, Holds::Answer);
    let event = purchase("doubtful", "user_ada", "team");
    let http = replica.http.clone();
    let refused = thread::scope(|scope| {
        let posted = scope.spawn(|| http.post(&event));
        wire.wait_for_the_trap();
        wire.cut();
        posted.join().unwrap()
    });
    is_refused(&refused);
    wire.close();
    let back = Instant::now();
    let again = eventually("an answer", || Some(replica.http.post(&event)).filter(|answer| answer.status == 202));
    println!("an event refused in doubt: told the truth {:?} after the network was back", back.elapsed());
    assert_eq!(replica.settled_as(TOKEN, again.header("location").unwrap())["status"], "done");
    assert_eq!(fleet.database.console().run("SELECT count(*) FROM usher.events"), [[Some("1".to_owned())]]);
    assert_eq!((again.header("idempotent-replayed"), fleet.calls().len()), (Some("true"), 1));
}
