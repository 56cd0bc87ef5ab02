//! How many calls an effective change costs.

use super::*;

/// Grants and revokes in turn, each one effective, one after another for each user and side by side for many.
fn calls_per_effective_change(faults: &[&str]) -> f64 {
    let sandbox = Sandbox::start(faults);
    let service = Setup::new(&sandbox.http.base).rules(&rules()).start();
    let users = ["user_ada", "user_bob", "user_carol", "user_dan"];
    let mut effective = 0;
    for round in 0..50 {
        let event = |user: &str| match round % 2 {
            0 => member(&format!("{user}-{round}"), "raised", user, "org:member"),
            _ => removal(&format!("{user}-{round}"), user),
        };
        let locations: Vec<_> = users
            .iter()
            .map(|user| service.http.post_as(OTHER_TOKEN, &event(user)).header("location").unwrap().to_owned())
            .collect();
        for location in locations {
            let outcome = service.settled_as(OTHER_TOKEN, &location)["changes"][0]["outcome"].clone();
            assert!(outcome == "granted" || outcome == "revoked", "{outcome}");
            effective += 1;
        }
    }
    let cost = calls(&sandbox).len() as f64 / f64::from(effective);
    println!("{faults:?}: {effective} effective changes, {cost:.2} calls each");
    cost
}

#[test]
fn without_faults_an_effective_change_costs_one_call() {
    assert!((calls_per_effective_change(&[]) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn with_a_fifth_of_the_calls_failing_it_costs_little_more() {
    assert!(calls_per_effective_change(&["--fail", "0.2", "--seed", "11"]) <= 1.3);
}
