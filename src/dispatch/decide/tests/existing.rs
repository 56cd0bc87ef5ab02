//! Demotions and the brake: what an inspection and a count decide.

use super::*;

fn replacing(wanted: &str, removals: u32, released: bool) -> Claim {
    Claim { step: Step::Inspect, removals, released, ..claim(grant(wanted, Existing::Replace)) }
}

fn seen(claim: &Claim, current: &str, members: Option<u64>) -> Decision {
    decide(
        claim,
        &Answer::Inspected(Some(membership(current, None))),
        &Guard { brake: Some(Brake::default()), members },
    )
}

#[test]
fn a_demotion_passes_the_brake_and_a_promotion_does_not_meet_it() {
    let update = Decision::Then(Step::Update);
    assert_eq!(seen(&replacing("org:member", 1, false), "org:admin", None), update);
    assert_eq!(seen(&replacing("org:member", 11, false), "org:admin", None), Decision::Then(Step::CountMembers));
    assert_eq!(seen(&replacing("org:member", 11, false), "org:admin", Some(100)), update);
    assert!(matches!(seen(&replacing("org:member", 101, false), "org:admin", None), Decision::Hold { .. }));
    assert!(matches!(seen(&replacing("org:member", 101, false), "org:unheard_of", None), Decision::Hold { .. }));
    assert_eq!(seen(&replacing("org:member", 101, true), "org:admin", None), update, "released");
    assert_eq!(seen(&replacing("org:member", 101, false), "org:viewer", None), update, "a promotion");
}

#[test]
fn a_count_lets_pass_or_holds_and_no_count_holds() {
    let brake = Brake::default();
    let counted = |claim: Claim, members| {
        let claim = Claim { step: Step::CountMembers, removals: 11, ..claim };
        let answer = Answer::Counted(Some(Organization { members }));
        decide(&claim, &answer, &Guard { brake: Some(brake), members: None })
    };
    assert_eq!(counted(claim(Action::Revoke), Some(100)), Decision::Then(Step::Delete));
    assert_eq!(counted(replacing("org:viewer", 11, false), Some(100)), Decision::Then(Step::Update));
    assert!(matches!(counted(claim(Action::Revoke), Some(12)), Decision::Hold { .. }));
    assert!(matches!(counted(claim(Action::Revoke), None), Decision::Hold { .. }));
}

#[test]
fn only_what_lowers_a_role_is_told_to_the_ledger() {
    let of = |claim: &Claim, current: &str| lowers(claim, &Answer::Inspected(Some(membership(current, None))));
    assert!(of(&replacing("org:member", 1, false), "org:admin"));
    assert!(!of(&replacing("org:member", 1, false), "org:member"));
    assert!(!of(&replacing("org:member", 1, false), "org:viewer"));
    assert!(!of(&claim(grant("org:member", Existing::Raise)), "org:admin"), "kept");
    assert!(of(&Claim { replaces: true, ..claim(grant("org:member", Existing::Keep)) }, "org:admin"));
    assert!(!lowers(&claim(Action::Revoke), &Answer::Inspected(None)));
}
