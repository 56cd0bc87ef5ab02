//! Every code that Clerk documents, with its status, for the calls where it can come; and every status without a code.

use super::*;

mod missing;

const KNOWN: Class = Class::Retry { after: None, outcome_unknown: false };
const UNKNOWN: Class = Class::Retry { after: None, outcome_unknown: true };
const TOO_MANY: Class = Class::Retry { after: Some(UNSAID_RETRY_AFTER), outcome_unknown: false };

fn answered(call: Call, status: u16, code: Option<&str>, subject: Subject, retry_after: Option<u64>) -> BapiError {
    let (code, retry_after) = (code.map(str::to_owned), retry_after.map(Duration::from_secs));
    BapiError { call, kind: Kind::Answered(Answered { status, code, subject, retry_after }) }
}

fn error(call: Call, status: u16, code: Option<&str>) -> BapiError {
    answered(call, status, code, Subject::Unsaid, None)
}

const EVERY: &[Call] = &Call::ALL;
const CREATE: &[Call] = &[Call::Create];
const INVITE: &[Call] = &[Call::Invite];
const GIVES: &[Call] = &[Call::Create, Call::Invite];
const CHANGES: &[Call] = &[Call::Update, Call::Delete];
const GIVES_OR_CHANGES: &[Call] = &[Call::Create, Call::Invite, Call::Update, Call::Delete];
const WITHDRAW: &[Call] = &[Call::WithdrawInvitation];
const READS: &[Call] = &[
    Call::FindOrganization,
    Call::FindUser,
    Call::ReadOrganization,
    Call::ReadUser,
    Call::Inspect,
    Call::FindInvitation,
];
const WRITES: &[Call] = &[Call::Create, Call::Update, Call::Delete, Call::Invite, Call::WithdrawInvitation];

const CODES: &[(u16, &str, &[Call], Class)] = &[
    (400, "already_a_member_in_organization", GIVES, Class::AlreadyMember),
    (400, "already_a_member_in_organization", CHANGES, Class::Refused),
    (403, "not_a_member_in_organization", CHANGES, Class::NotMember),
    (403, "not_a_member_in_organization", INVITE, Class::Refused),
    (404, "resource_not_found", CREATE, Class::SomethingMissing),
    (404, "organization_not_found_or_unauthorized", EVERY, Class::OrganizationMissing),
    (422, "form_param_value_invalid", EVERY, Class::Refused),
    (422, "form_param_missing", EVERY, Class::Refused),
    (422, "form_param_nil", EVERY, Class::Refused),
    (422, "form_param_format_invalid", EVERY, Class::Refused),
    (422, "form_param_type_invalid", EVERY, Class::Refused),
    (422, "form_identifier_exists", EVERY, Class::Refused),
    (422, "form_new_in_2027", EVERY, Class::Refused),
    (422, "form_resource_not_found", CREATE, Class::SomethingMissing),
    (422, "form_resource_not_found", INVITE, Class::Refused),
    (422, "form_resource_not_found", CHANGES, Class::Refused),
    (403, "organization_membership_quota_exceeded", GIVES, Class::Wait),
    (422, "organization_membership_quota_exceeded", GIVES, Class::Wait),
    (403, "organization_membership_quota_exceeded_for_sso", GIVES, Class::Wait),
    (400, "organization_member_limit_managed_by_billing", GIVES, Class::Wait),
    (403, "quota_exceeded", EVERY, Class::Wait),
    (403, "feature_not_enabled", EVERY, Class::Wait),
    (403, "organization_quota_exceeded", EVERY, Class::Wait),
    (403, "org_creation_limit_exceeded", EVERY, Class::Wait),
    (403, "organization_not_enabled_in_instance", EVERY, Class::Halt),
    (403, "organizations_not_enabled_in_instance", EVERY, Class::Halt),
    (403, "organization_slugs_disabled", EVERY, Class::Refused),
    (403, "authorization_invalid", EVERY, Class::Halt),
    (403, "authorization_missing_scopes", EVERY, Class::Halt),
    (403, "authorization_new_in_2027", EVERY, Class::Halt),
    (403, "platform_api_auth_strategy_not_allowed", EVERY, Class::Halt),
    (422, "exclusive_organization_membership", GIVES, Class::Refused),
    (409, "organization_membership_managed_by_scim", GIVES_OR_CHANGES, Class::Refused),
    (409, "role_migration_in_progress", EVERY, KNOWN),
    (409, "resource_locked", EVERY, KNOWN),
    (409, "conflict", EVERY, KNOWN),
    (401, "clerk_key_invalid", EVERY, Class::Halt),
    (401, "authorization_header_format_invalid", EVERY, Class::Halt),
    (401, "could_not_authenticate_request", EVERY, Class::Halt),
    (401, "authentication_invalid", EVERY, Class::Halt),
    (400, "request_body_invalid", EVERY, Class::Refused),
    (400, "malformed_request_parameters", EVERY, Class::Refused),
    (400, "bad_request", EVERY, Class::Refused),
    (400, "bulk_size_exceeded", EVERY, Class::Refused),
    (400, "api_version_invalid", EVERY, Class::Halt),
    (400, "request_invalid_for_environment", EVERY, Class::Halt),
    (400, "request_invalid_for_instance", EVERY, Class::Halt),
    (410, "operation_deprecated", EVERY, Class::Halt),
    (413, "request_body_too_large", EVERY, Class::Refused),
    (415, "unsupported_content_type", EVERY, Class::Refused),
    (429, "too_many_requests", EVERY, TOO_MANY),
    (500, "internal_clerk_error", WRITES, UNKNOWN),
    (503, "service_unavailable", WRITES, UNKNOWN),
    (504, "gateway_timeout", WRITES, UNKNOWN),
    (500, "internal_clerk_error", READS, KNOWN),
    (503, "service_unavailable", READS, KNOWN),
    (504, "gateway_timeout", READS, KNOWN),
    (400, "organization_minimum_permissions_needed", CHANGES, Class::Refused),
    (422, "personal_accounts_not_allowed", CHANGES, Class::Refused),
    (400, "organization_invitation_not_unique", INVITE, Class::InvitationPending),
    (400, "duplicate_record", INVITE, Class::InvitationPending),
    (400, "duplicate_record", CREATE, Class::Refused),
    (404, "organization_invitation_not_pending", WITHDRAW, Class::InvitationGone),
    (404, "organization_invitation_not_found", WITHDRAW, Class::InvitationGone),
    (400, "organization_invitation_already_accepted", WITHDRAW, Class::InvitationGone),
    (400, "organization_invitation_revoked_code", WITHDRAW, Class::InvitationGone),
    (404, "organization_invitation_not_pending", INVITE, Class::Refused),
    (400, "organization_creator_not_found", EVERY, Class::Refused),
];

#[test]
fn every_code_is_classified_for_every_call_where_it_can_come() {
    for (status, code, calls, expected) in CODES {
        for call in *calls {
            assert_eq!(error(*call, *status, Some(code)).class(), *expected, "{call:?} {status} {code}");
        }
    }
}

#[test]
fn a_code_decides_whatever_its_status() {
    for status in [400, 401, 403, 404, 409, 410, 422, 429, 500, 599] {
        let class = error(Call::Create, status, Some("already_a_member_in_organization")).class();
        assert_eq!(class, Class::AlreadyMember, "{status}");
        assert_eq!(error(Call::Create, status, Some("clerk_key_invalid")).class(), Class::Halt, "{status}");
    }
}

#[test]
fn no_code_of_the_table_is_without_its_row_here_and_none_is_in_it_twice() {
    let mut codes: Vec<_> = code::TABLE.iter().flat_map(|row| row.codes).collect();
    for code in &codes {
        assert!(CODES.iter().any(|(_, row, ..)| row == *code), "{code}");
    }
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count);
}

/// With an unknown code, and without any: what a create, and what a mere reading of something, is classified as.
#[test]
fn an_unknown_code_or_none_is_classified_by_status() {
    let refusals = (400..=499).filter(|status| ![401, 408, 409, 410, 423, 425, 429].contains(status));
    let cases = (300..=399)
        .chain([401, 410])
        .map(|status| (status, Class::Halt, Class::Halt))
        .chain(refusals.map(|status| (status, Class::Refused, KNOWN)))
        .chain([409, 423, 425].map(|status| (status, KNOWN, KNOWN)))
        .chain([(408, UNKNOWN, UNKNOWN), (429, TOO_MANY, TOO_MANY)])
        .chain((500..=599).map(|status| (status, UNKNOWN, UNKNOWN)));
    let of_a_reading = |class| if class == UNKNOWN { KNOWN } else { class };
    for (status, with_code, without) in cases {
        for (code, class) in [(Some("new_in_2027"), with_code), (None, without)] {
            assert_eq!(error(Call::Create, status, code).class(), class, "{status} {code:?}");
            assert_eq!(error(Call::FindUser, status, code).class(), of_a_reading(class), "{status} {code:?}");
        }
    }
}

#[test]
fn a_retry_after_holds_for_whatever_is_retried() {
    let after = |status, code| match answered(Call::Create, status, code, Subject::Unsaid, Some(9)).class() {
        Class::Retry { after, .. } => after,
        other => panic!("{other:?}"),
    };
    let answers = [
        (429, None),
        (429, Some("too_many_requests")),
        (503, None),
        (503, Some("service_unavailable")),
        (500, None),
        (409, Some("resource_locked")),
        (423, None),
        (408, None),
        (403, None),
    ];
    for (status, code) in answers {
        assert_eq!(after(status, code), Some(Duration::from_secs(9)), "{status} {code:?}");
    }
}

#[test]
fn what_only_reads_leaves_no_question_when_its_answer_is_lost() {
    for call in Call::ALL {
        for kind in [Kind::Timeout, Kind::Lost, Kind::Unreadable { status: 200 }] {
            let expected = if call.writes() { UNKNOWN } else { KNOWN };
            assert_eq!(BapiError { call, kind }.class(), expected, "{call:?}");
        }
        assert_eq!(BapiError { call, kind: Kind::Unreachable }.class(), KNOWN);
    }
}

#[test]
fn a_failure_of_clerks_is_told_from_a_refusal_and_from_too_many_calls() {
    let health = |status, code| error(Call::Create, status, code).health();
    for (status, code) in [(500, None), (502, Some("new_in_2027")), (503, Some("service_unavailable"))] {
        assert_eq!(health(status, code), Health::Down, "{status} {code:?}");
    }
    assert_eq!((health(429, None), health(429, Some("too_many_requests"))), (Health::Busy, Health::Busy));
    for (status, code) in [(400, Some("already_a_member_in_organization")), (401, None), (404, None), (409, None)] {
        assert_eq!(health(status, code), Health::Well, "{status} {code:?}");
    }
    for kind in [Kind::Unreachable, Kind::Timeout, Kind::Lost, Kind::Unreadable { status: 200 }] {
        assert_eq!(BapiError { call: Call::Create, kind }.health(), Health::Down);
    }
}

#[test]
fn an_error_says_what_happened_in_words() {
    let text = error(Call::Create, 403, Some("organization_membership_quota_exceeded")).to_string();
    insta::assert_snapshot!(text, @"Clerk answered 403 organization_membership_quota_exceeded: the organization has no seat left; pending invitations take seats too");
    insta::assert_snapshot!(error(Call::Create, 502, None).to_string(), @"Clerk answered 502 without a code");
    let error = BapiError { call: Call::Create, kind: Kind::Timeout };
    insta::assert_snapshot!(error.to_string(), @"Clerk did not answer in time");
}
