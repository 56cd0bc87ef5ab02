//! Users, organizations and memberships: made, found, changed and removed as Clerk does it.

use serde_json::{Value, json};

use super::client::{ACME, Sandbox};

#[actix_web::test]
async fn the_users_that_events_name_are_found_by_id_address_and_external_id() {
    let sandbox = Sandbox::plain();
    for query in ["user_id=user_ada", "email_address=ADA%40example.com", "external_id=ext_ada", "query=ada"] {
        let found = sandbox.get(&format!("/v1/users?{query}")).await;
        assert_eq!(found.body.as_array().map(Vec::len), Some(1), "{query}");
        assert_eq!(found.body[0]["id"], "user_ada", "{query}");
    }
    assert_eq!(sandbox.get("/v1/users").await.body.as_array().map(Vec::len), Some(4));
    assert_eq!(sandbox.get("/v1/users?user_id=-user_ada").await.body.as_array().map(Vec::len), Some(3));
    assert_eq!(sandbox.get("/v1/users/count").await.body["total_count"], 4);
    assert_eq!(sandbox.get("/v1/users/user_ada").await.body["email_addresses"][0]["email_address"], "ada@example.com");
}

#[actix_web::test]
async fn users_are_created_once_per_address_and_external_id() {
    let sandbox = Sandbox::plain();
    let eve = json!({ "email_address": ["eve@example.com"], "external_id": "ext_eve", "first_name": "Eve" });
    let created = sandbox.post("/v1/users", eve).await;
    assert_eq!(created.status, 200);
    let id = created.body["id"].as_str().unwrap();
    assert!(id.starts_with("user_") && id.len() == 32, "{id}");
    assert_eq!(sandbox.get(&format!("/v1/users/{id}")).await.body, created.body);

    for (body, code, parameter) in [
        (json!({ "email_address": ["EVE@example.com"] }), "form_identifier_exists", "email_address"),
        (json!({ "external_id": "ext_eve" }), "form_identifier_exists", "external_id"),
        (json!({ "email_address": ["eve"] }), "form_param_format_invalid", "email_address"),
        (json!({ "email_address": "eve@example.com" }), "form_param_value_invalid", "email_address"),
        (json!({ "shoe_size": 3 }), "form_param_unknown", "shoe_size"),
    ] {
        let refused = sandbox.post("/v1/users", body).await;
        assert_eq!(refused.code(), (422, code));
        assert_eq!(refused.error("meta")["param_name"], parameter);
    }
}

#[actix_web::test]
async fn organizations_are_found_by_id_and_slug() {
    let sandbox = Sandbox::plain();
    assert_eq!(sandbox.get("/v1/organizations/org_acme").await.body["slug"], "acme");
    assert_eq!(sandbox.get("/v1/organizations/acme").await.body["id"], "org_acme");
    assert_eq!(sandbox.get("/v1/organizations/nowhere").await.code(), (404, "resource_not_found"));

    let made = sandbox.post("/v1/organizations", json!({ "name": "Umbrella", "created_by": "user_ada" })).await;
    assert_eq!((made.status, &made.body["slug"], &made.body["members_count"]), (200, &Value::Null, &json!(1)));
    let list = sandbox.get("/v1/organizations?user_id=user_ada&include_members_count=true").await;
    assert_eq!((&list.body["total_count"], &list.body["data"][0]["id"]), (&json!(1), &made.body["id"]));
    let by_name = sandbox.get("/v1/organizations?order_by=name&limit=2").await;
    assert_eq!((&by_name.body["total_count"], &by_name.body["data"][1]["name"]), (&json!(4), &json!("Globex")));

    for (body, status, code) in [
        (json!({}), 422, "form_param_missing"),
        (json!({ "name": "x", "slug": "acme" }), 422, "form_identifier_exists"),
        (json!({ "name": "x", "slug": "Not A Slug" }), 422, "form_param_format_invalid"),
        (json!({ "name": "x", "created_by": "user_nobody" }), 400, "organization_creator_not_found"),
    ] {
        assert_eq!(sandbox.post("/v1/organizations", body).await.code(), (status, code));
    }
}

#[actix_web::test]
async fn a_membership_is_created_changed_and_removed() {
    let sandbox = Sandbox::plain();
    let metadata = json!({ "usher_event": "evt_1" });
    let body = json!({ "user_id": "user_ada", "role": "org:member", "private_metadata": metadata });
    let created = sandbox.post(ACME, body).await;
    assert_eq!((created.status, &created.body["role"]), (200, &json!("org:member")));
    assert_eq!(created.body["organization"]["id"], "org_acme");
    assert_eq!(created.body["private_metadata"], metadata);
    assert!(created.body["created_at"].as_i64().unwrap() > 1_600_000_000_000);

    let member = format!("{ACME}/user_ada");
    let updated = sandbox.patch(&member, json!({ "role": "org:viewer" })).await;
    assert_eq!((&updated.body["role"], &updated.body["id"]), (&json!("org:viewer"), &created.body["id"]));
    let list = sandbox.get(&format!("{ACME}?user_id=user_ada&limit=1")).await;
    assert_eq!((&list.body["total_count"], &list.body["data"][0]), (&json!(1), &updated.body));

    assert_eq!(sandbox.delete(&member).await.body["id"], created.body["id"]);
    assert_eq!(sandbox.delete(&member).await.code(), (404, "resource_not_found"));
    assert_eq!(sandbox.patch(&member, json!({ "role": "org:viewer" })).await.code(), (404, "resource_not_found"));
    assert_eq!(sandbox.get(ACME).await.body, json!({ "data": [], "total_count": 0 }));
}

#[actix_web::test]
async fn memberships_are_filtered_ordered_and_paged() {
    let sandbox = Sandbox::plain();
    for (user, role) in [("user_carol", "org:admin"), ("user_ada", "org:member"), ("user_bob", "org:member")] {
        sandbox.join(user, role).await;
    }
    for (query, users, total) in [
        ("", vec!["user_bob", "user_ada", "user_carol"], 3),
        ("order_by=%2Bcreated_at", vec!["user_carol", "user_ada", "user_bob"], 3),
        ("order_by=first_name&limit=2", vec!["user_ada", "user_bob"], 3),
        ("order_by=first_name&limit=2&offset=2", vec!["user_carol"], 3),
        ("user_id=user_ada&user_id=%2Buser_carol", vec!["user_ada", "user_carol"], 2),
        ("user_id=-user_ada", vec!["user_bob", "user_carol"], 2),
        ("user_id=user_dan", vec![], 0),
        ("email_address=carol%40example.com", vec!["user_carol"], 1),
        ("role=org%3Amember", vec!["user_bob", "user_ada"], 2),
        ("role=org%3Amember&query=BOB", vec!["user_bob"], 1),
    ] {
        let list = sandbox.get(&format!("{ACME}?{query}")).await;
        assert_eq!((list.users(), &list.body["total_count"]), (users, &json!(total)), "{query}");
    }
    for wrong in ["limit=0", "limit=501", "limit=10.0", "offset=-1", "order_by=shoe_size"] {
        assert_eq!(sandbox.get(&format!("{ACME}?{wrong}")).await.status, 422, "{wrong}");
    }
}
