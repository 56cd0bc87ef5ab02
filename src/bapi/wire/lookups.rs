//! Organizations and users as Clerk spells them, as far as they answer a question.
//! Knows nothing of statuses and headers.

use serde_json::Value;

use crate::domain::{EmailAddress, OrganizationId, Slug, UserId, UserRef};

use super::super::reply::{FoundUser, Organization};
use super::text;

/// How many users are asked for: one is expected, but an address can be on users who never proved that it is theirs.
pub(in crate::bapi) const PAGE: usize = 10;

/// Reads the id of the organization that has the slug: `Some(None)` where this is another one, `None` where it is none.
pub(in crate::bapi) fn organization_id(body: &Value, slug: &Slug) -> Option<Option<OrganizationId>> {
    let id = text(body, "/id")?.parse().ok()?;
    Some(text(body, "/slug").is_none_or(|found| found == slug.as_str()).then_some(id))
}

/// Reads an organization.
pub(in crate::bapi) fn organization(body: &Value, id: &OrganizationId) -> Option<Organization> {
    let own = text(body, "/id").is_some_and(|found| found == id.as_str());
    own.then(|| Organization { members: body.get("members_count").and_then(Value::as_u64) })
}

/// Reads a user.
pub(in crate::bapi) fn is_user(body: &Value, id: &UserId) -> Option<()> {
    text(body, "/id").is_some_and(|found| found == id.as_str()).then_some(())
}

/// Reads who in a list carries a name; `None` where this is no such list.
pub(in crate::bapi) fn found_user(body: &Value, user: &UserRef) -> Option<FoundUser> {
    // This list comes bare, without `data`.
    let list = body.as_array()?;
    let ids: Option<Vec<UserId>> =
        list.iter().filter(|entry| carries(entry, user)).map(|entry| text(entry, "/id")?.parse().ok()).collect();
    let mut ids = ids?.into_iter();
    Some(match (ids.next(), ids.next()) {
        (Some(_), Some(_)) => FoundUser::Several,
        (Some(id), None) => FoundUser::One(id),
        // A full page of others may hide the one who was asked for.
        (None, _) if list.len() >= PAGE => FoundUser::Several,
        (None, _) => FoundUser::None,
    })
}

/// Whether a listed user really carries the name: a filter that is ignored would return anybody.
fn carries(entry: &Value, user: &UserRef) -> bool {
    match user {
        UserRef::Id(id) => text(entry, "/id") == Some(id.as_str()),
        UserRef::ExternalId(id) => text(entry, "/external_id") == Some(id.as_str()),
        UserRef::Email(address) => match entry.get("email_addresses") {
            Some(addresses) => addresses.as_array().is_some_and(|all| all.iter().any(|one| is_own(one, address))),
            None => true,
        },
    }
}

/// Whether this is the address, and proved to be the user's.
///
/// Clerk lists whoever has typed an address as well, and does not say whether its filter looks at that. A membership must
/// not go to someone who claims the address of another, so one that is not verified counts as not there. Only an answer
/// without any `verification` is trusted; `null` is how an address looks before its owner was ever asked.
fn is_own(listed: &Value, address: &EmailAddress) -> bool {
    let same = text(listed, "/email_address").is_some_and(|found| found.to_lowercase() == address.reveal());
    let verified = listed.get("verification").is_none_or(|proof| text(proof, "/status") == Some("verified"));
    same && verified
}

#[cfg(test)]
mod tests;
