//! When the next attempt is due, and when there is none.

use super::super::fixtures::{claim, grant};
use super::*;
use crate::domain::{Action, Existing, MissingUser};

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
    Decision::Retry { step: Step::Create, after: after.map(Duration::from_secs), outcome_unknown }
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
    let why = "what is there came or went between two calls";
    assert_eq!(next(Decision::Restart(Step::Create), 2, HOUR), again(Step::Create, 2.0, Some(why), false));
}

#[test]
fn waiting_is_slow() {
    assert_eq!(next(Decision::Wait(WaitFor::Room), 0, HOUR), again(Step::Create, 30.0, Some("why"), false));
    assert_eq!(next(Decision::Wait(WaitFor::Room), 9, HOUR), again(Step::Create, 900.0, Some("why"), false));
}

#[test]
fn a_change_is_given_up_when_its_time_is_over() {
    let dead =
        |reason: &str| Next::Done { outcome: Outcome::Dead, membership_id: None, reason: Some(reason.to_owned()) };
    let over = "given up after 1day; at last: why";
    assert!(matches!(next(retry(None, true), 9, HOUR * 23), Next::Again { .. }));
    assert_eq!(next(retry(None, true), 9, HOUR * 24), dead(over));
    assert_eq!(next(Decision::Wait(WaitFor::Room), 9, HOUR * 24), dead(over));
    assert_eq!(next(Decision::Restart(Step::Create), 9, HOUR * 24), dead(over));
    assert_eq!(next(Decision::Refuse { reason: None }, 0, HOUR), dead("why"));
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
    assert_eq!(next, Next::Again { step: Step::Create, due_at: now(), reason: None, answer_lost: true });
}

#[test]
fn an_effect_on_the_way_is_remembered_as_a_lost_answer_is() {
    let accepted = Timestamp::UNIX_EPOCH;
    let at_once = Next::Again { step: Step::Invite, due_at: accepted, reason: None, answer_lost: true };
    assert_eq!(next(Decision::Took(Step::Invite), 5, HOUR * 25), at_once);
}

#[test]
fn the_recipes_own_reason_goes_before_that_of_the_call() {
    let reason = |next| match next {
        Next::Done { outcome: Outcome::Dead, reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(next(Decision::refuse("own"), 0, HOUR)).as_deref(), Some("own"));
    assert_eq!(reason(next(Decision::Refuse { reason: None }, 0, HOUR)).as_deref(), Some("why"));
}

/// What becomes of a grant that waits for its user, so long after its acceptance and with a first attempt just as old.
fn waiting(decision: Decision, since: Duration) -> Next {
    let Action::Grant(mut grant) = grant("org:member", Existing::Raise) else { unreachable!() };
    grant.missing_user = MissingUser::Wait;
    let received_at = now().checked_sub(since).unwrap();
    let mut claim = Claim { attempts: 9, first_attempt_at: Some(received_at), ..claim(Action::Grant(grant)) };
    claim.event.received_at = received_at;
    let policy = Policy::default();
    Moment { policy: &policy, now: now(), random: 1.0 }.next(&claim, decision, Some("why".to_owned()))
}

#[test]
fn a_user_is_waited_for_seven_days_from_the_acceptance_on() {
    let yet = Some("there is no such user yet");
    assert_eq!(waiting(Decision::Wait(WaitFor::User), HOUR * 167), again(Step::Create, 900.0, yet, false));
    let Next::Done { outcome, reason, .. } = waiting(Decision::Wait(WaitFor::User), HOUR * 168) else { panic!() };
    assert_eq!(outcome, Outcome::Dead);
    assert_eq!(reason.as_deref(), Some("there was no such user within 7days of the event"));
}

#[test]
fn a_change_that_waited_for_its_user_is_not_given_up_for_one_bad_answer() {
    assert!(matches!(waiting(retry(None, false), HOUR * 100), Next::Again { .. }));
    assert!(matches!(waiting(retry(None, false), HOUR * 168), Next::Done { outcome: Outcome::Dead, .. }));
}
