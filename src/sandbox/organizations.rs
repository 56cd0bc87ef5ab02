//! The calls under `/v1/organizations` that concern the organization itself.
//! Knows nothing of HTTP.

use super::call::Done;
use super::errors::Refusal;
use super::fields::Fields;
use super::listing::{matches, page};
use super::memberships;
use super::organization::{Membership, Organization};
use super::params::{Choice, Params};
use super::roles;
use super::store::Store;
use super::wire::{List, OrganizationObject};

const MAX_NAME: usize = 256;
const UPDATABLE: [&str; 6] =
    ["name", "slug", "max_allowed_memberships", "admin_delete_enabled", "created_at", "role_set_key"];
const ORDERS: [&str; 3] = ["created_at", "name", "members_count"];

/// `POST /organizations`. Without a slug there is none: applications made since October 2025 have slugs off.
pub(super) fn create(store: &mut Store, fields: &Fields, now: i64) -> Result<Done, Refusal> {
    let mut organization = Organization::new(String::new(), name(fields)?, now);
    organization.slug = free_slug(store, fields, None)?;
    organization.public_metadata = fields.metadata("public_metadata")?;
    organization.private_metadata = fields.metadata("private_metadata")?;
    organization.created_by = creator(store, fields)?;
    if let Some(limit) = fields.optional_number("max_allowed_memberships")? {
        organization.max_allowed_memberships = limit;
    }
    if let Some(key) = role_set(store, fields)? {
        organization.role_set_key = key;
    }
    let admin = memberships::find_role(store, &organization, roles::ADMIN)?;
    organization.id = store.ids.next("org_");
    if let Some(user_id) = organization.created_by.clone() {
        organization.admit(Membership::new(store.ids.next("orgmem_"), user_id, admin, now));
    }
    let created = Done::changed(&OrganizationObject::new(&organization, Some(now)));
    store.add_organization(organization);
    Ok(created)
}

fn name(fields: &Fields) -> Result<String, Refusal> {
    let name = fields.text("name")?;
    if name.chars().count() > MAX_NAME { Err(Refusal::ParameterValue("name")) } else { Ok(name) }
}

/// `PATCH /organizations/{organization_id}`; metadata has a call of its own since 2026-05-12.
pub(super) fn update(store: &mut Store, id: &str, fields: &Fields, now: i64) -> Result<Done, Refusal> {
    fields.only(&UPDATABLE)?;
    store.organizations.get(id).ok_or(Refusal::OrganizationNotFound)?;
    let new_name = fields.optional_text("name")?.map(|_| name(fields)).transpose()?;
    let (slug, role_set) = (free_slug(store, fields, Some(id))?, role_set(store, fields)?);
    let (limit, deletable) = (fields.optional_number("max_allowed_memberships")?, fields.flag("admin_delete_enabled")?);
    if let Some(slug) = slug {
        store.rename(id, slug);
    }
    let organization = store.organizations.get_mut(id).ok_or(Refusal::OrganizationNotFound)?;
    organization.name = new_name.unwrap_or_else(|| std::mem::take(&mut organization.name));
    organization.role_set_key = role_set.unwrap_or_else(|| std::mem::take(&mut organization.role_set_key));
    organization.max_allowed_memberships = limit.unwrap_or(organization.max_allowed_memberships);
    organization.admin_delete_enabled = deletable.unwrap_or(organization.admin_delete_enabled);
    organization.updated_at = now;
    Ok(Done::changed(&OrganizationObject::new(organization, Some(now))))
}

/// The role set asked for, if any: one that there is.
fn role_set(store: &Store, fields: &Fields) -> Result<Option<String>, Refusal> {
    let key = fields.optional_text("role_set_key")?;
    let unknown = key.as_ref().is_some_and(|key| !store.roles.sets().contains_key(key));
    if unknown { Err(Refusal::ReferenceNotFound("role_set_key")) } else { Ok(key) }
}

/// The slug asked for, if any: one that nobody but `owner` has.
fn free_slug(store: &Store, fields: &Fields, owner: Option<&str>) -> Result<Option<String>, Refusal> {
    let slug = fields.optional_text("slug")?;
    let taken = |slug: &str| store.organization(slug).is_some_and(|found| Some(found.id.as_str()) != owner);
    match &slug {
        Some(slug) if !slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') => {
            Err(Refusal::ParameterFormat { name: "slug", expected: "lower-case letters, digits and dashes" })
        }
        Some(slug) if taken(slug) => Err(Refusal::Taken("slug")),
        _ => Ok(slug),
    }
}

fn creator(store: &Store, fields: &Fields) -> Result<Option<String>, Refusal> {
    let creator = fields.optional_text("created_by")?;
    let unknown = creator.as_ref().is_some_and(|id| store.users.get(id).is_none());
    if unknown { Err(Refusal::CreatorNotFound) } else { Ok(creator) }
}

/// `GET /organizations/{organization_id}`, by id or slug.
pub(super) fn get(store: &Store, id_or_slug: &str, params: &Params, now: i64) -> Result<Done, Refusal> {
    let organization = store.organization(id_or_slug).ok_or(Refusal::OrganizationNotFound)?;
    Ok(Done::read(&OrganizationObject::new(organization, counted(params, now))))
}

/// The time at which members and pending invitations are to be counted, if at all.
fn counted(params: &Params, now: i64) -> Option<i64> {
    params.flag("include_members_count").then_some(now)
}

/// `GET /organizations`.
pub(super) fn list(store: &Store, params: &Params, now: i64) -> Result<Done, Refusal> {
    let (order, paging, filter) = (params.order(&ORDERS)?, params.paging()?, Filter::read(params)?);
    let rows = store.organizations.rows().filter(|organization| filter.takes(organization)).collect();
    let page = page(rows, order, paging, sort_key);
    let counted = counted(params, now);
    let data = page.rows.into_iter().map(|organization| OrganizationObject::new(organization, counted)).collect();
    Ok(Done::read(&List { data, total_count: page.total }))
}

fn sort_key(organization: &Organization, field: &str) -> Option<String> {
    match field {
        "name" => Some(organization.name.to_lowercase()),
        // Padded, because keys are compared as text.
        "members_count" => Some(format!("{:020}", organization.members.len())),
        _ => None,
    }
}

struct Filter {
    ids: Choice,
    users: Choice,
    query: Option<String>,
}

impl Filter {
    fn read(params: &Params) -> Result<Self, Refusal> {
        Ok(Self {
            ids: params.choice("organization_id")?,
            users: params.choice("user_id")?,
            query: params.search("query"),
        })
    }

    fn takes(&self, organization: &Organization) -> bool {
        let has = |user: &String| organization.members.get(user).is_some();
        self.ids.takes(&organization.id)
            && (self.users.include.is_empty() || self.users.include.iter().any(has))
            && !self.users.exclude.iter().any(has)
            && self.is_found(organization)
    }

    /// The id has to be the whole query; name and slug need only contain it.
    fn is_found(&self, organization: &Organization) -> bool {
        let query = self.query.as_deref();
        let exact = query.is_some_and(|query| organization.id.eq_ignore_ascii_case(query));
        exact || matches(query, [Some(organization.name.as_str()), organization.slug.as_deref()])
    }
}
