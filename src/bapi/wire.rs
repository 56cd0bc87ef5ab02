//! Bodies as Clerk spells them. Reading is lenient: a field of a surprising type is a field that is not there.
//! Knows nothing of statuses and headers.

use serde::Serialize;
use serde_json::Value;

use super::reply::Membership;

/// Where usher notes, in the private metadata of a membership it creates, the event that asked for it.
const PROVENANCE: &str = "/private_metadata/usher_event";

#[derive(Serialize)]
pub(super) struct NewMembership<'a> {
    pub(super) user_id: &'a str,
    pub(super) role: &'a str,
    pub(super) private_metadata: Provenance,
}

#[derive(Serialize)]
pub(super) struct Provenance {
    pub(super) usher_event: String,
}

#[derive(Serialize)]
pub(super) struct NewRole<'a> {
    pub(super) role: &'a str,
}

/// Reads a membership; anything that is not an object is none.
pub(super) fn membership(body: &Value) -> Option<Membership> {
    body.is_object().then(|| Membership {
        id: text(body, "/id").map(str::to_owned),
        role: text(body, "/role").map(str::to_owned),
        usher_event: text(body, PROVENANCE).map(str::to_owned),
    })
}

/// Reads the membership of `user` in a list: `Some(None)` when there is none, `None` when this is no such list.
pub(super) fn listed(body: &Value, user: &str) -> Option<Option<Membership>> {
    let list = body.get("data")?.as_array()?;
    // The list was asked for one user; an entry of somebody else would mean that the filter was ignored.
    let own = list.iter().find(|entry| text(entry, "/public_user_data/user_id").is_none_or(|id| id == user));
    match own {
        Some(entry) => membership(entry).filter(|found| found.role.is_some()).map(Some),
        None => Some(None),
    }
}

/// The code of an error body and whether the error is about the role.
pub(super) fn error(body: &Value) -> (Option<&str>, bool) {
    let first = body.pointer("/errors/0").unwrap_or(&Value::Null);
    let names_role = text(first, "/meta/param_name").is_some_and(|name| name == "role")
        || text(first, "/long_message").or(text(first, "/message")).is_some_and(|text| text.contains(" role "));
    (text(first, "/code"), names_role)
}

/// Clerk's trace id, where the body carries it.
pub(super) fn trace_id(body: &Value) -> Option<&str> {
    text(body, "/clerk_trace_id")
}

fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
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

    #[test]
    fn an_error_is_read_from_whatever_is_there() {
        let about_role = json!({"errors": [{"code": "resource_not_found", "meta": {"param_name": "role"}}]});
        assert_eq!(error(&about_role), (Some("resource_not_found"), true));
        let in_words =
            json!({"errors": [{"code": "c", "message": "not found", "long_message": "Organization role not found"}]});
        assert_eq!(error(&in_words), (Some("c"), true));
        for nothing in
            [json!({}), json!({"errors": []}), json!({"errors": "x"}), json!({"errors": [{"code": 1}]}), json!(1)]
        {
            assert_eq!(error(&nothing), (None, false));
        }
    }
}
