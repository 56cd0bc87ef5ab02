//! The calls under `/v1/organizations/{organization_id}/memberships`.
//! Knows nothing of HTTP.

use std::sync::Arc;

use serde_json::Value;

use super::call::Done;
use super::errors::Refusal;
use super::fields::Fields;
use super::listing::page;
use super::organization::{Membership, Organization};
use super::params::Params;
use super::rate_limit::allow;
use super::roles::{self, Role};
use super::store::{Metadata, Store};
use super::users::{self, Filter};
use super::wire::{List, MembershipObject};

const ORDERS: [&str; 5] = ["created_at", "email_address", "first_name", "last_name", "username"];

/// `POST …/memberships`.
pub(super) fn create(store: &mut Store, organization_id: &str, fields: &Fields, now: i64) -> Result<Done, Refusal> {
    let (user_id, role) = (fields.text("user_id")?, fields.text("role")?);
    let (public, private) = (fields.metadata("public_metadata")?, fields.metadata("private_metadata")?);
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    store.users.get(&user_id).ok_or_else(|| Refusal::UserNotFound(user_id.clone()))?;
    let role = find_role(store, organization, &role)?;
    let newcomer = Newcomer { user_id: &user_id, seats_kept: 0 };
    may_join(store, organization, &newcomer, now)?;
    let mut membership = Membership::new(store.ids.next("orgmem_"), user_id, role, now);
    (membership.public_metadata, membership.private_metadata) = (public, private);
    join(store, organization_id, membership)
}

/// Who is about to become a member, and how many of the taken seats are theirs already.
pub(super) struct Newcomer<'a> {
    pub(super) user_id: &'a str,
    pub(super) seats_kept: usize,
}

/// Refuses whom the organization, or another one of theirs, does not take.
pub(super) fn may_join(
    store: &Store,
    organization: &Organization,
    newcomer: &Newcomer<'_>,
    now: i64,
) -> Result<(), Refusal> {
    let Newcomer { user_id, seats_kept } = *newcomer;
    if organization.members.get(user_id).is_some() {
        Err(Refusal::AlreadyMember(user_id.to_owned()))
    } else if is_excluded(store, organization, user_id) {
        Err(Refusal::Exclusive)
    } else if organization.is_full(seats_kept, now) {
        Err(Refusal::QuotaExceeded { limit: organization.max_allowed_memberships })
    } else {
        Ok(())
    }
}

/// Whether this organization, or another one of the user's, tolerates no second.
fn is_excluded(store: &Store, organization: &Organization, user_id: &str) -> bool {
    // Policies are looked at first: almost no organization is exclusive, and then no member is looked up.
    let exclusive = |other: &&Organization| organization.policy.exclusive || other.policy.exclusive;
    let belongs = |other: &Organization| other.id != organization.id && other.members.get(user_id).is_some();
    store.organizations.rows().filter(exclusive).any(belongs)
}

/// Adds a membership that may be, and answers it.
pub(super) fn join(store: &mut Store, organization_id: &str, membership: Membership) -> Result<Done, Refusal> {
    let Store { organizations, users, .. } = store;
    let organization = organizations.get_mut(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let joined = Done::changed(&MembershipObject::new(&membership, organization, users.get(&membership.user_id)));
    organization.admit(membership);
    Ok(joined)
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
        (wanted.is_empty() || wanted.iter().any(|role| *role == member.role.key))
            && store.users.get(&member.user_id).is_some_and(|user| filter.takes(user))
    });
    Ok(members)
}

/// `GET /users/{user_id}/organization_memberships`.
pub(super) fn list_of_user(store: &Store, user_id: &str, params: &Params) -> Result<Done, Refusal> {
    let paging = params.paging()?;
    store.users.get(user_id).ok_or_else(|| Refusal::UserNotFound(user_id.to_owned()))?;
    let mut places: Vec<_> = store
        .organizations
        .rows()
        .filter_map(|organization| organization.members.get(user_id).map(|member| (organization, member)))
        .collect();
    places.sort_by_key(|(_, member)| std::cmp::Reverse(member.created_at));
    let total_count = places.len();
    let shown = places.into_iter().skip(paging.offset).take(paging.limit);
    let data = shown.map(|(organization, member)| object(store, organization, member)).collect();
    Ok(Done::read(&List { data, total_count }))
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
    count_change(store, organization_id, user_id, now)?;
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let role = find_role(store, organization, &role)?;
    is_free(organization, user_id)?;
    if role.key != roles::ADMIN {
        keep_an_admin(organization, user_id)?;
    }
    change(store, organization_id, user_id, |member| (member.role, member.updated_at) = (role, now))
}

/// `PATCH …/memberships/{user_id}/metadata`: merged, and what is null goes.
pub(super) fn update_metadata(
    store: &mut Store,
    organization_id: &str,
    user_id: &str,
    fields: &Fields,
    now: i64,
) -> Result<Done, Refusal> {
    fields.only(&["public_metadata", "private_metadata"])?;
    let (public, private) = (fields.metadata("public_metadata")?, fields.metadata("private_metadata")?);
    count_change(store, organization_id, user_id, now)?;
    change(store, organization_id, user_id, |member| {
        merge(&mut member.public_metadata, public);
        merge(&mut member.private_metadata, private);
        member.updated_at = now;
    })
}

fn merge(into: &mut Metadata, from: Metadata) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (_, Value::Null) => drop(into.remove(&key)),
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// Takes one from the budget that each membership has for its changes.
fn count_change(store: &mut Store, organization_id: &str, user_id: &str, now: i64) -> Result<(), Refusal> {
    let organization = store.organizations.get_mut(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let member = organization.members.get_mut(user_id).ok_or(Refusal::MembershipNotFound)?;
    allow(&mut member.role_changes, store.limits.membership_changes, now)
}

fn change(
    store: &mut Store,
    organization_id: &str,
    user_id: &str,
    change: impl FnOnce(&mut Membership),
) -> Result<Done, Refusal> {
    let organization = store.organizations.get_mut(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    change(organization.members.get_mut(user_id).ok_or(Refusal::MembershipNotFound)?);
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let member = organization.members.get(user_id).ok_or(Refusal::MembershipNotFound)?;
    Ok(Done::changed(&object(store, organization, member)))
}

/// `DELETE …/memberships/{user_id}`: answers the membership that was.
pub(super) fn delete(store: &mut Store, organization_id: &str, user_id: &str) -> Result<Done, Refusal> {
    let organization = store.organizations.get(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    organization.members.get(user_id).ok_or(Refusal::MembershipNotFound)?;
    is_free(organization, user_id)?;
    keep_an_admin(organization, user_id)?;
    if store.switches.membership_required && store.elsewhere(organization_id, user_id).next().is_none() {
        return Err(Refusal::PersonalAccount);
    }
    let organization = store.organizations.get_mut(organization_id).ok_or(Refusal::OrganizationNotFound)?;
    let former = organization.members.remove(user_id).ok_or(Refusal::MembershipNotFound)?;
    let user = store.users.get(user_id);
    Ok(Done::changed(&MembershipObject::new(&former, organization, user)))
}

/// Refuses to touch what a directory manages.
fn is_free(organization: &Organization, user_id: &str) -> Result<(), Refusal> {
    if organization.policy.manages(user_id) { Err(Refusal::ManagedByScim) } else { Ok(()) }
}

/// Refuses what would leave the organization without the admin it has.
fn keep_an_admin(organization: &Organization, user_id: &str) -> Result<(), Refusal> {
    let needed = organization.policy.keep_last_admin && organization.has_last_admin(user_id);
    if needed { Err(Refusal::LastAdmin) } else { Ok(()) }
}

/// The role with this key, if the organization's set has it.
pub(super) fn find_role(store: &Store, organization: &Organization, key: &str) -> Result<Arc<Role>, Refusal> {
    store.roles.find(&organization.role_set_key, key).cloned().ok_or(Refusal::RoleNotFound)
}

fn object<'a>(store: &'a Store, organization: &'a Organization, member: &'a Membership) -> MembershipObject<'a> {
    MembershipObject::new(member, organization, store.users.get(&member.user_id))
}
