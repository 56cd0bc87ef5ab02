//! When the next attempt is due, and when there is none.

use super::super::fixtures::{claim, grant};
use super::*;
use crate::domain::{Action, Existing};

const HOUR: Duration = Duration::from_secs(3600);

fn now() -> Timestamp {
    later(Timestamp::UNIX_EPOCH, HOUR * 1000)
}

/// What becomes of a change with so many attempts, the first of them so long ago.
fn next(decision: Decision, attempts: u32, since: Duration) -> Next {
    let first_attempt_at = (attempts > 0).then(|| now().checked_sub(since).unwrap());
    let claim = Claim { attempts, first_attempt_at, ..claim(grant("org:member", Existing::Raise)) };
    let policy = Policy::default();
    Moment { policy: &policy, now: now(), random: 1.0 }.next(&claim, decision, Some("why".to_owned()))
}

fn again(step: Step, seconds: f64, reason: Option<&str>, answer_lost: bool) -> Next {
    let due_at = later(now(), Duration::from_secs_f64(seconds));
    Next::Again { step, due_at, reason: reason.map(str::to_owned), answer_lost }
}

fn retry(after: Option<u64>, outcome_unknown: bool) -> Decision {
    Decision::Retry { after: after.map(Duration::from_secs), outcome_unknown }
}

#[test]
fn a_retry_waits_its_backoff_and_a_retry_after() {
    assert_eq!(next(retry(None, false), 0, HOUR), again(Step::Create, 0.5, Some("why"), false));
    assert_eq!(next(retry(None, true), 3, HOUR), again(Step::Create, 4.0, Some("why"), true));
    assert_eq!(next(retry(Some(10), false), 0, HOUR), again(Step::Create, 11.0, Some("why"), false));
}

#[test]
fn the_recipe_goes_on_at_once_unless_it_starts_over() {
    let accepted = Timestamp::UNIX_EPOCH;
    let at_once = Next::Again { step: Step::Inspect, due_at: accepted, reason: None, answer_lost: false };
    assert_eq!(next(Decision::Then(Step::Inspect), 5, HOUR * 25), at_once);
    let why = "the membership came or went between two calls";
    assert_eq!(next(Decision::Restart(Step::Create), 2, HOUR), again(Step::Create, 2.0, Some(why), false));
}

#[test]
fn waiting_is_slow() {
    assert_eq!(next(Decision::Wait, 0, HOUR), again(Step::Create, 30.0, Some("why"), false));
    assert_eq!(next(Decision::Wait, 9, HOUR), again(Step::Create, 900.0, Some("why"), false));
}

#[test]
fn a_change_is_given_up_when_its_time_is_over() {
    let dead =
        |reason: &str| Next::Done { outcome: Outcome::Dead, membership_id: None, reason: Some(reason.to_owned()) };
    let over = "given up after 1day; at last: why";
    assert!(matches!(next(retry(None, true), 9, HOUR * 23), Next::Again { .. }));
    assert_eq!(next(retry(None, true), 9, HOUR * 24), dead(over));
    assert_eq!(next(Decision::Wait, 9, HOUR * 24), dead(over));
    assert_eq!(next(Decision::Restart(Step::Create), 9, HOUR * 24), dead(over));
    assert_eq!(next(Decision::Refuse, 0, HOUR), dead("why"));
}

#[test]
fn a_halt_burns_nothing_however_old_the_change_is() {
    assert_eq!(next(Decision::Halt, 9, HOUR * 48), again(Step::Create, 30.0, Some("why"), false));
}

#[test]
fn a_lost_answer_is_remembered() {
    let claim = Claim { answer_lost: true, ..claim(Action::Revoke) };
    let policy = Policy::default();
    let next = Moment { policy: &policy, now: now(), random: 0.0 }.next(&claim, retry(None, false), None);
    assert_eq!(next, Next::Again { step: Step::Delete, due_at: now(), reason: None, answer_lost: true });
}
