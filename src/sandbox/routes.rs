//! Which call of the Backend API is meant: the table of everything that the sandbox speaks.
//! Knows nothing of keys, limits and faults.

use super::call::{Call, Done};
use super::errors::Refusal;
use super::fields::Fields;
use super::params::Params;
use super::store::Store;
use super::{memberships, organizations, users};

/// Carries the call out, all or nothing.
pub(super) fn route(store: &mut Store, call: &Call, now: i64) -> Result<Done, Refusal> {
    let params = Params::parse(&call.query)?;
    let fields = || Fields::read(call);
    match (call.method.as_str(), call.segments().as_slice()) {
        ("POST", ["users"]) => users::create(store, &fields()?, now),
        ("GET", ["users"]) => users::list(store, &params),
        ("GET", ["users", "count"]) => users::count(store, &params),
        ("GET", ["users", user]) => users::get(store, user),

        ("POST", ["organizations"]) => organizations::create(store, &fields()?, now),
        ("GET", ["organizations"]) => organizations::list(store, &params),
        ("GET", ["organizations", organization]) => organizations::get(store, organization, &params),

        ("POST", ["organizations", organization, "memberships"]) => {
            memberships::create(store, organization, &fields()?, now)
        }
        ("GET", ["organizations", organization, "memberships"]) => memberships::list(store, organization, &params),
        ("PATCH", ["organizations", organization, "memberships", user]) => {
            memberships::update(store, organization, user, &fields()?, now)
        }
        ("DELETE", ["organizations", organization, "memberships", user]) => {
            memberships::delete(store, organization, user)
        }
        _ => Err(Refusal::UnknownUrl),
    }
}
