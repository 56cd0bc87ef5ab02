//! Which call of the Backend API is meant: the table of everything that the sandbox speaks.
//! Knows nothing of keys, faults and the limit on all calls.

use super::call::{Call, Done};
use super::errors::Refusal;
use super::fields::Fields;
use super::params::Params;
use super::store::Store;
use super::{invitations, memberships, organizations, roles, users};

/// Carries the call out, all or nothing.
pub(super) fn route(store: &mut Store, call: &Call, now: i64) -> Result<Done, Refusal> {
    let params = Params::parse(&call.query)?;
    let segments = call.segments();
    match segments.as_slice() {
        ["users"] | ["users", _] => of_users(store, call, &params, now),
        ["organizations" | "organization_roles", ..] | ["users", _, "organization_memberships"]
            if !store.switches.organizations_enabled =>
        {
            Err(Refusal::OrganizationsDisabled)
        }
        ["organizations", id, "memberships", rest @ ..] => of_memberships(store, id, rest, call, now),
        ["organizations", id, "invitations", rest @ ..] => of_invitations(store, id, rest, call, now),
        segments => of_organizations(store, segments, call, now),
    }
}

fn of_users(store: &mut Store, call: &Call, params: &Params, now: i64) -> Result<Done, Refusal> {
    match (call.method.as_str(), call.segments().as_slice()) {
        ("POST", ["users"]) => users::create(store, &Fields::read(call)?, now),
        ("GET", ["users"]) => users::list(store, params),
        ("GET", ["users", "count"]) => users::count(store, params),
        ("GET", ["users", user]) => users::get(store, user),
        _ => Err(Refusal::UnknownUrl),
    }
}

fn of_organizations(store: &mut Store, segments: &[&str], call: &Call, now: i64) -> Result<Done, Refusal> {
    let params = Params::parse(&call.query)?;
    match (call.method.as_str(), segments) {
        ("POST", ["organizations"]) => organizations::create(store, &Fields::read(call)?, now),
        ("GET", ["organizations"]) => organizations::list(store, &params, now),
        ("GET", ["organizations", id]) => organizations::get(store, id, &params, now),
        ("PATCH", ["organizations", id]) => organizations::update(store, id, &Fields::read(call)?, now),
        ("GET", ["organization_roles"]) => roles::list(&store.roles, &params),
        ("GET", ["users", user, "organization_memberships"]) => memberships::list_of_user(store, user, &params),
        _ => Err(Refusal::UnknownUrl),
    }
}

fn of_memberships(store: &mut Store, id: &str, rest: &[&str], call: &Call, now: i64) -> Result<Done, Refusal> {
    match (call.method.as_str(), rest) {
        ("POST", []) => memberships::create(store, id, &Fields::read(call)?, now),
        ("GET", []) => memberships::list(store, id, &Params::parse(&call.query)?),
        ("PATCH", [user]) => memberships::update(store, id, user, &Fields::read(call)?, now),
        ("PATCH", [user, "metadata"]) => memberships::update_metadata(store, id, user, &Fields::read(call)?, now),
        ("DELETE", [user]) => memberships::delete(store, id, user),
        _ => Err(Refusal::UnknownUrl),
    }
}

fn of_invitations(store: &mut Store, id: &str, rest: &[&str], call: &Call, now: i64) -> Result<Done, Refusal> {
    match (call.method.as_str(), rest) {
        ("POST", []) => invitations::create(store, id, &Fields::read(call)?, now),
        ("GET", []) => invitations::list(store, id, &Params::parse(&call.query)?, now),
        ("GET", [invitation]) => invitations::get(store, id, invitation, now),
        ("POST", [invitation, "revoke"]) => {
            invitations::revoke(store, id, invitation, &Fields::read_if_any(call)?, now)
        }
        _ => Err(Refusal::UnknownUrl),
    }
}
