//! The limit against simulated servers: it finds what they can take, and it is always between one and the most.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;
use proptest::prelude::*;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Always keeps as many calls in flight as allowed, against a server whose latency depends on how many there are when one
/// comes; gives the limit after each call.
fn simulate(
    limit: &mut Limit,
    begun: Instant,
    lasting: Duration,
    latency: impl Fn(usize) -> Duration,
) -> Vec<(Instant, usize)> {
    let (mut now, mut calls, mut seen) = (begun, BinaryHeap::new(), Vec::new());
    while now < begun + lasting {
        while calls.len() < limit.now(now) {
            calls.push(Reverse((now + latency(calls.len() + 1), now)));
        }
        let in_flight = calls.len();
        let Some(Reverse((ends, left))) = calls.pop() else { break };
        now = ends;
        limit.ended(now, Ended { took: ends - left, in_flight, in_order: true });
        seen.push((now, limit.settled()));
    }
    seen
}

#[test]
fn a_constant_latency_reaches_the_most_within_a_second() {
    let begun = Instant::now();
    let mut limit = Limit::new(64, begun);
    assert_eq!(limit.now(begun), 8);
    let seen = simulate(&mut limit, begun, millis(30_000), |_| millis(20));
    let reached = seen.iter().find(|(_, limit)| *limit == 64).unwrap().0 - begun;
    assert!(reached < Duration::from_secs(1), "{reached:?}");
    assert!(seen.iter().all(|(at, limit)| *at <= begun + reached || *limit == 64), "and it stays there");
}

#[test]
fn after_a_shrink_it_is_back_within_two_seconds() {
    let begun = Instant::now();
    let mut limit = Limit::new(64, begun);
    simulate(&mut limit, begun, millis(1000), |_| millis(20));
    let later = begun + millis(1000);
    limit.ended(later, Ended { took: millis(20), in_flight: 64, in_order: false });
    assert_eq!(limit.now(later), 44);
    simulate(&mut limit, later, millis(2000), |_| millis(20));
    assert_eq!(limit.settled(), 64);
}

#[test]
fn a_server_that_takes_four_at_once_is_asked_by_few_more() {
    let begun = Instant::now();
    let mut limit = Limit::new(64, begun);
    let seen = simulate(&mut limit, begun, millis(120_000), |in_flight| millis(20) * in_flight.max(4) as u32 / 4);
    let late: Vec<_> = seen.iter().filter(|(at, _)| *at > begun + millis(15_000)).map(|(_, limit)| *limit).collect();
    let mean = late.iter().sum::<usize>() as f64 / late.len() as f64;
    assert!((3.5..=10.0).contains(&mean), "{mean}");
    assert!(late.iter().all(|limit| (2..=14).contains(limit)), "{:?}", (late.iter().min(), late.iter().max()));
}

#[test]
fn a_server_without_latency_is_not_throttled() {
    let begun = Instant::now();
    let mut limit = Limit::new(64, begun);
    simulate(&mut limit, begun, millis(500), |in_flight| Duration::from_micros(100) * in_flight as u32);
    assert_eq!(limit.settled(), 64, "6 ms are no queue worth minding");
}

#[test]
fn it_shrinks_at_most_once_for_each_round_trip() {
    let begun = Instant::now();
    let mut limit = Limit::new(64, begun);
    let failed = Ended { took: millis(20), in_flight: 8, in_order: false };
    (0..8).for_each(|_| limit.ended(begun, failed));
    assert_eq!(limit.now(begun), 5);
    limit.ended(begun + UNKNOWN_ROUND_TRIP, failed);
    assert_eq!(limit.now(begun), 3);
    limit.begin_anew(begun);
    assert_eq!(limit.now(begun), 8);
}

#[test]
fn a_limit_that_is_not_in_use_does_not_grow_and_slowness_that_is_not_ours_does_not_shrink_it() {
    let begun = Instant::now();
    let mut limit = Limit::new(64, begun);
    for call in 0..200 {
        let took = if call < 100 { millis(20) } else { millis(500) };
        limit.ended(begun + millis(call * 20), Ended { took, in_flight: 2, in_order: true });
    }
    assert_eq!(limit.settled(), 8);
}

#[test]
fn a_clerk_that_has_become_slower_for_good_is_asked_as_much_again() {
    let begun = Instant::now();
    let mut limit = Limit::new(64, begun);
    simulate(&mut limit, begun, millis(5000), |_| millis(20));
    simulate(&mut limit, begun + millis(5000), millis(30_000), |_| millis(200));
    assert_eq!(limit.settled(), 64);
}

proptest! {
    #[test]
    fn it_is_between_one_and_the_most(
        most in 0_usize..100,
        calls in proptest::collection::vec((0_u64..400, 0_u64..20_000, 0_usize..200, any::<bool>()), 1..300),
    ) {
        let mut now = Instant::now();
        let mut limit = Limit::new(most, now);
        for (pause, took, in_flight, in_order) in calls {
            now += millis(pause);
            limit.ended(now, Ended { took: millis(took), in_flight, in_order });
            prop_assert!((1..=most.max(1)).contains(&limit.now(now)));
            prop_assert!(limit.now(now) <= limit.settled());
        }
    }

    #[test]
    fn a_share_of_failures_leaves_it_some_calls(share in 0.0..0.3_f64, seed in any::<u64>()) {
        let (mut random, mut now) = (fastrand::Rng::with_seed(seed), Instant::now());
        let mut limit = Limit::new(64, now);
        let mut sum = 0;
        for _ in 0..5000 {
            let in_flight = limit.now(now);
            now += millis(100) / in_flight as u32;
            limit.ended(now, Ended { took: millis(100), in_flight, in_order: random.f64() >= share });
            sum += in_flight;
        }
        prop_assert!(sum / 5000 >= 2, "{}", sum / 5000);
    }
}
