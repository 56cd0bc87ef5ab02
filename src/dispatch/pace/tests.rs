//! The bucket never gives more than its rate, and nobody leaves before a Retry-After has passed.

use std::time::Duration;

use super::*;
use proptest::prelude::*;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn take(pace: &mut Pace, now: Instant) -> Leave {
    let leave = pace.ready(now);
    if leave == Leave::Go {
        pace.spend(now);
    }
    leave
}

fn pace(calls: u32) -> (Pace, Instant) {
    let now = Instant::now();
    (Pace::new(Rate { calls, per: seconds(10.0) }, now), now)
}

#[test]
fn a_burst_is_a_ninth_and_then_the_rate_holds() {
    let (mut pace, now) = pace(90);
    assert_eq!(pace.room(now), Room::Calls(10));
    (0..10).for_each(|_| assert_eq!(take(&mut pace, now), Leave::Go));
    let Room::NotBefore(at) = pace.room(now) else { panic!("room in an empty bucket") };
    assert!(at > now && at < now + seconds(0.12));
    assert_eq!(take(&mut pace, now), Leave::Later(at));
    assert_eq!(take(&mut pace, at), Leave::Go);
    assert!(matches!(take(&mut pace, at), Leave::Later(_)));
}

#[test]
fn an_idle_hour_fills_no_more_than_a_burst() {
    let (mut pace, now) = pace(90);
    assert_eq!(pace.room(now + seconds(3600.0)), Room::Calls(10));
}

#[test]
fn a_rate_of_nothing_is_one_call_in_ten_seconds() {
    let (mut pace, now) = pace(0);
    assert_eq!(take(&mut pace, now), Leave::Go);
    assert!(matches!(take(&mut pace, now), Leave::Later(at) if at > now + seconds(9.9)));
}

#[test]
fn a_retry_after_closes_for_everybody_and_a_shorter_one_does_not_open() {
    let (mut pace, now) = pace(90);
    assert!(pace.close(now, now + seconds(9.0)), "it was open");
    assert!(!pace.close(now, now + seconds(2.0)));
    assert_eq!(pace.room(now + seconds(8.9)), Room::NotBefore(now + seconds(9.0)));
    assert_eq!(take(&mut pace, now + seconds(8.9)), Leave::Closed(now + seconds(9.0)));
    assert!(!pace.is_open(now + seconds(8.9)));
    assert_eq!(pace.room(now + seconds(9.0)), Room::Calls(10), "no more than a burst has gathered meanwhile");
    assert_eq!(take(&mut pace, now + seconds(9.0)), Leave::Go);
    assert!(pace.is_open(now + seconds(9.0)));
    assert!(pace.close(now + seconds(9.0), now + seconds(10.0)), "open and closed again");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_ten_seconds_see_more_than_ten_ninths_of_the_rate(
        calls in 9_u32..300,
        pauses in proptest::collection::vec((0.0..0.3_f64, 0.0..3.0_f64, 0_u8..20), 1..400),
    ) {
        let (mut pace, mut now) = pace(calls);
        let mut left = Vec::new();
        for (pause, closed, close) in pauses {
            now += seconds(pause);
            if close == 0 {
                pace.close(now, now + seconds(closed));
            }
            while matches!(take(&mut pace, now), Leave::Go) {
                left.push(now);
            }
        }
        let limit = (calls + calls / 9) as usize;
        for (first, last) in left.iter().zip(left.iter().skip(limit)) {
            prop_assert!(*last > *first + seconds(10.0), "more than {limit} calls in ten seconds");
        }
    }

    #[test]
    fn room_and_take_agree(calls in 0_u32..2000, steps in proptest::collection::vec((0_u8..4, 0.0..40.0_f64), 1..50)) {
        let (mut pace, mut now) = pace(calls);
        for (step, pause) in steps {
            now += seconds(pause / 4.0);
            if step == 0 {
                pace.close(now, now + seconds(pause));
            }
            match (pace.room(now), take(&mut pace, now)) {
                (Room::Calls(n), Leave::Go) => prop_assert!(n >= 1),
                (Room::NotBefore(room), Leave::Later(at) | Leave::Closed(at)) => {
                    prop_assert_eq!(room, at);
                    prop_assert!(matches!(pace.room(at), Room::Calls(_)), "whoever comes at that time finds room");
                }
                (room, leave) => prop_assert!(false, "{room:?} {leave:?}"),
            }
        }
    }
}
