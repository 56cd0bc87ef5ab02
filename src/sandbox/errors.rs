//! Everything that a call can be refused for, with the status, code and words that Clerk has for it.
//! Does not know which call meets which refusal.

use serde_json::{Value, json};

/// Why a call has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    AuthorizationFormat,
    SecretKey,
    ApiVersion(&'static str),
    TooManyRequests { seconds: u64 },
    Unexpected,
    UnknownUrl,
    ContentType(String),
    BodyTooLarge { limit: usize },
    BodyInvalid,
    ParametersMalformed,
    ParameterMissing(&'static str),
    ParameterNil(&'static str),
    ParameterUnknown(String),
    ParameterType { name: &'static str, expected: &'static str },
    ParameterFormat { name: &'static str, expected: &'static str },
    ParameterValue(&'static str),
    TooManyValues { name: &'static str, limit: usize },
    Taken(&'static str),
    OrganizationNotFound,
    UserNotFound(String),
    RoleNotFound,
    MembershipNotFound,
    CreatorNotFound,
    AlreadyMember(String),
    QuotaExceeded { limit: u64 },
    LastAdmin,
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
            Self::UnknownUrl
            | Self::OrganizationNotFound
            | Self::UserNotFound(_)
            | Self::RoleNotFound
            | Self::MembershipNotFound => (404, "resource_not_found"),
            Self::CreatorNotFound => (400, "organization_creator_not_found"),
            Self::AlreadyMember(_) => (400, "already_a_member_in_organization"),
            Self::QuotaExceeded { .. } => (403, "organization_membership_quota_exceeded"),
            Self::LastAdmin => (400, "organization_minimum_permissions_needed"),
        }
    }

    fn message(&self) -> &'static str {
        match self {
            Self::AuthorizationFormat => "Invalid Authorization header format",
            Self::SecretKey => KEY_INVALID,
            Self::ApiVersion(_) => "invalid API version",
            Self::TooManyRequests { .. } => "Too many requests",
            Self::Unexpected => "Oops, an unexpected error occurred",
            Self::UnknownUrl => "URL not found",
            Self::ContentType(_) => "Content-Type is unsupported",
            Self::BodyTooLarge { .. } => "Request body too large",
            Self::BodyInvalid => "Request body invalid",
            Self::ParametersMalformed => "Malformed request parameters",
            Self::ParameterMissing(_) => "is missing",
            Self::ParameterUnknown(_) => "is unknown",
            Self::ParameterNil(_)
            | Self::ParameterType { .. }
            | Self::ParameterFormat { .. }
            | Self::ParameterValue(_) => "is invalid",
            Self::TooManyValues { .. } => "has too many items",
            Self::Taken(_) => "is taken",
            Self::OrganizationNotFound | Self::UserNotFound(_) | Self::RoleNotFound | Self::MembershipNotFound => {
                "not found"
            }
            Self::CreatorNotFound => "organization creator not found",
            Self::AlreadyMember(_) => "already a member",
            Self::QuotaExceeded { .. } => "organization membership quota exceeded",
            Self::LastAdmin => "minimum organization permissions needed",
        }
    }

    fn long_message(&self) -> String {
        match self {
            Self::AuthorizationFormat => {
                "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'".to_owned()
            }
            Self::SecretKey => KEY_INVALID.to_owned(),
            Self::ApiVersion(reason) => format!("Invalid Clerk API version: {reason}"),
            Self::TooManyRequests { .. } => "Too many requests, retry later".to_owned(),
            Self::Unexpected => "There was an internal error on our servers. The sandbox was told to fail.".to_owned(),
            Self::UnknownUrl => "The URL was not found".to_owned(),
            Self::BodyInvalid => "The request body is invalid. Please consult the API documentation.".to_owned(),
            Self::BodyTooLarge { limit } => {
                format!("The request body exceeds the maximum allowed size of {limit} bytes.")
            }
            Self::ContentType(actual) => {
                format!("Content-Type {actual} is unsupported. You should use application/json instead.")
            }
            Self::ParametersMalformed => "The request parameters are malformed and could not be parsed".to_owned(),
            Self::OrganizationNotFound => "Given organization not found.".to_owned(),
            Self::UserNotFound(id) => format!("No user was found with id {id}"),
            Self::RoleNotFound => "Organization role not found".to_owned(),
            Self::MembershipNotFound => "Resource not found".to_owned(),
            Self::CreatorNotFound => "The user who is to create the organization was not found.".to_owned(),
            Self::AlreadyMember(user) => format!("{user} is already a member of the organization."),
            Self::QuotaExceeded { limit } => format!(
                "You have reached your limit of {limit} organization memberships, including outstanding invitations."
            ),
            Self::LastAdmin => {
                "There has to be at least one organization member with the minimum required permissions".to_owned()
            }
            parameter => parameter.about_parameter(),
        }
    }

    fn about_parameter(&self) -> String {
        let name = self.parameter().unwrap_or("parameter");
        match self {
            Self::ParameterMissing(_) => format!("{name} must be included."),
            Self::ParameterNil(_) => format!("{name} must not be empty."),
            Self::ParameterUnknown(_) => format!("{name} is not a valid parameter for this request."),
            Self::ParameterType { expected, .. } => format!("{name} is invalid. It must be of type {expected}."),
            Self::ParameterFormat { expected, .. } => format!("{name} must be {expected}."),
            Self::TooManyValues { limit, .. } => format!("{name} should not exceed {limit} items."),
            Self::Taken(_) => format!("That {name} is taken. Please try another."),
            _ => format!("{name} does not match one of the allowed values for parameter {name}"),
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
            | Self::Taken(name) => Some(name),
            Self::ParameterUnknown(name) => Some(name),
            Self::RoleNotFound => Some("role"),
            _ => None,
        }
    }

    /// The error body as Clerk sends it.
    pub(super) fn body(&self, trace_id: &str) -> Value {
        let (_, code) = self.status_and_code();
        let mut error = json!({ "code": code, "message": self.message(), "long_message": self.long_message() });
        if let Some(name) = self.parameter() {
            error["meta"] = json!({ "param_name": name });
        }
        json!({ "errors": [error], "clerk_trace_id": trace_id })
    }
}

const KEY_INVALID: &str = "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_code_for_three_missing_things_is_told_apart_by_words_and_parameter() {
        let role = Refusal::RoleNotFound.body("t");
        assert_eq!(role["errors"][0]["meta"]["param_name"], "role");
        let user = Refusal::UserNotFound("user_x".to_owned()).body("t");
        assert_eq!(user["errors"][0]["long_message"], "No user was found with id user_x");
        let organization = Refusal::OrganizationNotFound.body("t");
        assert_eq!(organization["errors"][0]["code"], user["errors"][0]["code"]);
        assert_eq!(organization["clerk_trace_id"], "t");
    }
}
