//! What an organization refuses by its own settings: seats, role sets, directories, exclusivity, its last admin.

use serde_json::{Value, json};
use usher::sandbox::Options;

use super::client::{ACME, Sandbox};

const POLICY: &str = "/sandbox/organizations/org_acme/policy";

fn role(key: &str) -> Value {
    json!({ "role": key })
}

#[actix_web::test]
async fn a_quota_is_freed_by_changing_the_organization() {
    let sandbox = Sandbox::plain();
    let own = sandbox.organization(1).await;
    let members = format!("{own}/memberships");
    let join = |user: &str| json!({ "user_id": user, "role": "org:member" });
    sandbox.post(&members, join("user_ada")).await;
    let full = sandbox.post(&members, join("user_bob")).await;
    assert_eq!(full.code(), (403, "organization_membership_quota_exceeded"));
    for limit in [2, 0] {
        let changed = sandbox.patch(&own, json!({ "max_allowed_memberships": limit })).await;
        assert_eq!((changed.status, &changed.body["max_allowed_memberships"]), (200, &json!(limit)));
        let user = if limit == 2 { "user_bob" } else { "user_carol" };
        assert_eq!(sandbox.post(&members, join(user)).await.status, 200, "{limit}");
    }
}

#[actix_web::test]
async fn an_organization_is_renamed_and_found_under_its_new_slug_only() {
    let sandbox = Sandbox::plain();
    let acme = "/v1/organizations/org_acme";
    let changed = sandbox.patch(acme, json!({ "name": "Acme Two", "slug": "acme-two" })).await;
    assert_eq!((&changed.body["name"], &changed.body["slug"]), (&json!("Acme Two"), &json!("acme-two")));
    assert_eq!(sandbox.get("/v1/organizations/acme-two").await.body["id"], "org_acme");
    assert_eq!(sandbox.get("/v1/organizations/acme").await.code(), (404, "resource_not_found"));
    assert_eq!(sandbox.patch(acme, json!({ "slug": "acme-two" })).await.status, 200);
    for (body, status, code) in [
        (json!({ "slug": "globex" }), 422, "form_identifier_exists"),
        (json!({ "max_allowed_memberships": "many" }), 422, "form_param_value_invalid"),
        (json!({ "public_metadata": {} }), 422, "form_param_unknown"),
        (json!({ "role_set_key": "role_set:none" }), 422, "form_resource_not_found"),
    ] {
        assert_eq!(sandbox.patch(acme, body).await.code(), (status, code));
    }
    let nowhere = sandbox.patch("/v1/organizations/org_nowhere", json!({ "name": "x" })).await;
    assert_eq!(nowhere.code(), (404, "resource_not_found"));
}

#[actix_web::test]
async fn only_roles_of_the_organizations_set_can_be_given() {
    let sandbox = Sandbox::plain();
    let set = json!({ "roles": ["org:member", "org:billing"] });
    assert_eq!(sandbox.put("/sandbox/role_sets/role_set:small", set).await.status, 200);
    let roles = sandbox.get("/v1/organization_roles?order_by=key").await.body;
    let keys: Vec<_> = roles["data"].as_array().unwrap().iter().filter_map(|role| role["key"].as_str()).collect();
    assert_eq!(keys, ["org:admin", "org:billing", "org:member", "org:viewer"]);
    assert_eq!(roles["data"][0]["is_creator_eligible"], true);
    assert_eq!(sandbox.get("/v1/organization_roles?query=bill&limit=1").await.body["total_count"], 1);

    assert_eq!(sandbox.join("user_ada", "org:billing").await.code(), (404, "resource_not_found"));
    let changed = sandbox.patch("/v1/organizations/org_acme", json!({ "role_set_key": "role_set:small" })).await;
    assert_eq!(changed.body["role_set_key"], "role_set:small");
    assert_eq!(sandbox.join("user_ada", "org:billing").await.status, 200);
    let outside = sandbox.join("user_bob", "org:viewer").await;
    assert_eq!(outside.error("long_message"), "Organization role not found");
    assert_eq!(outside.error("meta")["param_name"], "role");
    let ada = format!("{ACME}/user_ada");
    assert_eq!(sandbox.patch(&ada, role("org:viewer")).await.code(), (404, "resource_not_found"));
    assert_eq!(sandbox.patch(&ada, role("org:member")).await.status, 200);
    assert!(sandbox.get("/sandbox/role_sets").await.body["role_set:small"].is_array());
}

#[actix_web::test]
async fn memberships_of_a_directory_are_left_alone() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_ada", "org:member").await;
    sandbox.join("user_bob", "org:member").await;
    let managed = (409, "organization_membership_managed_by_scim");
    let (ada, bob) = (format!("{ACME}/user_ada"), format!("{ACME}/user_bob"));
    sandbox.put(POLICY, json!({ "scim": ["user_ada"] })).await;
    assert_eq!(sandbox.delete(&ada).await.code(), managed);
    assert_eq!(sandbox.patch(&bob, role("org:viewer")).await.status, 200);
    sandbox.put(POLICY, json!({ "scim": true })).await;
    assert_eq!(sandbox.patch(&bob, role("org:viewer")).await.code(), managed);
    sandbox.put(POLICY, json!({})).await;
    assert_eq!(sandbox.delete(&ada).await.status, 200);
}

#[actix_web::test]
async fn members_of_an_exclusive_organization_belong_to_no_other() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_ada", "org:member").await;
    let globex = "/v1/organizations/org_globex/memberships";
    let join = |user: &str| json!({ "user_id": user, "role": "org:member" });
    let set = sandbox.put(POLICY, json!({ "exclusive": true })).await;
    assert_eq!(set.body, json!({ "scim": false, "exclusive": true, "keep_last_admin": true }));
    let exclusive = (422, "exclusive_organization_membership");
    assert_eq!(sandbox.post(globex, join("user_ada")).await.code(), exclusive);
    assert_eq!(sandbox.post(globex, join("user_bob")).await.status, 200);
    assert_eq!(sandbox.join("user_bob", "org:member").await.code(), exclusive);
    assert_eq!(sandbox.join("user_carol", "org:member").await.status, 200);
}

#[actix_web::test]
async fn the_last_admin_may_go_where_the_organization_lets_go() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_ada", "org:admin").await;
    let ada = format!("{ACME}/user_ada");
    assert_eq!(sandbox.patch(&ada, role("org:member")).await.code(), (400, "organization_minimum_permissions_needed"));
    sandbox.put(POLICY, json!({ "keep_last_admin": false })).await;
    assert_eq!(sandbox.patch(&ada, role("org:member")).await.status, 200);
}

#[actix_web::test]
async fn policies_that_mean_nothing_are_refused() {
    let sandbox = Sandbox::plain();
    assert_eq!(sandbox.put(POLICY, json!({ "exclusiv": true })).await.status, 400);
    assert_eq!(sandbox.put("/sandbox/organizations/org_nowhere/policy", json!({})).await.status, 404);
    assert_eq!(sandbox.get(POLICY).await.body["exclusive"], false);
}

#[actix_web::test]
async fn metadata_of_a_membership_is_merged_and_shares_the_budget_of_role_changes() {
    let sandbox = Sandbox::plain();
    let body =
        json!({ "user_id": "user_ada", "role": "org:member", "private_metadata": { "a": { "b": 1, "c": 2 }, "d": 3 } });
    sandbox.post(ACME, body).await;
    let metadata = format!("{ACME}/user_ada/metadata");
    let merged =
        sandbox.patch(&metadata, json!({ "private_metadata": { "a": { "b": null, "e": 4 }, "d": null } })).await;
    assert_eq!(merged.body["private_metadata"], json!({ "a": { "c": 2, "e": 4 } }));
    assert_eq!(sandbox.patch(&metadata, json!({ "role": "org:admin" })).await.code(), (422, "form_param_unknown"));
    for _ in 0..9 {
        sandbox.patch(&format!("{ACME}/user_ada"), role("org:viewer")).await;
    }
    assert_eq!(sandbox.patch(&metadata, json!({})).await.code(), (429, "too_many_requests"));

    let unlimited = Sandbox::start(Options { role_change_limit: None, ..Options::default() });
    unlimited.join("user_ada", "org:member").await;
    for _ in 0..30 {
        assert_eq!(unlimited.patch(&format!("{ACME}/user_ada"), role("org:viewer")).await.status, 200);
    }
}

#[actix_web::test]
async fn the_memberships_of_a_user_are_listed_across_organizations() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_ada", "org:member").await;
    let globex = json!({ "user_id": "user_ada", "role": "org:viewer" });
    sandbox.post("/v1/organizations/org_globex/memberships", globex).await;
    let list = sandbox.get("/v1/users/user_ada/organization_memberships").await.body;
    assert_eq!((&list["total_count"], list["data"].as_array().map(Vec::len)), (&json!(2), Some(2)));
    let nobody = sandbox.get("/v1/users/user_nobody/organization_memberships").await;
    assert_eq!(nobody.code(), (404, "resource_not_found"));
}
