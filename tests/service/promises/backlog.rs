//! What waits while Clerk is down: gone through when it is back, at the pace, and only as far as it still matters.

use super::*;

/// A sandbox that begins to listen at a port known before.
fn sandbox_at(port: u16) -> Sandbox {
    Sandbox::start(&["--listen", &format!("127.0.0.1:{port}")])
}

/// Accepts `events` while nobody listens, comes back after `outage`, and expects all of it to be done at the pace.
fn after_an_outage(events: usize, outage: Duration) {
    let port = free_port();
    let setup = Setup::new(&format!("http://127.0.0.1:{port}")).rules(&rules()).with("USHER_RATE", "900");
    let service = setup.without("USHER_RETRY_CEILING").without("USHER_RETRY_FIRST").start();
    let began = std::time::Instant::now();
    for number in 0..events {
        let answer = service.http.post_as(OTHER_TOKEN, &removal(&number.to_string(), &format!("user_{number}")));
        assert_eq!(answer.status, 202, "{}", answer.body);
    }
    eventually_within(outage * 2, "the end of the outage", || (began.elapsed() >= outage).then_some(()));
    let sandbox = sandbox_at(port);
    let back = sandbox.now_ms();
    let first = eventually("the first call", || Some(calls(&sandbox).first()?.0)) - back;
    let settled = "usher_changes_total{action=\"revoke\",outcome=\"unchanged\"}";
    let patience = Duration::from_secs(30 + events as u64 / 45);
    eventually_within(patience, "everything settled", || (metric(&service, settled) as usize == events).then_some(()));
    let seen = calls(&sandbox);
    let (second, ten) = (busiest(&seen, Duration::from_secs(1)), busiest(&seen, Duration::from_secs(10)));
    println!(
        "{events} events after {outage:?}: first call after {first} ms, at most {second} in 1 s and {ten} in 10 s, {} calls",
        seen.len()
    );
    assert!(first <= 1000, "{first} ms");
    assert!(second <= 190 && ten <= 1000, "{second} in one second, {ten} in ten");
    assert_eq!(seen.len(), events, "one call each");
}

#[test]
fn after_an_outage_all_is_settled_at_the_pace() {
    after_an_outage(600, Duration::from_secs(5));
}

#[test]
#[ignore = "takes three minutes"]
fn after_an_outage_of_a_minute_ten_thousand_events_are_settled_at_the_pace() {
    after_an_outage(10_000, Duration::from_secs(60));
}

/// Each round asks every user for something else; what is asked last is what counts.
fn asked(round: usize, user: &str) -> Value {
    let id = format!("{user}-{round}");
    match round % 3 {
        0 => member(&id, "raised", user, "org:viewer"),
        1 => removal(&id, user),
        _ => member(&id, "set", user, "org:member"),
    }
}

#[test]
fn of_ten_changes_that_wait_for_one_membership_one_is_called() {
    let port = free_port();
    let setup = Setup::new(&format!("http://127.0.0.1:{port}")).rules(&rules());
    let service = setup.start();
    let users = ["user_ada", "user_bob", "user_carol", "user_dan"];
    let mut locations = Vec::new();
    for round in 0..10 {
        for user in users {
            let answer = service.http.post_as(OTHER_TOKEN, &asked(round + user.len(), user));
            assert_eq!(answer.status, 202, "{}", answer.body);
            locations.push(answer.header("location").unwrap().to_owned());
        }
    }
    let sandbox = sandbox_at(port);
    let events: Vec<_> = locations.iter().map(|location| service.settled_as(OTHER_TOKEN, location)).collect();
    let superseded = events.iter().filter(|event| event["changes"][0]["outcome"] == "superseded").count();
    let made = calls(&sandbox).len();
    println!("{} changes of {} memberships: {made} calls, {superseded} superseded", events.len(), users.len());
    assert!(made as f64 <= 1.1 * users.len() as f64, "{made} calls");
    assert!(superseded >= events.len() - 2 * users.len());
    for user in users {
        let wanted = match (9 + user.len()) % 3 {
            0 => Some("org:viewer"),
            1 => None,
            _ => Some("org:member"),
        };
        assert_eq!(sandbox.role("org_acme", user).as_deref(), wanted, "{user}");
    }
    for event in events.iter().filter(|event| event["changes"][0]["outcome"] == "superseded") {
        assert!(event["changes"][0]["superseded_by"].is_string(), "{event}");
    }
}
