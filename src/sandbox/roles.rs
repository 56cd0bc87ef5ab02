//! The roles of the sandbox's instance: Clerk's two defaults and a custom one below them.
//! Does not know who holds them.

/// A role and what it allows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) permissions: &'static [&'static str],
}

/// The role of a creator, and the one without whose last holder an organization may not be.
pub(super) const ADMIN: &Role = &Role {
    key: "org:admin",
    name: "Admin",
    permissions: &[
        "org:sys_profile:manage",
        "org:sys_profile:delete",
        "org:sys_memberships:read",
        "org:sys_memberships:manage",
        "org:sys_domains:read",
        "org:sys_domains:manage",
    ],
};
const MEMBER: &Role =
    &Role { key: "org:member", name: "Member", permissions: &["org:sys_memberships:read", "org:sys_domains:read"] };
const VIEWER: &Role = &Role { key: "org:viewer", name: "Viewer", permissions: &["org:sys_memberships:read"] };

/// The role with this key, if the instance has it.
pub(super) fn find(key: &str) -> Option<&'static Role> {
    [ADMIN, MEMBER, VIEWER].into_iter().find(|role| role.key == key)
}
