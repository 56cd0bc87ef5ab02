//! Clerk's error codes, gathered by what they mean for a change.
//! Knows nothing of HTTP.

/// What an error code says, whatever the status that came with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    AlreadyMember,
    NotFound,
    OrganizationHidden,
    SeatsTaken,
    PlanLimit,
    OrganizationsOff,
    Credential,
    ApiVersion,
    Retired,
    WrongInstance,
    Busy,
    ExclusiveMembership,
    ManagedByDirectory,
    LastWithPermissions,
    LastOrganization,
    Form,
    Request,
    TooManyRequests,
    Trouble,
    /// Not one that usher knows: the status decides.
    Unknown,
}

impl Code {
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "already_a_member_in_organization" => Self::AlreadyMember,
            "resource_not_found" => Self::NotFound,
            "organization_not_found_or_unauthorized" => Self::OrganizationHidden,
            "organization_membership_quota_exceeded" | "organization_membership_quota_exceeded_for_sso" => {
                Self::SeatsTaken
            }
            "quota_exceeded" | "feature_not_enabled" => Self::PlanLimit,
            // The second spelling is the older one.
            "organization_not_enabled_in_instance" | "organizations_not_enabled_in_instance" => Self::OrganizationsOff,
            "clerk_key_invalid"
            | "could_not_authenticate_request"
            | "authentication_invalid"
            | "platform_api_auth_strategy_not_allowed" => Self::Credential,
            "api_version_invalid" => Self::ApiVersion,
            "operation_deprecated" => Self::Retired,
            "request_invalid_for_environment" | "request_invalid_for_instance" => Self::WrongInstance,
            "resource_locked" | "role_migration_in_progress" | "conflict" => Self::Busy,
            "exclusive_organization_membership" => Self::ExclusiveMembership,
            "organization_membership_managed_by_scim" => Self::ManagedByDirectory,
            "organization_minimum_permissions_needed" => Self::LastWithPermissions,
            "personal_accounts_not_allowed" => Self::LastOrganization,
            "request_body_invalid"
            | "malformed_request_parameters"
            | "bad_request"
            | "bulk_size_exceeded"
            | "request_body_too_large"
            | "unsupported_content_type" => Self::Request,
            "too_many_requests" => Self::TooManyRequests,
            "internal_clerk_error" | "service_unavailable" | "gateway_timeout" => Self::Trouble,
            _ if text.starts_with("authorization_") => Self::Credential,
            _ if text.starts_with("form_") => Self::Form,
            _ => Self::Unknown,
        }
    }

    /// The same for an operator, in words; `None` where the code itself says all that is known.
    pub(super) fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Self::AlreadyMember => "the user is already a member",
            Self::NotFound => "the organization, the user or the role does not exist",
            Self::OrganizationHidden => "the organization does not exist in this instance",
            Self::SeatsTaken => "the organization has no seat left; pending invitations take seats too",
            Self::PlanLimit => "the instance's plan does not allow it",
            Self::OrganizationsOff => "organizations are not enabled in this instance",
            Self::Credential => "the secret key is not accepted; look at CLERK_SECRET_KEY",
            Self::ApiVersion => "the API version is not accepted; this usher is too old or too new",
            Self::Retired => "the call has been retired; this usher is too old",
            Self::WrongInstance => "this instance does not take the call",
            Self::Busy => "another change is under way",
            Self::ExclusiveMembership => "the user or the organization allows no second membership",
            Self::ManagedByDirectory => "the membership is managed by a directory",
            Self::LastWithPermissions => "the organization would lose its last member with the permissions it needs",
            Self::LastOrganization => "the user must keep one organization",
            Self::Form => "a value is not accepted",
            Self::Request => "the request is not accepted",
            Self::TooManyRequests => "the rate limit is reached",
            Self::Trouble => "Clerk has trouble of its own",
            Self::Unknown => return None,
        })
    }
}
