//! The one code that stands for unknown organizations, users, roles and invitations, told apart.

use super::super::*;
use super::answered;

const SUBJECTS: [Subject; 5] = [Subject::Organization, Subject::User, Subject::Role, Subject::Other, Subject::Unsaid];

/// What each call makes of each of [`SUBJECTS`].
const CASES: [(Call, [Class; 5]); 11] = {
    use Class::{InvitationGone, NotMember, OrganizationMissing, Refused, SomethingMissing, UserMissing};
    [
        (Call::FindOrganization, [OrganizationMissing; 5]),
        (Call::ReadOrganization, [OrganizationMissing; 5]),
        (Call::ReadUser, [UserMissing; 5]),
        (Call::FindUser, [Refused; 5]),
        (Call::Create, [OrganizationMissing, UserMissing, Refused, SomethingMissing, SomethingMissing]),
        (Call::Inspect, [OrganizationMissing, NotMember, Refused, OrganizationMissing, OrganizationMissing]),
        (Call::Update, [OrganizationMissing, NotMember, Refused, NotMember, NotMember]),
        (Call::Delete, [OrganizationMissing, NotMember, Refused, NotMember, NotMember]),
        (
            Call::FindInvitation,
            [OrganizationMissing, OrganizationMissing, Refused, OrganizationMissing, OrganizationMissing],
        ),
        (Call::Invite, [OrganizationMissing, SomethingMissing, Refused, SomethingMissing, SomethingMissing]),
        (Call::WithdrawInvitation, [OrganizationMissing, InvitationGone, Refused, InvitationGone, InvitationGone]),
    ]
};

#[test]
fn what_is_missing_is_what_the_answer_names_or_else_what_the_path_says() {
    for (call, classes) in CASES {
        for (subject, expected) in SUBJECTS.into_iter().zip(classes) {
            let error = answered(call, 404, Some("resource_not_found"), subject, None);
            assert_eq!(error.class(), expected, "{call:?} {subject:?}");
        }
    }
}

#[test]
fn a_404_without_a_code_of_clerks_proves_nothing() {
    for call in Call::ALL {
        let class = answered(call, 404, None, Subject::Unsaid, None).class();
        assert_eq!(class, Class::Retry { after: None, outcome_unknown: false }, "{call:?}");
    }
}

#[test]
fn what_a_body_names_and_does_not_exist_is_told_apart_too() {
    let class = |call, subject| answered(call, 422, Some("form_resource_not_found"), subject, None).class();
    assert_eq!(class(Call::Create, Subject::User), Class::UserMissing);
    assert_eq!(class(Call::Create, Subject::Organization), Class::OrganizationMissing);
    assert_eq!(class(Call::Create, Subject::Role), Class::Refused);
    assert_eq!(class(Call::Update, Subject::Role), Class::Refused);
}

#[test]
fn what_is_missing_is_said_in_words() {
    let text = |call, subject| answered(call, 404, Some("resource_not_found"), subject, None).to_string();
    let cases = [
        (Call::Create, Subject::Organization, "the organization does not exist in this instance"),
        (Call::Create, Subject::User, "the user does not exist in this instance"),
        (Call::Create, Subject::Role, "the role does not exist or is not in the organization's role set"),
        (Call::Create, Subject::Unsaid, "the organization, the user or the role does not exist"),
        (Call::Delete, Subject::Unsaid, "there is no such membership"),
        (Call::WithdrawInvitation, Subject::Unsaid, "the invitation does not exist any more"),
    ];
    for (call, subject, words) in cases {
        assert_eq!(text(call, subject), format!("Clerk answered 404 resource_not_found: {words}"));
    }
}
