//! Everything that a call can be refused for, with the status and code that Clerk has for it.
//! Does not know which call meets which refusal.

mod words;

use serde_json::{Value, json};

/// Why a call has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    AuthorizationFormat,
    SecretKey,
    ApiVersion(&'static str),
    TooManyRequests {
        seconds: u64,
    },
    Unexpected,
    Unavailable,
    UnknownUrl,
    ContentType(String),
    BodyTooLarge {
        limit: usize,
    },
    BodyInvalid,
    ParametersMalformed,
    ParameterMissing(&'static str),
    ParameterNil(&'static str),
    ParameterUnknown(String),
    ParameterType {
        name: &'static str,
        expected: &'static str,
    },
    ParameterFormat {
        name: &'static str,
        expected: &'static str,
    },
    ParameterValue(&'static str),
    TooManyValues {
        name: &'static str,
        limit: usize,
    },
    Taken(&'static str),
    /// A parameter names something that is not there.
    ReferenceNotFound(&'static str),
    OrganizationsDisabled,
    OrganizationNotFound,
    UserNotFound(String),
    RoleNotFound,
    MembershipNotFound,
    CreatorNotFound,
    AlreadyMember(String),
    QuotaExceeded {
        limit: u64,
    },
    LastAdmin,
    ManagedByScim,
    Exclusive,
    PersonalAccount,
    NotAnAdmin,
    InvitationNotFound(String),
    InvitationNotPending,
    InvitationNotUnique,
    InvitationAccepted,
    InvitationRevoked,
    InviteeNotFound,
}

impl Refusal {
    /// Clerk's status and code for it.
    pub(super) fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::AuthorizationFormat => (401, "authorization_header_format_invalid"),
            Self::SecretKey => (401, "clerk_key_invalid"),
            Self::ApiVersion(_) => (400, "api_version_invalid"),
            Self::TooManyRequests { .. } => (429, "too_many_requests"),
            Self::Unexpected => (500, "internal_clerk_error"),
            Self::Unavailable => (503, "service_unavailable"),
            Self::ContentType(_) => (415, "unsupported_content_type"),
            Self::BodyTooLarge { .. } => (413, "request_body_too_large"),
            Self::BodyInvalid => (400, "request_body_invalid"),
            Self::ParametersMalformed => (400, "malformed_request_parameters"),
            Self::ParameterMissing(_) => (422, "form_param_missing"),
            Self::ParameterNil(_) => (422, "form_param_nil"),
            Self::ParameterUnknown(_) => (422, "form_param_unknown"),
            Self::ParameterFormat { .. } => (422, "form_param_format_invalid"),
            Self::ParameterType { .. } | Self::ParameterValue(_) => (422, "form_param_value_invalid"),
            Self::TooManyValues { .. } => (422, "form_param_array_size_exceeded"),
            Self::Taken(_) => (422, "form_identifier_exists"),
            Self::ReferenceNotFound(_) => (422, "form_resource_not_found"),
            Self::UnknownUrl => (404, NOT_FOUND),
            about_organizations => about_organizations.status_and_code_in_organizations(),
        }
    }

    fn status_and_code_in_organizations(&self) -> (u16, &'static str) {
        match self {
            Self::OrganizationsDisabled => (403, "organization_not_enabled_in_instance"),
            Self::CreatorNotFound => (400, "organization_creator_not_found"),
            Self::AlreadyMember(_) => (400, "already_a_member_in_organization"),
            Self::QuotaExceeded { .. } => (403, "organization_membership_quota_exceeded"),
            Self::LastAdmin => (400, "organization_minimum_permissions_needed"),
            Self::ManagedByScim => (409, "organization_membership_managed_by_scim"),
            Self::Exclusive => (422, "exclusive_organization_membership"),
            Self::PersonalAccount => (422, "personal_accounts_not_allowed"),
            Self::NotAnAdmin => (403, "not_an_admin_in_organization"),
            Self::InvitationNotFound(_) => (404, "organization_invitation_not_found"),
            Self::InvitationNotPending => (404, "organization_invitation_not_pending"),
            Self::InvitationNotUnique => (400, "organization_invitation_not_unique"),
            Self::InvitationAccepted => (400, "organization_invitation_already_accepted"),
            Self::InvitationRevoked => (400, "organization_invitation_revoked_code"),
            Self::InviteeNotFound => (400, "organization_invitation_identification_not_exist"),
            _ => (404, NOT_FOUND),
        }
    }

    /// What Clerk's `meta.param_name` holds.
    fn parameter(&self) -> Option<&str> {
        match self {
            Self::ParameterMissing(name)
            | Self::ParameterNil(name)
            | Self::ParameterType { name, .. }
            | Self::ParameterFormat { name, .. }
            | Self::ParameterValue(name)
            | Self::TooManyValues { name, .. }
            | Self::Taken(name)
            | Self::ReferenceNotFound(name) => Some(name),
            Self::ParameterUnknown(name) => Some(name),
            Self::RoleNotFound => Some("role"),
            _ => None,
        }
    }

    /// The error body as Clerk sends it; a terse one does not tell which parameter, or which resource, it is about.
    pub(super) fn body(&self, trace_id: &str, terse: bool) -> Value {
        let (_, code) = self.status_and_code();
        let long_message =
            if terse && code == NOT_FOUND { Self::MembershipNotFound.long_message() } else { self.long_message() };
        let mut error = json!({ "code": code, "message": self.message(), "long_message": long_message });
        if let Some(name) = self.parameter().filter(|_| !terse) {
            error["meta"] = json!({ "param_name": name });
        }
        json!({ "errors": [error], "clerk_trace_id": trace_id })
    }
}

/// One code for everything that is not there.
const NOT_FOUND: &str = "resource_not_found";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_code_for_three_missing_things_is_told_apart_by_words_and_parameter() {
        let role = Refusal::RoleNotFound.body("t", false);
        assert_eq!(role["errors"][0]["meta"]["param_name"], "role");
        let user = Refusal::UserNotFound("user_x".to_owned()).body("t", false);
        assert_eq!(user["errors"][0]["long_message"], "No user was found with id user_x");
        let organization = Refusal::OrganizationNotFound.body("t", false);
        assert_eq!(organization["errors"][0]["code"], user["errors"][0]["code"]);
        assert_eq!(organization["clerk_trace_id"], "t");
    }

    #[test]
    fn terse_missing_things_cannot_be_told_apart() {
        let user = Refusal::UserNotFound("user_x".to_owned());
        for refusal in [Refusal::RoleNotFound, Refusal::OrganizationNotFound, user] {
            assert_eq!(refusal.body("t", true), Refusal::MembershipNotFound.body("t", true));
        }
        let missing = Refusal::ParameterMissing("role").body("t", true);
        assert_eq!(
            (&missing["errors"][0]["meta"], &missing["errors"][0]["code"]),
            (&Value::Null, &json!("form_param_missing"))
        );
    }
}
