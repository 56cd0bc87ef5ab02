//! One call leaves only where breaker, pace, budget and limits all let it.

use std::time::Duration;

use super::super::Rate;
use super::super::fixtures::claim;
use super::*;
use crate::domain::Action;

const RETRY: Decision = Decision::Retry { step: Step::Create, after: None, outcome_unknown: false };
const NONE: Permits = Permits::NONE;
const GO: Leave = Leave::Go { probe: false };

fn control() -> (Control, Instant) {
    let now = Instant::now();
    let rate = Rate { calls: 900, per: Duration::from_secs(10) };
    (Control::new(&Policy { rate, ..Policy::default() }, now), now)
}

fn ended(control: &mut Control, decision: &Decision, health: Health, probe: bool, now: Instant) -> News {
    let change = claim(Action::Revoke).change.id;
    control.ended(&Ended { change, probe, health, decision, why: None }, now, 0.5)
}

#[test]
fn an_open_breaker_lets_one_probe_leave_and_its_answer_all_others() {
    let (mut control, now) = control();
    let claim = claim(Action::Revoke);
    let last = (0..5).map(|_| ended(&mut control, &RETRY, Health::Down, false, now)).last();
    assert_eq!(last.and_then(|news| news.phase), Some(Phase::Open));
    let at = now + Duration::from_millis(800);
    assert_eq!((control.room(now), control.leave(&claim, &NONE, now, 0.5)), (Room::NotBefore(at), Leave::Back(at)));
    assert_eq!((control.room(at), control.leave(&claim, &NONE, at, 0.5)), (Room::Calls(1), Leave::Go { probe: true }));
    assert!(matches!(control.leave(&claim, &NONE, at, 0.5), Leave::Back(_)));
    assert_eq!(
        ended(&mut control, &Decision::Refuse { reason: None }, Health::Well, true, at).phase,
        Some(Phase::Closed)
    );
    assert_eq!(control.leave(&claim, &NONE, at, 0.5), GO);
}

#[test]
fn a_429_is_no_failure_of_clerk_and_closes_the_pace() {
    let (mut control, now) = control();
    let retry = |seconds| Decision::Retry {
        step: Step::Create,
        after: Some(Duration::from_secs(seconds)),
        outcome_unknown: false,
    };
    let news: Vec<_> =
        (0..9).map(|_| ended(&mut control, &retry(7200), Health::Busy, false, now).silence_capped).collect();
    assert_eq!(news.iter().filter(|capped| **capped).count(), 1, "said once");
    assert_eq!(control.phase(), Phase::Closed);
    assert_eq!(control.leave(&claim(Action::Revoke), &NONE, now, 0.5), Leave::Back(now + LONGEST_RETRY_AFTER));
    assert!(!control.pace_is_open(now));
}

#[test]
fn retries_beyond_the_budget_go_back_for_a_moment_and_first_calls_do_not() {
    let (mut control, now) = control();
    let again = Claim { attempts: 1, ..claim(Action::Revoke) };
    for _ in 0..10 {
        ended(&mut control, &RETRY, Health::Well, false, now);
        assert_eq!(control.leave(&again, &NONE, now, 0.5), GO);
    }
    assert_eq!(control.leave(&again, &NONE, now, 0.5), GO, "it did not fail: a step of its recipe");
    ended(&mut control, &RETRY, Health::Well, false, now);
    let Leave::Back(at) = control.leave(&again, &NONE, now, 0.5) else { panic!("the reserve is spent") };
    assert!(at > now && at < now + Duration::from_secs(2));
    assert_eq!(control.leave(&again, &NONE, now + Duration::from_secs(1), 0.5), GO);
}

#[test]
fn role_updates_of_one_membership_have_a_limit_of_their_own() {
    let (mut control, now) = control();
    let update = Claim { step: Step::Update, attempts: 1, ..claim(Action::Revoke) };
    (0..9).for_each(|_| assert_eq!(control.leave(&update, &NONE, now, 0.5), GO));
    assert_eq!(control.leave(&update, &NONE, now, 0.5), Leave::Back(now + Duration::from_secs(10)));
    assert_eq!(control.leave(&claim(Action::Revoke), &NONE, now, 0.5), GO);
}
