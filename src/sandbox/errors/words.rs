//! The texts of a refusal, in Clerk's words where they are known.
//! Knows neither statuses nor codes.

use super::Refusal;

const KEY_INVALID: &str = "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.";

impl Refusal {
    /// Clerk's short text.
    pub(super) fn message(&self) -> &'static str {
        match self {
            Self::AuthorizationFormat => "Invalid Authorization header format",
            Self::SecretKey => KEY_INVALID,
            Self::ApiVersion(_) => "invalid API version",
            Self::TooManyRequests { .. } => "Too many requests",
            Self::Unexpected => "Oops, an unexpected error occurred",
            Self::Unavailable => "Service unavailable",
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
            Self::ReferenceNotFound(_) => "is not found",
            about_organizations => about_organizations.message_in_organizations(),
        }
    }

    fn message_in_organizations(&self) -> &'static str {
        match self {
            Self::OrganizationsDisabled => "access denied",
            Self::CreatorNotFound => "organization creator not found",
            Self::AlreadyMember(_) => "already a member",
            Self::QuotaExceeded { .. } => "organization membership quota exceeded",
            Self::LastAdmin => "minimum organization permissions needed",
            Self::ManagedByScim => "membership role managed by SCIM",
            Self::Exclusive => "exclusive organization membership",
            Self::PersonalAccount => "personal accounts not allowed",
            Self::NotAnAdmin => "not an administrator",
            Self::InvitationNotPending => "not pending",
            Self::InvitationNotUnique => "organization invitation not unique",
            Self::InvitationAccepted => "invitation has already been accepted",
            Self::InvitationRevoked => "invitation has been revoked",
            Self::InviteeNotFound => "identification not found",
            _ => "not found",
        }
    }

    /// Clerk's text for people.
    pub(super) fn long_message(&self) -> String {
        match self {
            Self::AuthorizationFormat => {
                "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'".to_owned()
            }
            Self::SecretKey => KEY_INVALID.to_owned(),
            Self::ApiVersion(reason) => format!("Invalid Clerk API version: {reason}"),
            Self::TooManyRequests { .. } => "Too many requests, retry later".to_owned(),
            Self::Unexpected => "There was an internal error on our servers. The sandbox was told to fail.".to_owned(),
            Self::Unavailable => "The service is temporarily unavailable. The sandbox was told so.".to_owned(),
            Self::UnknownUrl => "The URL was not found".to_owned(),
            Self::BodyInvalid => "The request body is invalid. Please consult the API documentation.".to_owned(),
            Self::BodyTooLarge { limit } => {
                format!("The request body exceeds the maximum allowed size of {limit} bytes.")
            }
            Self::ContentType(actual) => {
                format!("Content-Type {actual} is unsupported. You should use application/json instead.")
            }
            Self::ParametersMalformed => "The request parameters are malformed and could not be parsed".to_owned(),
            about_organizations => about_organizations.long_message_in_organizations(),
        }
    }

    fn long_message_in_organizations(&self) -> String {
        let text = match self {
            Self::UserNotFound(id) => return format!("No user was found with id {id}"),
            Self::InvitationNotFound(id) => return format!("No invitation found with id {id}."),
            Self::AlreadyMember(who) => return format!("{who} is already a member of the organization."),
            Self::QuotaExceeded { limit } => {
                return format!(
                    "You have reached your limit of {limit} organization memberships, including outstanding invitations."
                );
            }
            Self::OrganizationsDisabled => {
                "The organizations feature is not enabled for this instance. You can enable it at https://dashboard.clerk.com."
            }
            Self::OrganizationNotFound => "Given organization not found.",
            Self::RoleNotFound => "Organization role not found",
            Self::MembershipNotFound => "Resource not found",
            Self::CreatorNotFound => "The user who is to create the organization was not found.",
            Self::LastAdmin => "There has to be at least one organization member with the minimum required permissions",
            Self::ManagedByScim => "This membership is managed by a SCIM directory and cannot be changed manually.",
            Self::Exclusive => "A member of an exclusive organization cannot be a member of any other.",
            Self::PersonalAccount => {
                "Personal accounts are not allowed: a user has to stay in one organization at least."
            }
            Self::NotAnAdmin => {
                "Current user is not an administrator in the organization. Only administrators can perform this action."
            }
            Self::InvitationNotPending => "The organization invitation is not in the 'pending' status.",
            Self::InvitationNotUnique => {
                "Organizations cannot have duplicate pending invitations for an email address."
            }
            Self::InvitationAccepted => "This invitation has already been accepted. Sign in instead.",
            Self::InvitationRevoked => "This invitation has been revoked and cannot be used anymore.",
            Self::InviteeNotFound => {
                "User not found. If you don't have an account, sign up first to accept this invitation."
            }
            parameter => return parameter.about_parameter(),
        };
        text.to_owned()
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
            Self::ReferenceNotFound(_) => format!("{name} names nothing that exists."),
            _ => format!("{name} does not match one of the allowed values for parameter {name}"),
        }
    }
}
