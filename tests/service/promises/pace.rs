//! A budget is used and never exceeded.

use super::*;

/// Posts ten times what the budget lets through and watches for `watched`.
fn offered_ten_times_the_budget(watched: Duration) {
    let sandbox = Sandbox::start(&["--rate-limit", "100/10s"]);
    let service = Setup::new(&sandbox.http.base).rules(&rules()).without("USHER_RATE").start();
    let offered = 100 * watched.as_secs() as usize;
    for block in 0..offered / 500 {
        let users = (0..500).map(|n| format!("user_b{block}n{n}"));
        let answer = service.http.post_as(OTHER_TOKEN, &bulk(&format!("bulk{block}"), "member.purged", users));
        assert_eq!(answer.status, 202, "{}", answer.body);
    }
    let seen = eventually_within(watched * 2, "the watched time", || {
        let calls = calls(&sandbox);
        let span = calls.last()?.0 - calls.first()?.0;
        (span >= watched.as_millis() as i64).then_some(calls)
    });
    let refused = seen.iter().filter(|(_, status)| *status == Some(429)).count();
    let span = (seen.last().unwrap().0 - seen[0].0) as f64 / 1000.0;
    let used = seen.len() as f64 / (span * 10.0);
    println!("{} calls in {span:.1} s: {:.0} % of the budget, {refused} answers 429", seen.len(), used * 100.0);
    assert_eq!(refused, 0);
    assert!((0.85..=1.1).contains(&used), "{used}");
    assert!(busiest(&seen, Duration::from_secs(10)) <= 100);
}

#[test]
fn ten_times_the_budget_is_offered_and_none_is_refused() {
    offered_ten_times_the_budget(Duration::from_secs(25));
}

#[test]
#[ignore = "takes two minutes"]
fn ten_times_the_budget_is_offered_for_two_minutes_and_none_is_refused() {
    offered_ten_times_the_budget(Duration::from_secs(120));
}
