//! Every step with every failure that Clerk can give, in one table each for grants and revokes.

use super::*;

const CLASSES: [Class; 7] = [
    Class::AlreadyMember,
    Class::NotMember,
    Class::OrganizationMissing,
    Class::UserMissing,
    Class::SomethingMissing,
    Class::InvitationPending,
    Class::InvitationGone,
];

fn short(decision: Decision) -> String {
    match decision {
        Decision::End { outcome, .. } => outcome.name().to_owned(),
        Decision::Then(step) | Decision::Took(step) => format!("then {}", step.name()),
        Decision::Restart(step) => format!("restart {}", step.name()),
        Decision::Refuse { reason: Some(reason) } => reason,
        Decision::Refuse { reason: None } => "-".to_owned(),
        other => format!("{other:?}"),
    }
}

fn row(claim: &Claim) -> [String; 7] {
    CLASSES.map(|class| short(judged(claim, &Answer::Failed(class))))
}

const NO_ORGANIZATION: &str = "the organization does not exist";
const NO_USER: &str = "there is no such user";
const NO_ROLE: &str = "the role does not exist or is not in the organization's role set";

#[test]
fn a_grant_has_an_answer_to_every_failure() {
    let withdraw = Step::WithdrawInvitation("orginv_1".parse().unwrap());
    let expected: [(Step, [&str; 7]); 13] = [
        (Step::FindOrganization, ["-", "-", NO_ORGANIZATION, NO_USER, NO_ORGANIZATION, "-", "-"]),
        (Step::FindUser, ["-", "-", NO_ORGANIZATION, NO_USER, "-", "-", "-"]),
        (Step::Create, ["then inspect", "-", NO_ORGANIZATION, NO_USER, "then confirm_organization", "-", "-"]),
        (Step::ConfirmOrganization, ["-", "-", NO_ORGANIZATION, NO_USER, NO_ORGANIZATION, "-", "-"]),
        (Step::ConfirmUser, ["-", "-", NO_ORGANIZATION, NO_USER, NO_USER, "-", "-"]),
        (Step::Recreate, ["then inspect", "-", NO_ORGANIZATION, NO_USER, NO_ROLE, "-", "-"]),
        (Step::Inspect, ["-", "restart create", NO_ORGANIZATION, NO_USER, "restart create", "-", "-"]),
        (Step::Update, ["-", "restart create", NO_ORGANIZATION, NO_USER, "restart create", "-", "-"]),
        (Step::CountMembers, ["-", "-", NO_ORGANIZATION, NO_USER, NO_ORGANIZATION, "-", "-"]),
        (Step::Delete, ["-", "unchanged", NO_ORGANIZATION, NO_USER, "unchanged", "-", "-"]),
        (Step::FindInvitation, ["-", "-", NO_ORGANIZATION, NO_USER, NO_ORGANIZATION, "-", "-"]),
        (withdraw, ["-", "-", NO_ORGANIZATION, NO_USER, "restart find_user", "-", "restart find_user"]),
        (
            Step::Invite,
            [
                "restart find_user",
                "-",
                NO_ORGANIZATION,
                NO_USER,
                "then confirm_organization",
                "restart find_invitation",
                "-",
            ],
        ),
    ];
    for (step, expected) in expected {
        let claim = Claim { step, ..claim(grant("org:member", Existing::Raise)) };
        assert_eq!(row(&claim), expected, "{:?}", claim.step);
    }
}

#[test]
fn a_revoke_has_an_answer_to_every_failure() {
    let withdraw = Step::WithdrawInvitation("orginv_1".parse().unwrap());
    let gone = "unchanged";
    let expected: [(Step, [&str; 7]); 6] = [
        (Step::FindOrganization, ["-", "-", gone, gone, gone, "-", "-"]),
        (Step::FindUser, ["-", "-", gone, gone, "-", "-", "-"]),
        (Step::CountMembers, ["-", "-", gone, gone, gone, "-", "-"]),
        (Step::Delete, ["-", gone, gone, gone, gone, "-", "-"]),
        (Step::FindInvitation, ["-", "-", gone, gone, gone, "-", "-"]),
        (withdraw, ["-", "-", gone, gone, "restart find_user", "-", "restart find_user"]),
    ];
    for (step, expected) in expected {
        let claim = Claim { step, ..claim(Action::Revoke) };
        assert_eq!(row(&claim), expected, "{:?}", claim.step);
    }
}

#[test]
fn a_failure_that_is_about_no_step_is_passed_on_as_what_it_asks_for() {
    for action in [Action::Revoke, grant("org:member", Existing::Raise)] {
        let claim = claim(action);
        let of = |class| judged(&claim, &Answer::Failed(class));
        assert_eq!(of(Class::Wait), Decision::Wait(WaitFor::Room));
        assert_eq!(of(Class::Halt), Decision::Halt);
        assert_eq!(of(Class::Refused), Decision::Refuse { reason: None });
        let step = claim.step.clone();
        let retry = Class::Retry { after: None, outcome_unknown: true };
        assert_eq!(of(retry), Decision::Retry { step, after: None, outcome_unknown: true });
    }
}

#[test]
fn what_took_effect_ends_the_change_with_the_id_of_what_was_made() {
    let claim = claim(grant("org:member", Existing::Raise));
    let ends = [
        (Answer::Created(membership("org:member", None)), Outcome::Granted, "orgmem_1"),
        (Answer::Updated(membership("org:member", None)), Outcome::Updated, "orgmem_1"),
        (Answer::Deleted(membership("org:member", None)), Outcome::Revoked, "orgmem_1"),
        (Answer::Invited(invitation("org:member", None)), Outcome::Invited, "orginv_1"),
    ];
    for (answer, outcome, id) in ends {
        let membership_id = Some(id.to_owned());
        assert_eq!(judged(&claim, &answer), Decision::End { outcome, membership_id, reason: None });
    }
}

#[test]
fn a_withdrawal_is_an_effect_that_is_remembered() {
    let granting = claim(grant("org:member", Existing::Raise));
    assert_eq!(judged(&granting, &Answer::Withdrawn), Decision::Took(Step::Invite));
    assert_eq!(judged(&claim(Action::Revoke), &Answer::Withdrawn), Decision::Took(Step::FindUser));
}
