//! A database that has no connection left for usher, or one too few.

use super::{fleet, lost_and_found};
use crate::fleet::Fleet;
use crate::postgres::{Cluster, Console};
use crate::support::*;

/// Whoever is connected is thrown out, and so many may come.
fn limit(fleet: &Fleet, connections: i32) {
    let (name, console) = (&fleet.database.name, fleet.database.cluster.console("postgres"));
    console.run(&format!("ALTER DATABASE {name} CONNECTION LIMIT {connections}"));
    console.run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
}

#[test]
fn a_database_without_a_connection_to_spare_is_503_and_everything_resumes_when_it_has_some() {
    let fleet = fleet(&Cluster::shared());
    lost_and_found("a database without connections", &fleet, || limit(&fleet, 0), || limit(&fleet, -1));
}

#[test]
fn a_database_whose_connections_others_have_is_503_and_everything_resumes_when_they_leave() {
    let fleet = fleet(&Cluster::shared());
    let mut others = Vec::new();
    let crowd = || {
        limit(&fleet, 4);
        // They come as often as it takes to be there before usher is.
        eventually("a crowd", || {
            others.extend(Console::try_open(&fleet.database.url()));
            (others.len() == 4).then_some(())
        });
    };
    lost_and_found("a database whose connections others have", &fleet, crowd, || limit(&fleet, -1));
}

/// Each replica wants nine.
#[test]
fn with_three_connections_for_two_replicas_every_answer_is_true_and_nothing_is_lost() {
    let fleet = fleet(&Cluster::shared());
    let replicas: [Service; 2] = fleet.replicas();
    limit(&fleet, 3);
    let mut acknowledged = Vec::new();
    let (begun, mut refused) = (std::time::Instant::now(), 0);
    for number in 0.. {
        let asked = std::time::Instant::now();
        let answer = replicas[number % 2].http.post(&purchase(&format!("{number}"), "user_ada", "team"));
        assert!(asked.elapsed() < super::ANSWERED_WITHIN, "{:?}", asked.elapsed());
        match answer.status {
            202 => acknowledged.push(answer.header("location").unwrap().to_owned()),
            _ => refused += usize::from(!answer.problem(503, "ledger-unavailable").is_empty()),
        }
        if begun.elapsed().as_secs() >= 5 {
            break;
        }
    }
    limit(&fleet, -1);
    let back = std::time::Instant::now();
    for location in &acknowledged {
        assert_eq!(replicas[0].settled_as(TOKEN, location)["status"], "done");
    }
    let all = acknowledged.len();
    println!("three connections: {all} acknowledged, {refused} refused; all done {:?} later", back.elapsed());
    assert!(back.elapsed() < super::RESUMED_WITHIN, "{:?}", back.elapsed());
}
