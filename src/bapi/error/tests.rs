//! Every code that matters, with the status Clerk gives it, and every status without a code.

use super::*;

fn error(step: Step, status: u16, code: Option<&str>) -> BapiError {
    let code = code.map(str::to_owned);
    BapiError { step, kind: Kind::Answered(Answered { status, code, about_role: false, retry_after: None }) }
}

const KNOWN: Class = Class::Retry { after: None, outcome_unknown: false };
const UNKNOWN: Class = Class::Retry { after: None, outcome_unknown: true };
const TOO_MANY: Class = Class::Retry { after: Some(UNSAID_RETRY_AFTER), outcome_unknown: false };

/// What a create may be answered with.
const CREATE: &[(u16, &str, Class)] = &[
    (400, "already_a_member_in_organization", Class::AlreadyMember),
    (404, "resource_not_found", Class::Refused),
    (404, "organization_not_found_or_unauthorized", Class::Refused),
    (422, "form_param_value_invalid", Class::Refused),
    (422, "form_param_missing", Class::Refused),
    (422, "form_param_nil", Class::Refused),
    (422, "form_param_format_invalid", Class::Refused),
    (422, "form_param_type_invalid", Class::Refused),
    (422, "form_resource_not_found", Class::Refused),
    (403, "organization_membership_quota_exceeded", Class::Wait),
    (422, "organization_membership_quota_exceeded", Class::Wait),
    (403, "organization_membership_quota_exceeded_for_sso", Class::Wait),
    (403, "quota_exceeded", Class::Wait),
    (403, "feature_not_enabled", Class::Wait),
    (403, "organization_not_enabled_in_instance", Class::Halt),
    (403, "organizations_not_enabled_in_instance", Class::Halt),
    (403, "authorization_invalid", Class::Halt),
    (403, "authorization_missing_scopes", Class::Halt),
    (403, "platform_api_auth_strategy_not_allowed", Class::Halt),
    (422, "exclusive_organization_membership", Class::Refused),
    (409, "organization_membership_managed_by_scim", Class::Refused),
    (409, "role_migration_in_progress", KNOWN),
    (409, "resource_locked", KNOWN),
    (409, "conflict", KNOWN),
    (401, "clerk_key_invalid", Class::Halt),
    (401, "authorization_header_format_invalid", Class::Halt),
    (401, "could_not_authenticate_request", Class::Halt),
    (401, "authentication_invalid", Class::Halt),
    (400, "request_body_invalid", Class::Refused),
    (400, "malformed_request_parameters", Class::Refused),
    (400, "bad_request", Class::Refused),
    (400, "bulk_size_exceeded", Class::Refused),
    (400, "api_version_invalid", Class::Halt),
    (400, "request_invalid_for_environment", Class::Halt),
    (400, "request_invalid_for_instance", Class::Halt),
    (402, "something_new", Class::Refused),
    (410, "operation_deprecated", Class::Halt),
    (413, "request_body_too_large", Class::Refused),
    (415, "unsupported_content_type", Class::Refused),
    (429, "too_many_requests", TOO_MANY),
    (500, "internal_clerk_error", UNKNOWN),
    (503, "service_unavailable", UNKNOWN),
    (504, "gateway_timeout", UNKNOWN),
    (400, "organization_minimum_permissions_needed", Class::Refused),
    (422, "personal_accounts_not_allowed", Class::Refused),
];

#[test]
fn a_create_is_classified_by_code() {
    for (status, code, expected) in CREATE {
        assert_eq!(error(Step::Create, *status, Some(code)).class(), *expected, "{status} {code}");
    }
}

#[test]
fn an_unknown_code_or_none_is_classified_by_status() {
    let cases = [
        (301, Class::Halt, Class::Halt),
        (400, Class::Refused, KNOWN),
        (401, Class::Halt, Class::Halt),
        (402, Class::Refused, KNOWN),
        (403, Class::Refused, KNOWN),
        (404, Class::Refused, KNOWN),
        (408, UNKNOWN, UNKNOWN),
        (409, KNOWN, KNOWN),
        (410, Class::Halt, Class::Halt),
        (422, Class::Refused, KNOWN),
        (425, KNOWN, KNOWN),
        (429, TOO_MANY, TOO_MANY),
        (500, UNKNOWN, UNKNOWN),
        (502, UNKNOWN, UNKNOWN),
        (503, UNKNOWN, UNKNOWN),
        (504, UNKNOWN, UNKNOWN),
        (524, UNKNOWN, UNKNOWN),
    ];
    for (status, with_code, without) in cases {
        assert_eq!(error(Step::Create, status, Some("new_in_2027")).class(), with_code, "{status} with a code");
        assert_eq!(error(Step::Create, status, None).class(), without, "{status} without a code");
    }
}

#[test]
fn not_found_is_no_member_only_where_a_membership_is_named_and_the_role_is_not_meant() {
    let class = |step, about_role| {
        let code = Some("resource_not_found".to_owned());
        BapiError { step, kind: Kind::Answered(Answered { status: 404, code, about_role, retry_after: None }) }.class()
    };
    assert_eq!(class(Step::Update, false), Class::NotMember);
    assert_eq!(class(Step::Delete, false), Class::NotMember);
    assert_eq!(class(Step::Update, true), Class::Refused);
    assert_eq!(class(Step::Create, false), Class::Refused);
    assert_eq!(class(Step::Inspect, false), Class::Refused);
    // A page of some proxy is no proof that there is no membership.
    assert_eq!(error(Step::Delete, 404, None).class(), KNOWN);
}

#[test]
fn an_error_says_what_happened_in_words() {
    let text = error(Step::Create, 403, Some("organization_membership_quota_exceeded")).to_string();
    insta::assert_snapshot!(text, @"Clerk answered 403 organization_membership_quota_exceeded: the organization has no seat left; pending invitations take seats too");
    insta::assert_snapshot!(error(Step::Create, 502, None).to_string(), @"Clerk answered 502 without a code");
    let error = BapiError { step: Step::Create, kind: Kind::Timeout };
    insta::assert_snapshot!(error.to_string(), @"Clerk did not answer in time");
}
