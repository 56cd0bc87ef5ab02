//! The recipe against a small model of Clerk that fails, loses answers and forgets who asked.

use super::super::fixtures::{ROLES, claim, grant};
use super::*;
use proptest::prelude::*;
use proptest::sample::select;

const OTHER_EVENT: &str = "another event";

fn membership(role: &str, usher_event: Option<String>) -> Membership {
    Membership { id: Some("orgmem_1".to_owned()), role: Some(role.to_owned()), usher_event }
}

fn outcome(decision: Decision) -> Outcome {
    match decision {
        Decision::End { outcome, .. } => outcome,
        other => panic!("no end: {other:?}"),
    }
}

fn inspected(existing: Existing, answer_lost: bool, role: &str, usher_event: Option<String>) -> Decision {
    let claim = Claim { step: Step::Inspect, answer_lost, ..claim(grant("org:member", existing)) };
    decide(&claim, &Answer::Seen(Some(membership(role, usher_event))))
}

#[test]
fn a_membership_as_wanted_is_granted_only_where_this_change_can_have_made_it() {
    let own = Some(claim(grant("org:member", Existing::Raise)).change.id.event.to_string());
    let other = Some(OTHER_EVENT.to_owned());
    let cases = [
        (false, own.clone(), Outcome::Granted),
        (true, own, Outcome::Granted),
        (false, None, Outcome::Unchanged),
        (true, None, Outcome::Granted),
        (false, other.clone(), Outcome::Unchanged),
        (true, other, Outcome::Unchanged),
    ];
    for (lost, made_by, expected) in cases {
        let decision = inspected(Existing::Raise, lost, "org:member", made_by.clone());
        assert_eq!(outcome(decision), expected, "{lost} {made_by:?}");
    }
}

/// A process that was killed may not have made the call of every change that it had claimed.
#[test]
fn what_only_a_lost_answer_can_explain_is_not_said_to_be_certain() {
    let revoke = Claim { answer_lost: true, ..claim(Action::Revoke) };
    let ends =
        [inspected(Existing::Raise, true, "org:member", None), decide(&revoke, &Answer::Failed(Class::NotMember))];
    for end in ends {
        let Decision::End { reason, .. } = end else { panic!() };
        assert!(reason.is_some_and(|reason| reason.contains("may have been lost")));
    }
}

#[test]
fn another_role_is_kept_raised_or_replaced_as_the_rule_says() {
    let update = Decision::Then(Step::Update);
    assert_eq!(inspected(Existing::Raise, false, "org:viewer", None), update);
    assert_eq!(inspected(Existing::Replace, false, "org:admin", None), update);
    for (existing, current) in
        [(Existing::Raise, "org:admin"), (Existing::Raise, "org:unheard_of"), (Existing::Keep, "org:viewer")]
    {
        let Decision::End { outcome, reason, .. } = inspected(existing, true, current, None) else { panic!() };
        assert_eq!(outcome, Outcome::Unchanged);
        assert!(reason.is_some_and(|reason| reason.contains(current)));
    }
}

#[test]
fn a_text_that_is_no_role_is_not_repeated() {
    let decision = inspected(Existing::Keep, false, "mail@example.com", None);
    assert!(!format!("{decision:?}").contains("mail"));
}

#[test]
fn a_failure_is_passed_on_as_what_it_asks_for() {
    let claim = claim(Action::Revoke);
    let of = |class| decide(&claim, &Answer::Failed(class));
    assert_eq!(of(Class::Wait), Decision::Wait);
    assert_eq!(of(Class::Halt), Decision::Halt);
    assert_eq!(of(Class::Refused), Decision::Refuse);
    let retry = Class::Retry { after: None, outcome_unknown: true };
    assert_eq!(of(retry), Decision::Retry { after: None, outcome_unknown: true });
    assert_eq!(of(Class::AlreadyMember), Decision::Refuse, "an answer that a delete cannot have");
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Not reached, or asked to come later.
    Refused,
    /// Cut before anything happened.
    DropBefore,
    /// Cut after it happened.
    DropAfter,
    /// usher is killed in the call, before or after it happened: no decision, and the lease lapses.
    CrashBefore,
    CrashAfter,
}

#[derive(Debug, Default)]
struct Clerk {
    membership: Option<Membership>,
    creates: u32,
}

impl Clerk {
    fn apply(&mut self, claim: &Claim) -> Answer {
        let wanted = claim.change.action.role().map(Role::as_str).unwrap_or_default();
        match claim.step {
            Step::Create if self.membership.is_some() => Answer::Failed(Class::AlreadyMember),
            Step::Create => {
                self.creates += 1;
                self.membership = Some(membership(wanted, Some(claim.change.id.event.to_string())));
                Answer::Done(self.membership.clone().unwrap())
            }
            Step::Inspect => Answer::Seen(self.membership.clone()),
            Step::Update => match &mut self.membership {
                Some(membership) => {
                    membership.role = Some(wanted.to_owned());
                    Answer::Done(membership.clone())
                }
                None => Answer::Failed(Class::NotMember),
            },
            _ => self.membership.take().map_or(Answer::Failed(Class::NotMember), Answer::Done),
        }
    }

    /// `None` where nobody was left to hear the answer.
    fn call(&mut self, claim: &Claim, fault: Fault) -> Option<Answer> {
        let lost = Answer::Failed(Class::Retry { after: None, outcome_unknown: true });
        match fault {
            Fault::None => Some(self.apply(claim)),
            Fault::Refused => Some(Answer::Failed(Class::Retry { after: None, outcome_unknown: false })),
            Fault::DropBefore => Some(lost),
            Fault::DropAfter => {
                self.apply(claim);
                Some(lost)
            }
            Fault::CrashBefore => None,
            Fault::CrashAfter => {
                self.apply(claim);
                None
            }
        }
    }
}

/// Follows a change to its end as the ledger and the loop would; `between` happens before each call.
fn follow(
    claim: &mut Claim,
    clerk: &mut Clerk,
    faults: &[Fault],
    mut between: impl FnMut(usize, &mut Clerk),
) -> Outcome {
    for attempt in 0..faults.len() + 10 {
        between(attempt, clerk);
        let fault = faults.get(attempt).copied().unwrap_or(Fault::None);
        match clerk.call(claim, fault).map(|answer| decide(claim, &answer)) {
            None => claim.answer_lost = true,
            Some(Decision::End { outcome, .. }) => return outcome,
            Some(Decision::Then(step) | Decision::Restart(step)) => claim.step = step,
            Some(Decision::Retry { outcome_unknown, .. }) => claim.answer_lost |= outcome_unknown,
            Some(other) => panic!("{other:?}"),
        }
    }
    panic!("no end at {:?} with {clerk:?}", claim.step)
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    use Fault::{CrashAfter, CrashBefore, DropAfter, DropBefore, None, Refused};
    proptest::collection::vec(select(vec![None, None, Refused, DropBefore, DropAfter, CrashBefore, CrashAfter]), 0..8)
}

fn memberships() -> impl Strategy<Value = Option<Membership>> {
    let made_by = select(vec![None, Some(OTHER_EVENT.to_owned())]);
    proptest::option::of((select(ROLES.to_vec()), made_by).prop_map(|(role, by)| membership(role, by)))
}

fn existings() -> impl Strategy<Value = Existing> {
    select(vec![Existing::Keep, Existing::Raise, Existing::Replace])
}

/// The role there must be at the end, and the outcomes that tell the truth about it.
fn expected(before: Option<&Membership>, wanted: &str, existing: Existing, lost: bool) -> (String, Vec<Outcome>) {
    let rank = |role: &str| ROLES.iter().position(|known| *known == role);
    let Some(before) = before else { return (wanted.to_owned(), vec![Outcome::Granted]) };
    let current = before.role.clone().unwrap();
    let updates = match existing {
        Existing::Keep => false,
        Existing::Raise => rank(&current) < rank(wanted),
        Existing::Replace => current != wanted,
    };
    if updates {
        // A crash right after the update is followed by a second one; nothing is inspected again.
        (wanted.to_owned(), vec![Outcome::Updated])
    } else if current == wanted && lost && before.usher_event.is_none() {
        (current, vec![Outcome::Unchanged, Outcome::Granted])
    } else {
        (current, vec![Outcome::Unchanged])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_grant_ends_in_the_right_membership_and_says_so(
        before in memberships(), wanted in select(ROLES.to_vec()), existing in existings(), faults in faults(),
    ) {
        let (mut claim, mut clerk) = (claim(grant(wanted, existing)), Clerk { membership: before.clone(), creates: 0 });
        let outcome = follow(&mut claim, &mut clerk, &faults, |_, _| {});
        let (role, outcomes) = expected(before.as_ref(), wanted, existing, claim.answer_lost);
        prop_assert_eq!(clerk.membership.unwrap().role.unwrap(), role);
        prop_assert!(outcomes.contains(&outcome), "{outcome} is none of {outcomes:?}");
        prop_assert_eq!(clerk.creates, u32::from(before.is_none()), "created once, or found");
    }

    #[test]
    fn a_revoke_ends_without_a_membership_and_says_so(before in memberships(), faults in faults()) {
        let (mut claim, mut clerk) = (claim(Action::Revoke), Clerk { membership: before.clone(), creates: 0 });
        let outcome = follow(&mut claim, &mut clerk, &faults, |_, _| {});
        prop_assert_eq!(clerk.membership, None);
        match outcome {
            Outcome::Unchanged => prop_assert!(before.is_none() && !claim.answer_lost),
            Outcome::Revoked => prop_assert!(before.is_some() || claim.answer_lost),
            other => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn whatever_others_do_in_between_a_change_comes_to_its_end(
        befores in proptest::collection::vec(proptest::option::of(memberships()), 0..8),
        wanted in select(ROLES.to_vec()), existing in existings(), faults in faults(), revoke in any::<bool>(),
    ) {
        let action = if revoke { Action::Revoke } else { grant(wanted, existing) };
        let (mut claim, mut clerk) = (claim(action), Clerk::default());
        let outcome = follow(&mut claim, &mut clerk, &faults, |attempt, clerk| {
            if let Some(Some(other)) = befores.get(attempt) {
                clerk.membership = other.clone();
            }
        });
        prop_assert_ne!(outcome, Outcome::Dead);
        prop_assert_eq!(clerk.membership.is_none(), revoke, "what was asked for last holds");
    }
}
