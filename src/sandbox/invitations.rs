//! The calls under `/v1/organizations/{organization_id}/invitations`, and what the invited person does.
//! Knows nothing of HTTP and sends no mail.

use serde_json::Value;

use super::call::Done;
use super::errors::Refusal;
use super::fields::Fields;
use super::listing::page;
use super::memberships::{self, Newcomer};
use super::organization::{Invitation, InvitationState, Membership, Organization};
use super::params::Params;
use super::rate_limit::allow;
use super::store::Store;
use super::users;
use super::wire::{self, List};

const DAY: i64 = 24 * 60 * 60 * 1000;
const DEFAULT_DAYS: u64 = 30;
const STATUSES: [&str; 4] = ["pending", "accepted", "revoked", "expired"];

/// `POST …/invitations`.
pub(super) fn create(store: &mut Store, organization_id: &str, fields: &Fields, now: i64) -> Result<Done, Refusal> {
    allow(&mut store.invitation_calls, store.limits.invitations, now)?;
    let mut invitation = read(store, organization_id, fields, now)?;
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    may_be_invited(store, organization, &invitation.email_address, now)?;
    invitation.id = store.ids.next("orginv_");
    let created = Done::changed(&shown(store, organization_id, &invitation, now)?);
    store.place_invitation(invitation.id.clone(), organization_id.to_owned());
    let organization = store.organizations.get_mut(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    organization.invite(invitation);
    Ok(created)
}

/// What was asked for, every field of it checked.
fn read(store: &Store, organization_id: &str, fields: &Fields, now: i64) -> Result<Invitation, Refusal> {
    let (email_address, role) = (address(fields)?, fields.text("role")?);
    let days = fields.optional_number("expires_in_days")?.unwrap_or(DEFAULT_DAYS);
    if !(1..=365).contains(&days) {
        return Err(Refusal::ParameterValue("expires_in_days"));
    }
    // No mail is sent and nobody is redirected, but what Clerk would not take is not taken.
    fields.flag("notify")?;
    fields.optional_text("redirect_url")?;
    let (public_metadata, private_metadata) =
        (fields.metadata("public_metadata")?, fields.metadata("private_metadata")?);
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    Ok(Invitation {
        id: String::new(),
        email_address,
        role: memberships::find_role(store, organization, &role)?,
        inviter_id: admin(store, organization, fields, "inviter_user_id")?,
        public_metadata,
        private_metadata,
        state: InvitationState::Open,
        expires_at: now.saturating_add(DAY * i64::try_from(days).unwrap_or(i64::MAX / DAY)),
        created_at: now,
        updated_at: now,
    })
}

fn address(fields: &Fields) -> Result<String, Refusal> {
    let address = fields.text("email_address")?;
    let wrong = Refusal::ParameterFormat { name: "email_address", expected: "a valid email address" };
    if users::is_address(&address) { Ok(address) } else { Err(wrong) }
}

/// Who acts, if the call says so: only an admin may.
fn admin(
    store: &Store,
    organization: &Organization,
    fields: &Fields,
    name: &'static str,
) -> Result<Option<String>, Refusal> {
    let Some(id) = fields.optional_text(name)? else { return Ok(None) };
    store.users.get(&id).ok_or_else(|| Refusal::UserNotFound(id.clone()))?;
    if organization.has_admin(&id) { Ok(Some(id)) } else { Err(Refusal::NotAnAdmin) }
}

fn may_be_invited(store: &Store, organization: &Organization, address: &str, now: i64) -> Result<(), Refusal> {
    let user = store.user_by_email(address);
    if user.is_some_and(|user| organization.members.get(user).is_some()) {
        Err(Refusal::AlreadyMember(address.to_owned()))
    } else if organization.has_pending(address, now) {
        Err(Refusal::InvitationNotUnique)
    } else if organization.is_full(0, now) {
        Err(Refusal::QuotaExceeded { limit: organization.max_allowed_memberships })
    } else {
        Ok(())
    }
}

/// `GET …/invitations`.
pub(super) fn list(store: &Store, organization_id: &str, params: &Params, now: i64) -> Result<Done, Refusal> {
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let (order, paging) = (params.order(&["created_at", "email_address"])?, params.paging()?);
    let (statuses, address) = (params.all("status")?, params.search("email_address"));
    if statuses.iter().any(|status| !STATUSES.contains(&status.as_str())) {
        return Err(Refusal::ParameterValue("status"));
    }
    let wanted = |invitation: &&Invitation| {
        (statuses.is_empty() || statuses.iter().any(|status| status == invitation.status(now)))
            && address.as_ref().is_none_or(|address| *address == invitation.email_address.to_lowercase())
    };
    let rows = organization.invitations.rows().filter(wanted).collect();
    let page = page(rows, order, paging, |invitation, _| Some(invitation.email_address.to_lowercase()));
    let shown = page.rows.into_iter().map(|invitation| shown(store, organization_id, invitation, now));
    Ok(Done::read(&List { data: shown.collect::<Result<Vec<_>, _>>()?, total_count: page.total }))
}

/// `GET …/invitations/{invitation_id}`.
pub(super) fn get(store: &Store, organization_id: &str, id: &str, now: i64) -> Result<Done, Refusal> {
    let invitation = find(store, organization_id, id)?;
    Ok(Done::read(&shown(store, organization_id, invitation, now)?))
}

/// `POST …/invitations/{invitation_id}/revoke`.
pub(super) fn revoke(
    store: &mut Store,
    organization_id: &str,
    id: &str,
    fields: &Fields,
    now: i64,
) -> Result<Done, Refusal> {
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    admin(store, organization, fields, "requesting_user_id")?;
    if !find(store, organization_id, id)?.is_pending(now) {
        return Err(Refusal::InvitationNotPending);
    }
    close(store, organization_id, id, InvitationState::Revoked, now)?;
    Ok(Done::changed(&shown(store, organization_id, find(store, organization_id, id)?, now)?))
}

/// What the invited person does: a membership for this user, else for the one who has the address.
pub(super) fn accept(store: &mut Store, id: &str, user: Option<String>, now: i64) -> Result<Done, Refusal> {
    let organization_id = home(store, id)?;
    let invitation = find(store, &organization_id, id)?;
    match invitation.status(now) {
        "accepted" => return Err(Refusal::InvitationAccepted),
        "revoked" => return Err(Refusal::InvitationRevoked),
        "expired" => return Err(Refusal::InvitationNotPending),
        _ => {}
    }
    let by_address = || store.user_by_email(&invitation.email_address).map(str::to_owned);
    let user_id = user.or_else(by_address).ok_or(Refusal::InviteeNotFound)?;
    store.users.get(&user_id).ok_or_else(|| Refusal::UserNotFound(user_id.clone()))?;
    let organization = store.organizations.get(&organization_id).ok_or(Refusal::OrganizationNotFound)?;
    memberships::may_join(store, organization, &Newcomer { user_id: &user_id, seats_kept: 1 }, now)?;
    let mut membership = Membership::new(String::new(), user_id, invitation.role.clone(), now);
    membership.public_metadata = invitation.public_metadata.clone();
    membership.private_metadata = invitation.private_metadata.clone();
    membership.id = store.ids.next("orgmem_");
    close(store, &organization_id, id, InvitationState::Accepted, now)?;
    memberships::join(store, &organization_id, membership)
}

/// Brings the end of an invitation forward to now.
pub(super) fn expire(store: &mut Store, id: &str, now: i64) -> Result<Done, Refusal> {
    let organization_id = home(store, id)?;
    let organization = store.organizations.get_mut(&organization_id).ok_or(Refusal::OrganizationNotFound)?;
    if let Some(invitation) = organization.invitations.get_mut(id) {
        invitation.expires_at = invitation.expires_at.min(now);
    }
    Ok(Done::changed(&shown(store, &organization_id, find(store, &organization_id, id)?, now)?))
}

fn home(store: &Store, id: &str) -> Result<String, Refusal> {
    let home = store.organization_by_invitation(id).map(str::to_owned);
    home.ok_or_else(|| Refusal::InvitationNotFound(id.to_owned()))
}

fn close(store: &mut Store, organization_id: &str, id: &str, state: InvitationState, now: i64) -> Result<(), Refusal> {
    let organization = store.organizations.get_mut(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    organization.close(id, state, now);
    Ok(())
}

fn find<'a>(store: &'a Store, organization_id: &str, id: &str) -> Result<&'a Invitation, Refusal> {
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    organization.invitations.get(id).ok_or_else(|| Refusal::InvitationNotFound(id.to_owned()))
}

fn shown(store: &Store, organization_id: &str, invitation: &Invitation, now: i64) -> Result<Value, Refusal> {
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let inviter = invitation.inviter_id.as_ref().and_then(|id| store.users.get(id));
    Ok(wire::invitation(invitation, organization, inviter, now))
}

/// Every invitation of every organization, oldest first within each.
pub(super) fn all(store: &Store, now: i64) -> Vec<Value> {
    let of = |organization: &'_ Organization| {
        let inviter = |invitation: &Invitation| invitation.inviter_id.as_ref().and_then(|id| store.users.get(id));
        let rows = organization.invitations.rows();
        rows.map(|row| wire::invitation(row, organization, inviter(row), now)).collect::<Vec<_>>()
    };
    store.organizations.rows().flat_map(of).collect()
}
