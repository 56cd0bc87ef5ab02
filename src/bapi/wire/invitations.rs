//! Invitations as Clerk spells them.
//! Knows nothing of statuses and headers.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::EmailAddress;

use super::super::reply::Invitation;
use super::metadata::{PROVENANCE, Private};
use super::text;

/// How many invitations are asked for: one is expected, the others show that the filter was ignored.
pub(in crate::bapi) const PAGE: usize = 10;

#[derive(Serialize)]
pub(in crate::bapi) struct NewInvitation<'a> {
    pub(in crate::bapi) email_address: &'a str,
    pub(in crate::bapi) role: &'a str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(in crate::bapi) public_metadata: &'a Map<String, Value>,
    pub(in crate::bapi) private_metadata: Private<'a>,
}

/// Nobody is named who takes it back.
#[derive(Serialize)]
pub(in crate::bapi) struct Withdrawal {}

/// Reads an invitation; without an id it is none.
pub(in crate::bapi) fn invitation(body: &Value) -> Option<Invitation> {
    Some(Invitation {
        id: text(body, "/id")?.parse().ok()?,
        role: text(body, "/role").map(str::to_owned),
        usher_event: text(body, PROVENANCE).map(str::to_owned),
    })
}

/// Reads the pending invitation of `address` in a list: `Some(None)` when there is none, `None` when this is no such list.
pub(in crate::bapi) fn pending(body: &Value, address: &EmailAddress) -> Option<Option<Invitation>> {
    let list = body.get("data")?.as_array()?;
    let own = |entry: &&Value| {
        text(entry, "/email_address").is_some_and(|found| found.to_lowercase() == address.reveal())
            && text(entry, "/status").is_none_or(|status| status == "pending")
    };
    match list.iter().find(own) {
        Some(entry) => invitation(entry).map(Some),
        None => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_is_read_for_the_pending_invitation_of_the_address_it_was_asked_for() {
        let ada: EmailAddress = "ada@example.com".parse().unwrap();
        let entry = |id: &str, address: &str, status: &str| json!({"id": id, "email_address": address, "status": status, "role": "org:member", "private_metadata": {"usher_event": "e"}});
        let found = |list: &[Value]| pending(&json!({"data": list, "total_count": 1}), &ada);
        let (other, old) =
            (entry("orginv_1", "eve@example.com", "pending"), entry("orginv_2", "ada@example.com", "revoked"));
        let own = entry("orginv_3", "Ada@Example.com", "pending");
        let expected = Invitation {
            id: "orginv_3".parse().unwrap(),
            role: Some("org:member".to_owned()),
            usher_event: Some("e".to_owned()),
        };
        assert_eq!(found(&[other.clone(), old.clone(), own]), Some(Some(expected)));
        assert_eq!(found(&[other, old]), Some(None));
        assert_eq!(found(&[]), Some(None));
        assert_eq!(found(&[entry("odd", "ada@example.com", "pending")]), None, "an id that is none");
        assert_eq!(pending(&json!([]), &ada), None);
    }
}
