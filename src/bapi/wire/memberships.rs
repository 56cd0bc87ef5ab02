//! Memberships as Clerk spells them.
//! Knows nothing of statuses and headers.

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::reply::Membership;
use super::metadata::{PROVENANCE, Private};
use super::text;

#[derive(Serialize)]
pub(in crate::bapi) struct NewMembership<'a> {
    pub(in crate::bapi) user_id: &'a str,
    pub(in crate::bapi) role: &'a str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(in crate::bapi) public_metadata: &'a Map<String, Value>,
    pub(in crate::bapi) private_metadata: Private<'a>,
}

#[derive(Serialize)]
pub(in crate::bapi) struct NewRole<'a> {
    pub(in crate::bapi) role: &'a str,
}

/// Reads a membership; anything that is not an object is none.
pub(in crate::bapi) fn membership(body: &Value) -> Option<Membership> {
    body.is_object().then(|| Membership {
        id: text(body, "/id").map(str::to_owned),
        role: text(body, "/role").map(str::to_owned),
        usher_event: text(body, PROVENANCE).map(str::to_owned),
        shows_metadata: body.get("private_metadata").is_some_and(Value::is_object),
    })
}

/// Reads the membership of `user` in a list: `Some(None)` when there is none, `None` when this is no such list.
pub(in crate::bapi) fn listed(body: &Value, user: &str) -> Option<Option<Membership>> {
    let list = body.get("data")?.as_array()?;
    // The list was asked for one user; an entry of somebody else would mean that the filter was ignored.
    let own = list.iter().find(|entry| text(entry, "/public_user_data/user_id").is_none_or(|id| id == user));
    match own {
        Some(entry) => membership(entry).filter(|found| found.role.is_some()).map(Some),
        None => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_membership_is_read_from_whatever_is_there() {
        let full = json!({"id": "orgmem_1", "role": "org:member", "private_metadata": {"usher_event": "e"}});
        let expected = Membership {
            id: Some("orgmem_1".to_owned()),
            role: Some("org:member".to_owned()),
            usher_event: Some("e".to_owned()),
            shows_metadata: true,
        };
        assert_eq!(membership(&full), Some(expected));
        let odd = json!({"id": 7, "role": null, "private_metadata": [], "organization": {"slug": null}});
        assert_eq!(membership(&odd), Some(Membership::default()));
        assert_eq!(membership(&json!("no object")), None);
    }

    #[test]
    fn a_list_is_read_for_the_user_it_was_asked_for() {
        let entry = |user: &str| json!({"id": "m", "role": "org:member", "public_user_data": {"user_id": user}});
        assert_eq!(listed(&json!({"data": []}), "user_1"), Some(None));
        assert!(matches!(listed(&json!({"data": [entry("user_1")]}), "user_1"), Some(Some(_))));
        assert_eq!(listed(&json!({"data": [entry("user_2")]}), "user_1"), Some(None));
        assert_eq!(listed(&json!({"data": [{"id": "m"}]}), "user_1"), None, "a membership without a role");
        assert_eq!(listed(&json!([]), "user_1"), None);
    }
}
