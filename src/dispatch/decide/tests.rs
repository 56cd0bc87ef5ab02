//! The recipe answer by answer; `tests/` follows whole changes through a small model of Clerk.

mod clerk;
mod existing;
mod histories;
mod table;

use super::super::fixtures::{claim, claim_of, grant};
use super::*;
use crate::domain::{Brake, Existing, Grant, MissingUser};

const OTHER_EVENT: &str = "another event";

fn membership(role: &str, usher_event: Option<String>) -> Membership {
    let shows_metadata = usher_event.is_some();
    Membership { id: Some("orgmem_1".to_owned()), role: Some(role.to_owned()), usher_event, shows_metadata }
}

fn invitation(role: &str, usher_event: Option<String>) -> Invitation {
    Invitation { id: "orginv_1".parse().unwrap(), role: Some(role.to_owned()), usher_event }
}

/// By the default brake, with nothing known of the members.
fn judged(claim: &Claim, answer: &Answer) -> Decision {
    decide(claim, answer, &Guard { brake: Some(Brake::default()), members: None })
}

fn outcome(decision: Decision) -> Outcome {
    match decision {
        Decision::End { outcome, .. } => outcome,
        other => panic!("no end: {other:?}"),
    }
}

fn inspected(existing: Existing, answer_lost: bool, role: &str, usher_event: Option<String>) -> Decision {
    let claim = Claim { step: Step::Inspect, answer_lost, ..claim(grant("org:member", existing)) };
    judged(&claim, &Answer::Inspected(Some(membership(role, usher_event))))
}

/// A grant of this key whose user may be missing.
fn patient(user: &str, missing_user: MissingUser) -> Claim {
    let mut grant = Grant::new("org:member".parse().unwrap(), Existing::Raise, vec!["org:viewer".parse().unwrap()]);
    grant.missing_user = missing_user;
    claim_of("org_1", user, Action::Grant(grant))
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
        [inspected(Existing::Raise, true, "org:member", None), judged(&revoke, &Answer::Failed(Class::NotMember))];
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
fn a_grant_that_stands_for_a_revoke_as_well_replaces_whatever_is_there() {
    let keep = grant("org:member", Existing::Keep);
    let claim = Claim { step: Step::Inspect, replaces: true, ..claim(keep) };
    for current in ["org:viewer", "org:admin", "org:unheard_of"] {
        let answer = Answer::Inspected(Some(membership(current, None)));
        assert_eq!(judged(&claim, &answer), Decision::Then(Step::Update), "{current}");
    }
}

#[test]
fn a_text_that_is_no_role_is_not_repeated() {
    let decision = inspected(Existing::Keep, false, "mail@example.com", None);
    assert!(!format!("{decision:?}").contains("mail"));
}

#[test]
fn a_name_that_was_found_becomes_the_key() {
    let claim = claim_of("slug:acme", "email:ada@example.com", Action::Revoke);
    let Decision::Found { key } = judged(&claim, &Answer::OrganizationFound("org_acme".parse().ok())) else { panic!() };
    assert_eq!((&*key.organization.to_text(), &key.user), ("org_acme", &claim.change.key.user));
    let claim = claim_of("org_1", "external_id:42", Action::Revoke);
    let found = Answer::UserFound(FoundUser::One("user_ada".parse().unwrap()));
    let Decision::Found { key } = judged(&claim, &found) else { panic!() };
    assert_eq!(key.to_string(), "org_1/user_ada");
}

#[test]
fn a_name_without_an_organization_or_of_several_users_is_refused() {
    for action in [grant("org:member", Existing::Raise), Action::Revoke] {
        let claim = claim_of("slug:acme", "user_1", action);
        assert!(matches!(judged(&claim, &Answer::OrganizationFound(None)), Decision::Refuse { reason: Some(_) }));
        assert!(matches!(judged(&claim, &Answer::UserFound(FoundUser::Several)), Decision::Refuse { reason: Some(_) }));
    }
}

#[test]
fn a_missing_user_is_refused_waited_for_or_invited_however_it_shows() {
    let ways = [Answer::UserFound(FoundUser::None), Answer::UserConfirmed(false), Answer::Failed(Class::UserMissing)];
    for way in ways {
        let of = |user, missing| judged(&patient(user, missing), &way);
        for user in ["user_1", "external_id:42", "email:ada@example.com"] {
            assert!(matches!(of(user, MissingUser::Fail), Decision::Refuse { reason: Some(_) }), "{user} {way:?}");
            assert_eq!(of(user, MissingUser::Wait), Decision::Wait(WaitFor::User), "{user} {way:?}");
        }
        assert_eq!(of("email:ada@example.com", MissingUser::Invite), Decision::Then(Step::FindInvitation));
        assert!(matches!(of("user_1", MissingUser::Invite), Decision::Refuse { reason: Some(_) }));
    }
}

#[test]
fn something_missing_is_told_apart_by_looking() {
    let at = |step: Step, answer| judged(&Claim { step, ..patient("user_1", MissingUser::Wait) }, &answer);
    let organization = Some(Organization { members: None });
    assert_eq!(
        at(Step::ConfirmOrganization, Answer::OrganizationConfirmed(organization)),
        Decision::Then(Step::ConfirmUser)
    );
    let Decision::Refuse { reason } = at(Step::ConfirmOrganization, Answer::OrganizationConfirmed(None)) else {
        panic!()
    };
    assert_eq!(reason.as_deref(), Some("the organization does not exist"));
    assert_eq!(at(Step::ConfirmUser, Answer::UserConfirmed(true)), Decision::Then(Step::Recreate));
    let Decision::Refuse { reason } = at(Step::Recreate, Answer::Failed(Class::SomethingMissing)) else { panic!() };
    assert!(reason.is_some_and(|reason| reason.contains("the role")));
}

#[test]
fn an_invitation_that_is_there_stays_goes_or_counts_as_this_changes_own() {
    let claim = Claim { step: Step::FindInvitation, ..patient("email:ada@example.com", MissingUser::Invite) };
    let own = Some(claim.change.id.event.to_string());
    let found = |role, by: Option<String>| judged(&claim, &Answer::InvitationFound(Some(invitation(role, by))));
    let withdraw = Decision::Then(Step::WithdrawInvitation("orginv_1".parse().unwrap()));
    assert_eq!(judged(&claim, &Answer::InvitationFound(None)), Decision::Then(Step::Invite));
    assert_eq!(found("org:viewer", None), withdraw, "to be raised");
    assert_eq!(outcome(found("org:member", own)), Outcome::Invited);
    assert_eq!(outcome(found("org:member", None)), Outcome::Unchanged);
    let Decision::End { outcome, membership_id, reason } = found("org:admin", None) else { panic!() };
    assert_eq!((outcome, membership_id.as_deref()), (Outcome::Unchanged, Some("orginv_1")));
    assert_eq!(reason.as_deref(), Some("the user is invited as org:admin, which is not lower"));
}

#[test]
fn an_invitation_of_unknown_outcome_is_looked_for_and_not_made_again() {
    let claim = Claim { step: Step::Invite, ..patient("email:ada@example.com", MissingUser::Invite) };
    let retry = |outcome_unknown| {
        let Decision::Retry { step, .. } =
            judged(&claim, &Answer::Failed(Class::Retry { after: None, outcome_unknown }))
        else {
            panic!()
        };
        step
    };
    assert_eq!((retry(true), retry(false)), (Step::FindInvitation, Step::Invite));
}
