//! The calls under `/v1/organizations` that concern the organization itself.
//! Knows nothing of HTTP.

use super::call::Done;
use super::errors::Refusal;
use super::fields::Fields;
use super::listing::{matches, page};
use super::params::{Choice, Params};
use super::roles;
use super::store::{Membership, Organization, Store};
use super::wire::{List, OrganizationObject};

const MAX_NAME: usize = 256;
const ORDERS: [&str; 3] = ["created_at", "name", "members_count"];

/// `POST /organizations`. Without a slug there is none: applications made since October 2025 have slugs off.
pub(super) fn create(store: &mut Store, fields: &Fields, now: i64) -> Result<Done, Refusal> {
    let mut organization = Organization::new(String::new(), name(fields)?, now);
    organization.slug = free_slug(store, fields)?;
    organization.public_metadata = fields.metadata("public_metadata")?;
    organization.private_metadata = fields.metadata("private_metadata")?;
    organization.created_by = creator(store, fields)?;
    if let Some(limit) = fields.optional_number("max_allowed_memberships")? {
        organization.max_allowed_memberships = limit;
    }
    organization.id = store.ids.next("org_");
    if let Some(user_id) = organization.created_by.clone() {
        organization.admit(Membership::new(store.ids.next("orgmem_"), user_id, roles::ADMIN, now));
    }
    let created = Done::changed(&OrganizationObject::new(&organization, true));
    store.add_organization(organization);
    Ok(created)
}

fn name(fields: &Fields) -> Result<String, Refusal> {
    let name = fields.text("name")?;
    if name.chars().count() > MAX_NAME { Err(Refusal::ParameterValue("name")) } else { Ok(name) }
}

fn free_slug(store: &Store, fields: &Fields) -> Result<Option<String>, Refusal> {
    let slug = fields.optional_text("slug")?;
    match &slug {
        Some(slug) if !slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') => {
            Err(Refusal::ParameterFormat { name: "slug", expected: "lower-case letters, digits and dashes" })
        }
        Some(slug) if store.organization(slug).is_some() => Err(Refusal::Taken("slug")),
        _ => Ok(slug),
    }
}

fn creator(store: &Store, fields: &Fields) -> Result<Option<String>, Refusal> {
    let creator = fields.optional_text("created_by")?;
    let unknown = creator.as_ref().is_some_and(|id| store.users.get(id).is_none());
    if unknown { Err(Refusal::CreatorNotFound) } else { Ok(creator) }
}

/// `GET /organizations/{organization_id}`, by id or slug.
pub(super) fn get(store: &Store, id_or_slug: &str, params: &Params) -> Result<Done, Refusal> {
    let organization = store.organization(id_or_slug).ok_or(Refusal::OrganizationNotFound)?;
    Ok(Done::read(&OrganizationObject::new(organization, params.flag("include_members_count"))))
}

/// `GET /organizations`.
pub(super) fn list(store: &Store, params: &Params) -> Result<Done, Refusal> {
    let (order, paging, filter) = (params.order(&ORDERS)?, params.paging()?, Filter::read(params)?);
    let rows = store.organizations.rows().filter(|organization| filter.takes(organization)).collect();
    let page = page(rows, order, paging, sort_key);
    let counted = params.flag("include_members_count");
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
