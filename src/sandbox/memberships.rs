//! The calls under `/v1/organizations/{organization_id}/memberships`.
//! Knows nothing of HTTP.

use std::time::Duration;

use super::call::Done;
use super::errors::Refusal;
use super::fields::Fields;
use super::listing::page;
use super::params::Params;
use super::rate_limit::RateLimit;
use super::roles::{self, Role};
use super::store::{Membership, Organization, Store};
use super::users::{self, Filter};
use super::wire::{List, MembershipObject};

const ORDERS: [&str; 5] = ["created_at", "email_address", "first_name", "last_name", "username"];

/// Clerk's own limit on role changes of one membership.
const ROLE_CHANGES: RateLimit = RateLimit { calls: 10, window: Duration::from_secs(10) };

/// `POST …/memberships`.
pub(super) fn create(store: &mut Store, organization_id: &str, fields: &Fields, now: i64) -> Result<Done, Refusal> {
    let (user_id, role) = (fields.text("user_id")?, fields.text("role")?);
    let (public, private) = (fields.metadata("public_metadata")?, fields.metadata("private_metadata")?);
    let Store { organizations, users, ids, .. } = store;
    let organization = organizations.get_mut(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let user = users.get(&user_id).ok_or_else(|| Refusal::UserNotFound(user_id.clone()))?;
    let role = find_role(&role)?;
    if organization.members.get(&user_id).is_some() {
        return Err(Refusal::AlreadyMember(user_id));
    }
    if organization.is_full() {
        return Err(Refusal::QuotaExceeded { limit: organization.max_allowed_memberships });
    }
    let mut membership = Membership::new(ids.next("orgmem_"), user_id, role, now);
    (membership.public_metadata, membership.private_metadata) = (public, private);
    let created = Done::changed(&MembershipObject::new(&membership, organization, Some(user)));
    organization.admit(membership);
    Ok(created)
}

/// `GET …/memberships`.
pub(super) fn list(store: &Store, organization_id: &str, params: &Params) -> Result<Done, Refusal> {
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let (order, paging) = (params.order(&ORDERS)?, params.paging()?);
    let members = select(store, organization, params)?;
    let key = |member: &Membership, field: &str| users::sort_key(store.users.get(&member.user_id)?, field);
    let page = page(members, order, paging, key);
    let object = |member| object(store, organization, member);
    Ok(Done::read(&List { data: page.rows.into_iter().map(object).collect(), total_count: page.total }))
}

/// Members that all filters take; a filter that names its users is answered without looking at anybody else.
fn select<'a>(store: &Store, organization: &'a Organization, params: &Params) -> Result<Vec<&'a Membership>, Refusal> {
    let (filter, wanted) = (Filter::read(params)?, params.all("role")?);
    let mut members = match filter.named(store) {
        Some(ids) => organization.members.select(ids.into_iter()),
        None => organization.members.rows().collect(),
    };
    members.retain(|member| {
        (wanted.is_empty() || wanted.iter().any(|role| role == member.role.key))
            && store.users.get(&member.user_id).is_some_and(|user| filter.takes(user))
    });
    Ok(members)
}

/// `PATCH …/memberships/{user_id}`.
pub(super) fn update(
    store: &mut Store,
    organization_id: &str,
    user_id: &str,
    fields: &Fields,
    now: i64,
) -> Result<Done, Refusal> {
    let role = fields.text("role")?;
    let organization = store.organizations.get_mut(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let member = organization.members.get_mut(user_id).ok_or(Refusal::MembershipNotFound)?;
    let full = member.role_changes.take(ROLE_CHANGES, now);
    full.map_err(|full| Refusal::TooManyRequests { seconds: full.seconds })?;
    let role = find_role(&role)?;
    if role != roles::ADMIN {
        keep_an_admin(organization, user_id)?;
    }
    let member = organization.members.get_mut(user_id).ok_or(Refusal::MembershipNotFound)?;
    (member.role, member.updated_at) = (role, now);
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let member = organization.members.get(user_id).ok_or(Refusal::MembershipNotFound)?;
    Ok(Done::changed(&object(store, organization, member)))
}

/// `DELETE …/memberships/{user_id}`: answers the membership that was.
pub(super) fn delete(store: &mut Store, organization_id: &str, user_id: &str) -> Result<Done, Refusal> {
    let organization = store.organizations.get_mut(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    keep_an_admin(organization, user_id)?;
    let former = organization.members.remove(user_id).ok_or(Refusal::MembershipNotFound)?;
    let user = store.users.get(user_id);
    Ok(Done::changed(&MembershipObject::new(&former, organization, user)))
}

/// Refuses what would leave the organization without the admin it has.
fn keep_an_admin(organization: &Organization, user_id: &str) -> Result<(), Refusal> {
    let is_admin = organization.members.get(user_id).is_some_and(|member| member.role == roles::ADMIN);
    if is_admin && organization.is_last(roles::ADMIN, user_id) { Err(Refusal::LastAdmin) } else { Ok(()) }
}

fn find_role(key: &str) -> Result<&'static Role, Refusal> {
    roles::find(key).ok_or(Refusal::RoleNotFound)
}

fn object<'a>(store: &'a Store, organization: &'a Organization, member: &'a Membership) -> MembershipObject<'a> {
    MembershipObject::new(member, organization, store.users.get(&member.user_id))
}
