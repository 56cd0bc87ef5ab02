//! Clerk's error codes, what each says to an operator, and what it says about a change: the one table of them.
//! Knows nothing of HTTP, nor of which call was answered.

/// What an error code says, whatever the status that came with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It will never work.
    Never,
    /// Not before somebody makes room.
    NoRoom,
    /// No call works before an operator mends the configuration.
    NoCall,
    /// Another try may work; this one did nothing.
    Busy,
    /// Another try may work, and this one may have done it.
    Trouble,
    /// Another try may work after a while.
    TooMany,
    /// The user is a member.
    Member,
    /// The user is no member.
    NoMember,
    /// There is no such organization.
    NoOrganization,
    /// Something that the path or the body names does not exist.
    Missing,
    /// Something that the body names does not exist.
    MissingInBody,
    /// There is a pending invitation.
    Pending,
    /// The invitation is not pending.
    NotPending,
}

/// One line of the table.
pub(super) struct Row {
    pub(super) codes: &'static [&'static str],
    pub(super) verdict: Verdict,
    /// In words for an operator.
    pub(super) meaning: &'static str,
}

const fn row(codes: &'static [&'static str], verdict: Verdict, meaning: &'static str) -> Row {
    Row { codes, verdict, meaning }
}

/// Every code that usher knows by its name.
pub(super) const TABLE: &[Row] = &[
    // Memberships.
    row(&["already_a_member_in_organization"], Verdict::Member, "the user is already a member"),
    row(&["not_a_member_in_organization"], Verdict::NoMember, "the user is not a member"),
    row(
        &[
            "organization_membership_quota_exceeded",
            "organization_membership_quota_exceeded_for_sso",
            // Of an organization whose limit is set by the seats it pays for.
            "organization_member_limit_managed_by_billing",
        ],
        Verdict::NoRoom,
        "the organization has no seat left; pending invitations take seats too",
    ),
    row(
        &["exclusive_organization_membership"],
        Verdict::Never,
        "the user or the organization allows no second membership",
    ),
    row(&["organization_membership_managed_by_scim"], Verdict::Never, "the membership is managed by a directory"),
    row(
        &["organization_minimum_permissions_needed"],
        Verdict::Never,
        "the organization would lose its last member with the permissions it needs",
    ),
    row(&["personal_accounts_not_allowed"], Verdict::Never, "the user must keep one organization"),
    // What is named and does not exist.
    row(&["resource_not_found"], Verdict::Missing, "the organization, the user or the role does not exist"),
    row(&["form_resource_not_found"], Verdict::MissingInBody, "a value names something that does not exist"),
    row(&["organization_not_found_or_unauthorized"], Verdict::NoOrganization, NO_ORGANIZATION),
    row(&["organization_creator_not_found"], Verdict::Never, "the organization's creator does not exist"),
    // Invitations. `duplicate_record` is the older word of some calls for the first.
    row(
        &["organization_invitation_not_unique", "duplicate_record"],
        Verdict::Pending,
        "the e-mail address has a pending invitation already",
    ),
    row(
        &[
            "organization_invitation_not_pending",
            "organization_invitation_not_found",
            "organization_invitation_already_accepted",
            "organization_invitation_revoked_code",
        ],
        Verdict::NotPending,
        "the invitation is not pending any more",
    ),
    // The instance: its plan, its settings, its key.
    row(
        &["quota_exceeded", "feature_not_enabled", "organization_quota_exceeded", "org_creation_limit_exceeded"],
        Verdict::NoRoom,
        "the instance's plan does not allow it",
    ),
    row(&["organization_slugs_disabled"], Verdict::Never, "slugs are not enabled in this instance"),
    row(
        // The second spelling is the older one.
        &["organization_not_enabled_in_instance", "organizations_not_enabled_in_instance"],
        Verdict::NoCall,
        "organizations are not enabled in this instance",
    ),
    row(
        &[
            "clerk_key_invalid",
            "could_not_authenticate_request",
            "authentication_invalid",
            "authorization_header_format_invalid",
            "authorization_invalid",
            "authorization_missing_scopes",
            "platform_api_auth_strategy_not_allowed",
        ],
        Verdict::NoCall,
        NO_KEY,
    ),
    row(&["api_version_invalid"], Verdict::NoCall, "the API version is not accepted; this usher is too old or too new"),
    row(&["operation_deprecated"], Verdict::NoCall, "the call has been retired; this usher is too old"),
    row(
        &["request_invalid_for_environment", "request_invalid_for_instance"],
        Verdict::NoCall,
        "this instance does not take the call",
    ),
    // The request.
    row(
        &[
            "form_param_value_invalid",
            "form_param_missing",
            "form_param_nil",
            "form_param_format_invalid",
            "form_param_type_invalid",
            "form_identifier_exists",
        ],
        Verdict::Never,
        NO_VALUE,
    ),
    row(
        &[
            "request_body_invalid",
            "malformed_request_parameters",
            "bad_request",
            "bulk_size_exceeded",
            "request_body_too_large",
            "unsupported_content_type",
        ],
        Verdict::Never,
        "the request is not accepted",
    ),
    // The moment.
    row(&["resource_locked", "role_migration_in_progress", "conflict"], Verdict::Busy, "another change is under way"),
    row(&["too_many_requests"], Verdict::TooMany, "the rate limit is reached"),
    row(
        &["internal_clerk_error", "service_unavailable", "gateway_timeout"],
        Verdict::Trouble,
        "Clerk has trouble of its own",
    ),
];

const NO_ORGANIZATION: &str = "the organization does not exist in this instance";
const NO_KEY: &str = "the secret key is not accepted; look at CLERK_SECRET_KEY";
const NO_VALUE: &str = "a value is not accepted";

/// Codes of these families that the table does not know by name.
const FAMILIES: [(&str, Row); 2] =
    [("authorization_", row(&[], Verdict::NoCall, NO_KEY)), ("form_", row(&[], Verdict::Never, NO_VALUE))];

/// What usher knows of a code; `None` where the status decides.
pub(super) fn known(code: &str) -> Option<&'static Row> {
    let named = TABLE.iter().find(|row| row.codes.contains(&code));
    named.or_else(|| FAMILIES.iter().find(|(prefix, _)| code.starts_with(prefix)).map(|(_, row)| row))
}
