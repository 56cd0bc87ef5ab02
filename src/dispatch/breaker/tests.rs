//! The breaker opens for what says that Clerk is down, probes while it is, and closes for a probe that is answered.

use super::*;
use proptest::prelude::*;

const HALT: Duration = Duration::from_secs(30);

fn breaker() -> (Breaker, Instant) {
    (Breaker::new(&Policy::default()), Instant::now())
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One that five failures have opened.
fn open() -> (Breaker, Instant) {
    let (mut breaker, now) = breaker();
    let news: Vec<_> = (0..5).filter_map(|_| breaker.ended(now, Sign::Down, false, 0.5)).collect();
    assert_eq!(news, [Phase::Open]);
    (breaker, now)
}

/// The next time at which it says anything but "not yet".
fn next_probe(breaker: &Breaker, now: Instant) -> Instant {
    match breaker.ask(now) {
        Ask::NotBefore(at) => at,
        Ask::Go | Ask::Probe => now,
    }
}

#[test]
fn five_failures_in_a_row_open_it_and_an_answer_between_them_does_not_count_on() {
    let (mut breaker, now) = breaker();
    for sign in [Sign::Down, Sign::Down, Sign::Down, Sign::Down, Sign::Up, Sign::Down, Sign::Down, Sign::Down] {
        assert_eq!(breaker.ended(now, sign, false, 0.5), None);
    }
    assert_eq!(breaker.ended(now, Sign::Down, false, 0.5), None);
    assert_eq!(breaker.ask(now), Ask::Go);
    assert_eq!(breaker.ended(now, Sign::Down, false, 0.5), Some(Phase::Open));
    assert_eq!(breaker.ask(now), Ask::NotBefore(now + millis(800)));
}

#[test]
fn an_answered_probe_closes_it_and_a_failed_one_is_no_news() {
    let (mut breaker, now) = open();
    let first = now + millis(800);
    assert_eq!((breaker.phase(), breaker.ask(first)), (Phase::Open, Ask::Probe));
    breaker.begin_probe(first, 0.0);
    assert_eq!((breaker.phase(), breaker.ask(first)), (Phase::HalfOpen, Ask::NotBefore(first + millis(700))));
    assert_eq!(breaker.ended(first, Sign::Down, true, 0.0), None);
    assert_eq!(breaker.phase(), Phase::Open);
    let second = first + millis(700);
    assert_eq!(breaker.ask(second), Ask::Probe);
    breaker.begin_probe(second, 1.0);
    assert_eq!(breaker.ended(second, Sign::Up, true, 0.0), Some(Phase::Closed));
    assert_eq!(breaker.ask(second), Ask::Go);
    assert_eq!(breaker.ended(second, Sign::Down, false, 0.0), None, "it counts from nothing again");
}

#[test]
fn a_probe_that_hangs_holds_up_the_next_no_longer_than_a_pause() {
    let (mut breaker, now) = open();
    let first = next_probe(&breaker, now);
    breaker.begin_probe(first, 1.0);
    let second = next_probe(&breaker, first);
    assert!(second - first < Duration::from_secs(1));
    assert_eq!(breaker.ask(second), Ask::Probe);
    breaker.begin_probe(second, 1.0);
    assert_eq!(breaker.ended(second, Sign::Up, true, 1.0), Some(Phase::Closed));
    assert_eq!(breaker.ended(second + Duration::from_secs(9), Sign::Down, true, 1.0), None, "the first one, at last");
}

#[test]
fn calls_that_left_before_it_opened_do_not_close_it() {
    let (mut breaker, now) = open();
    assert_eq!(breaker.ended(now, Sign::Up, false, 0.5), None);
    assert_eq!(breaker.phase(), Phase::Open);
}

#[test]
fn a_halt_is_news_once_and_ends_with_a_probe_that_is_accepted() {
    let (mut breaker, now) = breaker();
    assert_eq!(breaker.ended(now, Sign::Halt, false, 0.5), Some(Phase::Halted));
    assert_eq!(breaker.ended(now + millis(900), Sign::Halt, false, 0.5), None, "those that were in flight");
    assert_eq!(breaker.ask(now + millis(29_999)), Ask::NotBefore(now + HALT));
    assert_eq!(breaker.ask(now + HALT), Ask::Probe);
    breaker.begin_probe(now + HALT, 0.5);
    assert_eq!(breaker.ask(now + HALT), Ask::NotBefore(now + HALT * 2), "one at a time");
    assert_eq!(breaker.ended(now + HALT, Sign::Halt, true, 0.5), None);
    assert_eq!(breaker.ended(now + HALT, Sign::Down, true, 0.5), None, "an outage says nothing of the key");
    assert_eq!(breaker.ask(now + HALT * 100), Ask::Probe, "time alone ends no halt");
    breaker.begin_probe(now + HALT * 2, 0.5);
    assert_eq!(breaker.ended(now + HALT * 2, Sign::Up, true, 0.5), Some(Phase::Closed));
}

#[test]
fn an_outage_can_turn_out_to_be_a_halt() {
    let (mut breaker, now) = open();
    breaker.begin_probe(now + millis(900), 0.5);
    assert_eq!(breaker.ended(now + millis(901), Sign::Halt, true, 0.5), Some(Phase::Halted));
    assert_eq!(next_probe(&breaker, now), now + millis(901) + HALT);
}

proptest! {
    #[test]
    fn an_outage_sees_about_one_probe_a_second_and_its_end_is_seen_within_one(
        randoms in proptest::collection::vec(0.0..=1.0_f64, 2..60),
        answers_take in 0_u64..10_000,
    ) {
        let (mut breaker, begun) = open();
        let (mut now, mut in_flight) = (begun, Vec::new());
        for (count, random) in randoms.iter().enumerate() {
            let at = next_probe(&breaker, now);
            prop_assert!(at <= now + Duration::from_secs(1), "whenever Clerk recovers, a probe leaves within a second");
            prop_assert!(count == 0 || at >= now + millis(700), "no storm");
            in_flight.push(at + millis(answers_take));
            breaker.begin_probe(at, *random);
            let ended = in_flight.iter().filter(|end| **end <= at).count();
            in_flight.drain(..ended).for_each(|end| assert_eq!(breaker.ended(end, Sign::Down, true, *random), None));
            now = at;
        }
    }

    #[test]
    fn whatever_happens_a_call_may_leave_in_the_end(
        steps in proptest::collection::vec((0_u8..3, any::<bool>(), 0_u64..40_000, 0.0..=1.0_f64), 1..80),
    ) {
        let (mut breaker, mut now) = breaker();
        for (sign, probe, pause, random) in steps {
            now += millis(pause);
            if breaker.ask(now) == Ask::Probe {
                breaker.begin_probe(now, random);
            }
            let sign = [Sign::Up, Sign::Down, Sign::Halt][usize::from(sign)];
            breaker.ended(now, sign, probe, random);
            prop_assert!(next_probe(&breaker, now) <= now + HALT);
            prop_assert_eq!(breaker.ask(now) == Ask::Go, breaker.phase() == Phase::Closed);
        }
    }
}
