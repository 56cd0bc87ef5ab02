//! Who counts as found, and who does not.

use super::*;
use serde_json::json;

fn address(address: &str, status: &str) -> Value {
    json!({"email_address": address, "verification": {"status": status}})
}

fn user(id: &str, addresses: &[Value]) -> Value {
    json!({"id": id, "external_id": null, "email_addresses": addresses})
}

fn by_address(list: &[Value]) -> Option<FoundUser> {
    found_user(&json!(list), &"email:ada@example.com".parse().unwrap())
}

fn one(id: &str) -> Option<FoundUser> {
    Some(FoundUser::One(id.parse().unwrap()))
}

#[test]
fn a_user_is_found_by_any_of_their_addresses_whatever_its_case() {
    let other = address("other@example.com", "verified");
    assert_eq!(by_address(&[]), Some(FoundUser::None));
    assert_eq!(by_address(&[user("user_1", &[other.clone(), address("Ada@Example.COM", "verified")])]), one("user_1"));
    assert_eq!(by_address(&[user("user_1", &[other])]), Some(FoundUser::None), "the filter was ignored");
    assert_eq!(by_address(&[json!({"id": "user_1"})]), one("user_1"), "no addresses are shown at all");
}

#[test]
fn an_address_counts_for_whoever_proved_that_it_is_theirs() {
    let typed = |status: &str| user("user_2", &[address("ada@example.com", status)]);
    for status in ["unverified", "failed", "expired", "transferable", ""] {
        assert_eq!(by_address(&[typed(status)]), Some(FoundUser::None), "{status}");
    }
    let never_asked = user("user_2", &[json!({"email_address": "ada@example.com", "verification": null})]);
    assert_eq!(by_address(&[never_asked]), Some(FoundUser::None));
    assert_eq!(by_address(&[user("user_1", &[json!({"email_address": "ada@example.com"})])]), one("user_1"));
    assert_eq!(
        by_address(&[typed("unverified"), user("user_1", &[address("ada@example.com", "verified")])]),
        one("user_1")
    );
    assert_eq!(
        by_address(&[typed("verified"), user("user_1", &[address("ada@example.com", "verified")])]),
        Some(FoundUser::Several)
    );
}

#[test]
fn a_full_page_of_others_proves_nothing() {
    let others = vec![user("user_2", &[address("ada@example.com", "unverified")]); PAGE];
    assert_eq!(by_address(&others), Some(FoundUser::Several));
    assert_eq!(by_address(&others[1..]), Some(FoundUser::None));
}

#[test]
fn a_user_is_found_by_an_external_id_to_the_letter() {
    let found = |external_id: Value| {
        found_user(&json!([{"id": "user_1", "external_id": external_id}]), &"external_id:Kd-1".parse().unwrap())
    };
    assert_eq!(found(json!("Kd-1")), one("user_1"));
    for other in [json!("kd-1"), json!("Kd-10"), json!(null), json!(1)] {
        assert_eq!(found(other.clone()), Some(FoundUser::None), "{other}");
    }
}

#[test]
fn what_is_no_list_of_users_is_not_read_as_an_empty_one() {
    let external_id = "external_id:1".parse().unwrap();
    for odd in [
        json!({"data": [], "total_count": 0}),
        json!(null),
        json!([{"external_id": "1"}]),
        json!([{"id": "../x", "external_id": "1"}]),
    ] {
        assert_eq!(found_user(&odd, &external_id), None, "{odd}");
    }
}

#[test]
fn an_organization_is_the_one_that_was_asked_for() {
    let (slug, id): (Slug, OrganizationId) = ("acme".parse().unwrap(), "org_1".parse().unwrap());
    let of = |id: Value, slug: Value| json!({"id": id, "slug": slug, "members_count": 3});
    assert_eq!(organization_id(&of(json!("org_1"), json!("acme")), &slug), Some(Some(id.clone())));
    assert_eq!(organization_id(&of(json!("org_1"), json!(null)), &slug), Some(Some(id.clone())));
    assert_eq!(organization_id(&of(json!("org_1"), json!("other")), &slug), Some(None));
    assert_eq!(organization_id(&of(json!("odd"), json!("acme")), &slug), None);
    assert_eq!(organization(&of(json!("org_1"), json!("acme")), &id), Some(Organization { members: Some(3) }));
    assert_eq!(organization(&json!({"id": "org_1", "members_count": -1}), &id), Some(Organization { members: None }));
    assert_eq!(organization(&of(json!("org_2"), json!("acme")), &id), None);
    let user: UserId = "user_1".parse().unwrap();
    assert_eq!((is_user(&json!({"id": "user_1"}), &user), is_user(&json!({}), &user)), (Some(()), None));
}
