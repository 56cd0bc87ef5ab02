//! A database that has no connection left for usher, or one too few.

use std::cell::RefCell;
use std::time::Instant;

use super::{ANSWERED_WITHIN, RESUMED_WITHIN, fleet, is_refused, lost_and_found, ready};
use crate::fleet::Fleet;
use crate::postgres::{Cluster, Console};
use crate::support::*;

/// So many may be connected; each replica wants nine.
fn limit(fleet: &Fleet, connections: i32) {
    let (name, console) = (&fleet.database.name, fleet.database.cluster.console("postgres"));
    console.run(&format!("ALTER DATABASE {name} CONNECTION LIMIT {connections}"));
    if connections >= 0 {
        throw_out(fleet);
    }
}

fn throw_out(fleet: &Fleet) {
    let name = &fleet.database.name;
    let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'usher' AND datname = ";
    fleet.database.cluster.console("postgres").run(&format!("{all}'{name}'"));
}

#[test]
fn a_database_without_a_connection_to_spare_is_503_and_everything_resumes_when_it_has_some() {
    let fleet = fleet(&Cluster::shared());
    lost_and_found("a database without connections", &fleet, || limit(&fleet, 0), || limit(&fleet, -1));
}

#[test]
fn a_database_whose_connections_others_have_is_503_and_everything_resumes_when_they_leave() {
    let fleet = fleet(&Cluster::shared());
    let others = RefCell::new(Vec::new());
    let crowd = || {
        limit(&fleet, 4);
        // It takes some tries to be there before usher is.
        eventually("a crowd", || {
            throw_out(&fleet);
            others.borrow_mut().extend(Console::try_open(&fleet.database.url()));
            (others.borrow().len() == 4).then_some(())
        });
    };
    lost_and_found("a database whose connections others have", &fleet, crowd, || {
        others.borrow_mut().clear();
        limit(&fleet, -1);
    });
}

#[test]
fn with_three_connections_for_two_replicas_every_answer_is_true_and_nothing_is_lost() {
    let fleet = fleet(&Cluster::shared());
    let replicas = ready(&fleet);
    limit(&fleet, 3);
    let (begun, mut refused, mut acknowledged) = (Instant::now(), 0, Vec::new());
    while begun.elapsed() < RESUMED_WITHIN / 2 {
        let (asked, number) = (Instant::now(), refused + acknowledged.len());
        let answer = replicas[number % 2].http.post(&purchase(&format!("{number}"), "user_ada", "team"));
        assert!(asked.elapsed() < ANSWERED_WITHIN, "{:?}", asked.elapsed());
        if answer.status == 202 {
            acknowledged.push(answer.header("location").unwrap().to_owned());
        } else {
            is_refused(&answer);
            refused += 1;
        }
    }
    limit(&fleet, -1);
    let (back, all) = (Instant::now(), acknowledged.len());
    for location in &acknowledged {
        assert_eq!(replicas[0].settled_as(TOKEN, location)["status"], "done");
    }
    println!("three connections: {all} acknowledged, {refused} refused; all done {:?} later", back.elapsed());
    assert!(back.elapsed() < RESUMED_WITHIN, "{:?}", back.elapsed());
}
