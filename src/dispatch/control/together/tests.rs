//! What one learns holds for all, and what all know holds for each.

use std::time::Duration;

use super::super::super::decide::Decision;
use super::super::super::fixtures::claim;
use super::super::super::permits::Permits;
use super::super::super::{Policy, pace::Room};
use super::super::{Ended, Leave};
use super::*;
use crate::bapi::Health;
use crate::domain::{Action, Step};
use crate::ledger::Halted;

const HALT: Duration = Duration::from_secs(30);
const GO: Leave = Leave::Go { probe: false };

fn control() -> (Control, Instant) {
    let now = Instant::now();
    (Control::shared(&Policy::default(), now), now)
}

/// With tokens for some calls.
fn ready() -> (Control, Instant) {
    let (mut control, now) = control();
    tokens(&mut control, 8, now);
    (control, now)
}

fn tokens(control: &mut Control, tokens: u32, now: Instant) {
    let slice = Slice { tokens, good_for: Slice::GOOD_FOR, next_in: None, replicas: 1, standing: Standing::default() };
    control.slice(&slice, tokens, now, now, 0.5);
}

fn ended(control: &mut Control, decision: &Decision, probe: bool, now: Instant) {
    let change = claim(Action::Revoke).change.id;
    control.ended(&Ended { change, probe, health: Health::Well, decision, why: Some("401") }, now, 0.5);
}

fn leave(control: &mut Control, permits: &Permits, now: Instant) -> Leave {
    control.leave(&claim(Action::Revoke), permits, now, 0.5)
}

fn halted() -> Standing {
    let halted = Halted { since: Duration::from_secs(10), why: "401".to_owned() };
    Standing { halted: Some(halted), ..Standing::default() }
}

fn told(control: &mut Control, now: Instant) -> Option<Tell> {
    let Errand::Tell(tell) = control.errand(now, 0) else { return None };
    control.told(&tell);
    Some(tell)
}

#[test]
fn a_call_waits_until_a_slice_comes_and_says_so() {
    let (mut control, now) = control();
    assert!(matches!(leave(&mut control, &Permits::NONE, now), Leave::Later(_)));
    assert!(matches!(control.errand(now, 1), Errand::Slice(ask) if ask.want == 1 && ask.bucket == "pace"));
    assert!(matches!(control.room(now), Room::Calls(calls) if calls >= 1));
    tokens(&mut control, 1, now);
    assert_eq!(leave(&mut control, &Permits::NONE, now), GO);
    assert!(matches!(leave(&mut control, &Permits::NONE, now), Leave::Later(_)));
}

#[test]
fn a_silence_that_one_hears_voids_what_it_holds_and_is_told() {
    let (mut control, now) = ready();
    let after = Some(Duration::from_millis(200));
    ended(&mut control, &Decision::Retry { step: Step::Create, after, outcome_unknown: false }, false, now);
    let Some(Tell::Closed(until)) = told(&mut control, now) else { panic!("nobody is told") };
    assert!(matches!(leave(&mut control, &Permits::NONE, now), Leave::Back(_)));
    assert!(matches!(leave(&mut control, &Permits::NONE, until), Leave::Later(_)), "its tokens are gone");
    assert_eq!(told(&mut control, now), None, "once");
}

#[test]
fn a_silence_of_another_holds_here_and_slices_that_come_meanwhile_are_void() {
    let (mut control, now) = ready();
    let time = Duration::from_millis(200);
    control.heard(&Standing { closed_for: Some(time), ..Standing::default() }, now);
    tokens(&mut control, 3, now);
    assert!(matches!(leave(&mut control, &Permits::NONE, now), Leave::Back(_)));
    assert_eq!(control.heard(&Standing::default(), now), CommonNews::default());
    assert!(matches!(leave(&mut control, &Permits::NONE, now), Leave::Back(_)), "what is known is not forgotten");
    assert!(matches!(leave(&mut control, &Permits::NONE, now + time), Leave::Later(_)));
    assert_eq!(told(&mut control, now), None, "they know");
}

#[test]
fn a_halt_is_told_once_and_so_is_its_end() {
    let (mut control, now) = ready();
    (0..2).for_each(|_| ended(&mut control, &Decision::Halt, false, now));
    assert_eq!(control.heard(&Standing::default(), now).phase, None, "they do not know yet");
    assert_eq!(told(&mut control, now), Some(Tell::Halted("401".to_owned())));
    assert_eq!(told(&mut control, now), None);
    ended(&mut control, &Decision::Refuse { reason: None }, true, now + HALT);
    assert_eq!(control.heard(&halted(), now + HALT).phase, None, "they do not know yet");
    assert_eq!(told(&mut control, now + HALT), Some(Tell::GoesOn));
    assert_eq!(control.phase(), Phase::Closed);
}

#[test]
fn a_halt_of_another_holds_here_until_it_ends() {
    let (mut control, now) = ready();
    assert_eq!(control.heard(&halted(), now).phase, Some(Phase::Halted));
    assert_eq!(control.heard(&halted(), now).phase, None, "said once");
    assert_eq!(leave(&mut control, &Permits::NONE, now), Leave::Back(now + HALT - Duration::from_secs(10)));
    assert_eq!(control.heard(&Standing::default(), now).phase, Some(Phase::Closed));
    assert_eq!(leave(&mut control, &Permits::NONE, now), GO);
    assert_eq!(told(&mut control, now), None, "it is theirs to tell");
}

#[test]
fn a_halt_is_probed_by_whoever_gets_the_permit() {
    let (mut control, now) = control();
    control.heard(&halted(), now);
    let at = now + HALT - Duration::from_secs(10);
    tokens(&mut control, 8, at);
    assert_eq!(leave(&mut control, &Permits::NONE, at), Leave::Ask(Permit::Probe));
    let mut permits = Permits::NONE;
    permits.add(Permit::Probe, at + Slice::GOOD_FOR);
    assert_eq!(leave(&mut control, &permits, at), Leave::Go { probe: true });

    let (mut control, now) = self::control();
    control.heard(&halted(), now);
    tokens(&mut control, 8, at);
    control.no_permit_before(Permit::Probe, at + HALT);
    assert_eq!(leave(&mut control, &Permits::NONE, at), Leave::Back(at + HALT));
}

#[test]
fn a_role_update_needs_a_permit_of_its_membership() {
    let (mut control, now) = ready();
    let update = Claim { step: Step::Update, ..claim(Action::Revoke) };
    assert_eq!(control.leave(&update, &Permits::NONE, now, 0.5), Leave::Ask(Permit::Limit));
    let ask = control.permit(Permit::Limit, &update);
    let key = &update.change.key;
    assert_eq!(ask.map(|ask| ask.bucket), Some(format!("update {} {}", key.organization, key.user)));
    let mut permits = Permits::NONE;
    permits.add(Permit::Limit, now + Slice::GOOD_FOR);
    assert_eq!(control.leave(&update, &permits, now, 0.5), GO);
}

#[test]
fn a_pause_gives_everything_back_alone_or_not_and_is_news_once() {
    let now = Instant::now();
    for mut control in [Control::new(&Policy::default(), now), Control::shared(&Policy::default(), now)] {
        let paused = Standing { paused: true, ..Standing::default() };
        let news = |control: &mut Control, standing: &Standing| control.heard(standing, now).paused;
        assert_eq!((news(&mut control, &paused), news(&mut control, &paused)), (Some(true), None));
        assert!(matches!(control.room(now), Room::NotBefore(_)));
        assert_eq!(leave(&mut control, &Permits::NONE, now), Leave::Back(now));
        assert_eq!(news(&mut control, &Standing::default()), Some(false));
        assert!(matches!(control.room(now), Room::Calls(_)));
    }
}

#[test]
fn alone_nothing_is_told_and_nothing_asked() {
    let now = Instant::now();
    let mut control = Control::new(&Policy::default(), now);
    ended(&mut control, &Decision::Halt, false, now);
    assert_eq!(control.errand(now, 9), Errand::Wait(None));
    assert_eq!(control.heard(&Standing::default(), now).phase, None);
    assert_eq!(control.phase(), Phase::Halted);
}
