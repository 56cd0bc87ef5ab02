//! The calls under `/v1/users`.
//! Knows nothing of organizations beyond who belongs to them.

use serde_json::{Value, json};

use super::call::Done;
use super::errors::Refusal;
use super::fields::Fields;
use super::listing::{matches, page};
use super::params::{Choice, Params};
use super::store::{Store, User};
use super::wire;

/// The members that Clerk takes; those that the sandbox has no use for are accepted and forgotten.
const MEMBERS: [&str; 30] = [
    "external_id",
    "first_name",
    "last_name",
    "locale",
    "email_address",
    "email_address_identification_status",
    "phone_number",
    "phone_number_identification_status",
    "web3_wallet",
    "username",
    "password",
    "password_digest",
    "password_hasher",
    "skip_password_checks",
    "skip_password_requirement",
    "skip_legal_checks",
    "skip_user_requirement",
    "totp_secret",
    "backup_codes",
    "public_metadata",
    "private_metadata",
    "unsafe_metadata",
    "delete_self_enabled",
    "create_organization_enabled",
    "create_organizations_limit",
    "created_at",
    "legal_accepted_at",
    "bypass_client_trust",
    "banned",
    "locked",
];
const ORDERS: [&str; 5] = ["created_at", "email_address", "first_name", "last_name", "username"];

/// `POST /users`.
pub(super) fn create(store: &mut Store, fields: &Fields, now: i64) -> Result<Done, Refusal> {
    fields.only(&MEMBERS)?;
    let mut user = User::new(String::new(), now);
    user.external_id = fields.optional_text("external_id")?;
    user.first_name = fields.optional_text("first_name")?;
    user.last_name = fields.optional_text("last_name")?;
    user.username = fields.optional_text("username")?;
    user.locale = fields.optional_text("locale")?;
    user.public_metadata = fields.metadata("public_metadata")?;
    user.private_metadata = fields.metadata("private_metadata")?;
    user.unsafe_metadata = fields.metadata("unsafe_metadata")?;
    let addresses = free_addresses(store, fields.texts("email_address")?)?;
    if user.external_id.as_deref().is_some_and(|id| store.user_by_external_id(id).is_some()) {
        return Err(Refusal::Taken("external_id"));
    }
    user.id = store.ids.next("user_");
    user.email_addresses = addresses.into_iter().map(|address| store.email_address(address)).collect();
    let created = Done::changed(&wire::user(&user));
    store.add_user(user);
    Ok(created)
}

fn free_addresses(store: &Store, addresses: Vec<String>) -> Result<Vec<String>, Refusal> {
    for address in &addresses {
        if !is_address(address) {
            return Err(Refusal::ParameterFormat { name: "email_address", expected: "a valid email address" });
        }
        if store.user_by_email(address).is_some() {
            return Err(Refusal::Taken("email_address"));
        }
    }
    Ok(addresses)
}

/// Whether this can be an e-mail address.
pub(super) fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && !text.contains(char::is_whitespace)
}

/// `GET /users/{user_id}`.
pub(super) fn get(store: &Store, id: &str) -> Result<Done, Refusal> {
    let user = store.users.get(id).ok_or_else(|| Refusal::UserNotFound(id.to_owned()))?;
    Ok(Done::read(&wire::user(user)))
}

/// `GET /users`: a bare array.
pub(super) fn list(store: &Store, params: &Params) -> Result<Done, Refusal> {
    let (order, paging) = (params.order(&ORDERS)?, params.paging()?);
    let page = page(Filter::read(params)?.select(store), order, paging, sort_key);
    Ok(Done::read(&page.rows.into_iter().map(wire::user).collect::<Vec<Value>>()))
}

/// `GET /users/count`.
pub(super) fn count(store: &Store, params: &Params) -> Result<Done, Refusal> {
    let total = Filter::read(params)?.select(store).len();
    Ok(Done::read(&json!({ "object": "total_count", "total_count": total })))
}

/// What a user is compared by; memberships are sorted by their users.
pub(super) fn sort_key(user: &User, field: &str) -> Option<String> {
    match field {
        "email_address" => user.primary().map(|email| email.address.to_lowercase()),
        "first_name" => user.first_name.clone(),
        "last_name" => user.last_name.clone(),
        "username" => user.username.clone(),
        _ => None,
    }
}

/// Which users are meant, by their own properties; the same words filter memberships.
pub(super) struct Filter {
    ids: Choice,
    external_ids: Choice,
    organizations: Choice,
    email_addresses: Vec<String>,
    query: Option<String>,
    email_address_query: Option<String>,
    name_query: Option<String>,
}

impl Filter {
    pub(super) fn read(params: &Params) -> Result<Self, Refusal> {
        Ok(Self {
            ids: params.choice("user_id")?,
            external_ids: params.choice("external_id")?,
            organizations: params.choice("organization_id")?,
            email_addresses: params.all("email_address")?,
            query: params.search("query"),
            email_address_query: params.search("email_address_query"),
            name_query: params.search("name_query"),
        })
    }

    /// The few ids that can match at all, when the filter names its users; `None` when anybody can.
    pub(super) fn named<'a>(&'a self, store: &'a Store) -> Option<Vec<&'a str>> {
        if !self.ids.include.is_empty() {
            return Some(self.ids.include.iter().map(String::as_str).collect());
        }
        if !self.email_addresses.is_empty() {
            return Some(self.email_addresses.iter().filter_map(|address| store.user_by_email(address)).collect());
        }
        let external_ids = &self.external_ids.include;
        (!external_ids.is_empty()).then(|| external_ids.iter().filter_map(|id| store.user_by_external_id(id)).collect())
    }

    pub(super) fn takes(&self, user: &User) -> bool {
        let addresses = || user.email_addresses.iter().map(|email| Some(email.address.as_str()));
        let names = [user.first_name.as_deref(), user.last_name.as_deref()];
        let all = [Some(user.id.as_str()), user.username.as_deref()].into_iter().chain(names).chain(addresses());
        self.ids.takes(&user.id)
            && self.takes_external_id(user.external_id.as_deref())
            && self.takes_one_of(user)
            && matches(self.query.as_deref(), all)
            && matches(self.email_address_query.as_deref(), addresses())
            && matches(self.name_query.as_deref(), names)
    }

    fn takes_external_id(&self, id: Option<&str>) -> bool {
        id.map_or(self.external_ids.include.is_empty(), |id| self.external_ids.takes(id))
    }

    fn takes_one_of(&self, user: &User) -> bool {
        let wanted = |email: &str| self.email_addresses.iter().any(|address| address.eq_ignore_ascii_case(email));
        self.email_addresses.is_empty() || user.email_addresses.iter().any(|email| wanted(&email.address))
    }

    fn takes_memberships(&self, store: &Store, user: &User) -> bool {
        let belongs =
            |id: &String| store.organizations.get(id).is_some_and(|found| found.members.get(&user.id).is_some());
        let Choice { include, exclude } = &self.organizations;
        (include.is_empty() || include.iter().any(belongs)) && !exclude.iter().any(belongs)
    }

    fn select<'a>(&self, store: &'a Store) -> Vec<&'a User> {
        let mut users = match self.named(store) {
            Some(ids) => store.users.select(ids.into_iter()),
            None => store.users.rows().collect(),
        };
        users.retain(|user| self.takes(user) && self.takes_memberships(store, user));
        users
    }
}
