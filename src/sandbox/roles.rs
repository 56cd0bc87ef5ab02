//! The roles of the sandbox's instance, the sets that organizations choose them from, and the call that lists them.
//! Does not know who holds a role.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::call::Done;
use super::errors::Refusal;
use super::listing::{matches, page};
use super::params::Params;
use super::table::Table;
use super::wire::{self, List};

/// The role of a creator, and the one without whose last holder an organization may not be.
pub(super) const ADMIN: &str = "org:admin";
/// The set that an organization has unless it says otherwise: every role that a sandbox starts with.
pub(super) const DEFAULT_SET: &str = "role_set:default";

const ADMIN_PERMISSIONS: [&str; 6] = [
    "org:sys_profile:manage",
    "org:sys_profile:delete",
    "org:sys_memberships:read",
    "org:sys_memberships:manage",
    "org:sys_domains:read",
    "org:sys_domains:manage",
];
const MEMBER_PERMISSIONS: [&str; 2] = ["org:sys_memberships:read", "org:sys_domains:read"];
const VIEWER_PERMISSIONS: [&str; 1] = ["org:sys_memberships:read"];

/// A role and what it allows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) name: String,
    pub(super) permissions: Vec<&'static str>,
    pub(super) created_at: i64,
}

/// All roles and all sets of them.
pub(super) struct Roles {
    roles: Table<Arc<Role>>,
    sets: BTreeMap<String, Vec<String>>,
}

impl Roles {
    /// Clerk's two defaults and a custom one below them.
    pub(super) fn new(now: i64) -> Self {
        let mut roles = Self { roles: Table::default(), sets: BTreeMap::new() };
        roles.add(ADMIN, &ADMIN_PERMISSIONS, now);
        roles.add("org:member", &MEMBER_PERMISSIONS, now);
        roles.add("org:viewer", &VIEWER_PERMISSIONS, now);
        let all = roles.roles.rows().map(|role| role.key.clone()).collect();
        roles.sets.insert(DEFAULT_SET.to_owned(), all);
        roles
    }

    fn add(&mut self, key: &str, permissions: &[&'static str], created_at: i64) {
        let word = key.strip_prefix("org:").unwrap_or(key);
        let name = word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect();
        let role = Role {
            id: format!("role_{word}"),
            key: key.to_owned(),
            name,
            permissions: permissions.to_vec(),
            created_at,
        };
        self.roles.insert(key.to_owned(), Arc::new(role));
    }

    /// Makes or replaces a set; roles that the instance does not have yet are added to it.
    pub(super) fn define_set(&mut self, set: &str, keys: Vec<String>, now: i64) {
        for key in &keys {
            if self.roles.get(key).is_none() {
                self.add(key, &VIEWER_PERMISSIONS, now);
            }
        }
        self.sets.insert(set.to_owned(), keys);
    }

    /// The sets and the keys of their roles.
    pub(super) fn sets(&self) -> &BTreeMap<String, Vec<String>> {
        &self.sets
    }

    /// The role with this key, if the set has it.
    pub(super) fn find(&self, set: &str, key: &str) -> Option<&Arc<Role>> {
        let known = self.sets.get(set)?.iter().any(|role| role == key);
        self.roles.get(key).filter(|_| known)
    }
}

/// `GET /organization_roles`.
pub(super) fn list(roles: &Roles, params: &Params) -> Result<Done, Refusal> {
    let (order, paging, query) =
        (params.order(&["created_at", "name", "key"])?, params.paging()?, params.search("query"));
    let found = |role: &&Arc<Role>| {
        query.as_deref() == Some(&role.id) || matches(query.as_deref(), [Some(role.name.as_str()), Some(&role.key)])
    };
    let page = page(roles.roles.rows().filter(found).collect(), order, paging, |role, field| {
        Some(if field == "name" { role.name.clone() } else { role.key.clone() })
    });
    let data = page.rows.into_iter().map(|role| wire::role(role)).collect::<Vec<_>>();
    Ok(Done::read(&List { data, total_count: page.total }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_outside_the_set_is_not_found_although_the_instance_has_it() {
        let mut roles = Roles::new(0);
        roles.define_set("role_set:small", vec!["org:member".into(), "org:billing".into()], 0);
        assert!(roles.find("role_set:small", "org:member").is_some());
        assert_eq!(roles.find("role_set:small", "org:billing").map(|role| role.name.as_str()), Some("Billing"));
        for (set, key) in [("role_set:small", ADMIN), (DEFAULT_SET, "org:billing"), ("role_set:none", ADMIN)] {
            assert!(roles.find(set, key).is_none(), "{set} {key}");
        }
    }
}
