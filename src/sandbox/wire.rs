//! The objects of the Backend API as JSON, field for field.
//! Decides nothing: what is shown is what the store holds.

use serde::Serialize;
use serde_json::{Value, json};

use super::organization::{Invitation, Membership, Organization};
use super::roles::{self, Role};
use super::store::{EmailAddress, Metadata, User};

/// Where Clerk's pictures live; nobody in a sandbox has one.
const IMAGE: &str = "https://img.clerk.com/preview.png";

/// A list with its total, as every list but that of users is sent.
#[derive(Serialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    pub(super) total_count: usize,
}

/// `OrganizationMembership`.
#[derive(Serialize)]
pub(super) struct MembershipObject<'a> {
    object: &'static str,
    id: &'a str,
    role: &'a str,
    role_name: &'a str,
    permissions: &'a [&'static str],
    public_metadata: &'a Metadata,
    private_metadata: &'a Metadata,
    organization: OrganizationObject<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_user_data: Option<PublicUserData<'a>>,
    created_at: i64,
    updated_at: i64,
}

/// `Organization`, by itself or within a membership.
#[derive(Serialize)]
pub(super) struct OrganizationObject<'a> {
    object: &'static str,
    id: &'a str,
    name: &'a str,
    slug: Option<&'a str>,
    image_url: &'static str,
    has_image: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    members_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_invitations_count: Option<usize>,
    max_allowed_memberships: u64,
    admin_delete_enabled: bool,
    public_metadata: &'a Metadata,
    private_metadata: &'a Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<&'a str>,
    created_at: i64,
    updated_at: i64,
    role_set_key: &'a str,
}

#[derive(Serialize)]
struct PublicUserData<'a> {
    user_id: &'a str,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    profile_image_url: Option<&'static str>,
    image_url: &'static str,
    has_image: bool,
    identifier: Option<&'a str>,
    username: Option<&'a str>,
    banned: bool,
}

impl<'a> MembershipObject<'a> {
    pub(super) fn new(membership: &'a Membership, organization: &'a Organization, user: Option<&'a User>) -> Self {
        Self {
            object: "organization_membership",
            id: &membership.id,
            role: &membership.role.key,
            role_name: &membership.role.name,
            permissions: &membership.role.permissions,
            public_metadata: &membership.public_metadata,
            private_metadata: &membership.private_metadata,
            organization: OrganizationObject::new(organization, None),
            public_user_data: user.map(PublicUserData::new),
            created_at: membership.created_at,
            updated_at: membership.updated_at,
        }
    }
}

impl<'a> OrganizationObject<'a> {
    /// With counts if it is told the time at which to count.
    pub(super) fn new(organization: &'a Organization, counted_at: Option<i64>) -> Self {
        Self {
            object: "organization",
            id: &organization.id,
            name: &organization.name,
            slug: organization.slug.as_deref(),
            image_url: IMAGE,
            has_image: false,
            members_count: counted_at.map(|_| organization.members.len()),
            pending_invitations_count: counted_at.map(|now| organization.pending_count(now)),
            max_allowed_memberships: organization.max_allowed_memberships,
            admin_delete_enabled: organization.admin_delete_enabled,
            public_metadata: &organization.public_metadata,
            private_metadata: &organization.private_metadata,
            created_by: organization.created_by.as_deref(),
            created_at: organization.created_at,
            updated_at: organization.updated_at,
            role_set_key: &organization.role_set_key,
        }
    }
}

impl<'a> PublicUserData<'a> {
    fn new(user: &'a User) -> Self {
        Self {
            user_id: &user.id,
            first_name: user.first_name.as_deref(),
            last_name: user.last_name.as_deref(),
            profile_image_url: None,
            image_url: IMAGE,
            has_image: false,
            identifier: user.primary().map(|email| email.address.as_str()).or(user.username.as_deref()),
            username: user.username.as_deref(),
            banned: false,
        }
    }
}

/// `OrganizationInvitation`.
pub(super) fn invitation(
    invitation: &Invitation,
    organization: &Organization,
    inviter: Option<&User>,
    now: i64,
) -> Value {
    json!({
        "object": "organization_invitation",
        "id": invitation.id,
        "email_address": invitation.email_address,
        "role": invitation.role.key,
        "role_name": invitation.role.name,
        "organization_id": organization.id,
        "inviter_id": invitation.inviter_id,
        "public_inviter_data": inviter.map(public_inviter_data),
        "status": invitation.status(now),
        "public_metadata": invitation.public_metadata,
        "private_metadata": invitation.private_metadata,
        "url": format!("https://accounts.example.com/v1/tickets/accept?ticket={}", invitation.id),
        "expires_at": invitation.expires_at,
        "created_at": invitation.created_at,
        "updated_at": invitation.updated_at,
    })
}

fn public_inviter_data(user: &User) -> Value {
    json!({
        "user_id": user.id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "image_url": IMAGE,
        "has_image": false,
        "identifier": user.primary().map_or("", |email| &email.address),
    })
}

/// `Role`.
pub(super) fn role(role: &Role) -> Value {
    let permission = |key: &&str| {
        let name = key.trim_start_matches("org:");
        json!({
            "object": "permission", "id": format!("perm_{name}"), "name": name, "key": key, "description": name,
            "type": "system", "created_at": role.created_at, "updated_at": role.created_at,
        })
    };
    json!({
        "object": "role",
        "id": role.id,
        "name": role.name,
        "key": role.key,
        "description": null,
        "is_creator_eligible": role.key == roles::ADMIN,
        "permissions": role.permissions.iter().map(permission).collect::<Vec<_>>(),
        "created_at": role.created_at,
        "updated_at": role.created_at,
    })
}

/// `User`.
pub(super) fn user(user: &User) -> Value {
    let mut object = blank_user();
    let known = json!({
        "id": user.id,
        "external_id": user.external_id,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "locale": user.locale,
        "primary_email_address_id": user.primary().map(|email| &email.id),
        "email_addresses": user.email_addresses.iter().map(|email| email_address(email, user)).collect::<Vec<_>>(),
        "public_metadata": user.public_metadata,
        "private_metadata": user.private_metadata,
        "unsafe_metadata": user.unsafe_metadata,
        "created_at": user.created_at,
        "updated_at": user.created_at,
    });
    if let (Some(object), Value::Object(known)) = (object.as_object_mut(), known) {
        object.extend(known);
    }
    object
}

/// What every user of a sandbox has in common: no password, no phone, never seen.
fn blank_user() -> Value {
    json!({
        "object": "user",
        "primary_phone_number_id": null, "primary_web3_wallet_id": null,
        "profile_image_url": IMAGE, "image_url": IMAGE, "has_image": false,
        "phone_numbers": [], "web3_wallets": [], "passkeys": [],
        "external_accounts": [], "saml_accounts": [], "enterprise_accounts": [],
        "password_enabled": false, "two_factor_enabled": false, "totp_enabled": false, "backup_code_enabled": false,
        "mfa_enabled_at": null, "mfa_disabled_at": null, "legal_accepted_at": null,
        "last_sign_in_at": null, "last_active_at": null,
        "banned": false, "locked": false, "lockout_expires_in_seconds": null, "verification_attempts_remaining": 100,
        "delete_self_enabled": true, "create_organization_enabled": true,
    })
}

fn email_address(email: &EmailAddress, user: &User) -> Value {
    json!({
        "id": email.id,
        "object": "email_address",
        "email_address": email.address,
        "reserved": false,
        "verification": { "status": "verified", "strategy": "admin", "attempts": null, "expire_at": null },
        "linked_to": [],
        "matches_sso_connection": false,
        "created_at": user.created_at,
        "updated_at": user.created_at,
    })
}
