//! Invitations: sent, found, revoked, accepted, and refused in Clerk's words.

use std::time::Duration;

use awc::http::Method;
use serde_json::{Value, json};
use usher::sandbox::{Options, RateLimit};

use super::client::{ACME, Reply, Sandbox};

const INVITATIONS: &str = "/v1/organizations/org_acme/invitations";

async fn invite(sandbox: &Sandbox, address: &str) -> Reply {
    sandbox.post(INVITATIONS, json!({ "email_address": address, "role": "org:member" })).await
}

fn id(reply: &Reply) -> String {
    reply.body["id"].as_str().unwrap().to_owned()
}

async fn control(sandbox: &Sandbox, id: &str, what: &str) -> Reply {
    sandbox.call(Method::POST, &format!("/sandbox/invitations/{id}/{what}"), None).await.unwrap()
}

#[actix_web::test]
async fn an_invitation_is_sent_found_and_revoked() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_bob", "org:admin").await;
    let body = json!({
        "email_address": "Eve@example.com", "role": "org:viewer", "inviter_user_id": "user_bob", "notify": false,
        "private_metadata": { "usher_event": "evt_1" }, "expires_in_days": 1, "redirect_url": "https://example.com",
    });
    let sent = sandbox.post(INVITATIONS, body).await;
    assert_eq!((sent.status, &sent.body["object"]), (200, &json!("organization_invitation")));
    assert!(id(&sent).starts_with("orginv_"));
    assert_eq!((&sent.body["status"], &sent.body["role"]), (&json!("pending"), &json!("org:viewer")));
    assert_eq!(sent.body["public_inviter_data"]["identifier"], "bob@example.com");
    let lifetime = sent.body["expires_at"].as_i64().unwrap() - sent.body["created_at"].as_i64().unwrap();
    assert_eq!(lifetime, 24 * 60 * 60 * 1000);

    let one = format!("{INVITATIONS}/{}", id(&sent));
    assert_eq!(sandbox.get(&one).await.body, sent.body);
    let found = sandbox.get(&format!("{INVITATIONS}?status=pending&email_address=eve%40example.com")).await;
    assert_eq!((&found.body["total_count"], &found.body["data"][0]), (&json!(1), &sent.body));

    let revoke = format!("{one}/revoke");
    let by_nobody = sandbox.post(&revoke, json!({ "requesting_user_id": "user_ada" })).await;
    assert_eq!(by_nobody.code(), (403, "not_an_admin_in_organization"));
    let revoked = sandbox.call(Method::POST, &revoke, None).await.unwrap();
    assert_eq!((revoked.status, &revoked.body["status"]), (200, &json!("revoked")));
    let again = sandbox.post(&revoke, json!({ "requesting_user_id": "user_bob" })).await;
    assert_eq!(again.code(), (404, "organization_invitation_not_pending"));
}

#[actix_web::test]
async fn invitations_are_filtered_ordered_and_paged() {
    let sandbox = Sandbox::plain();
    for address in ["b@example.com", "c@example.com", "a@example.com"] {
        invite(&sandbox, address).await;
    }
    let of = async |query: &str| {
        let list = sandbox.get(&format!("{INVITATIONS}?{query}")).await.body;
        let data = list["data"].as_array().unwrap().clone();
        let letters = data.iter().filter_map(|row| row["email_address"].as_str()?.chars().next()).collect::<String>();
        (letters, list["total_count"].as_u64().unwrap())
    };
    control(
        &sandbox,
        &id(&sandbox.get(&format!("{INVITATIONS}?email_address=b%40example.com")).await.first()),
        "expire",
    )
    .await;
    for (query, letters, total) in [
        ("", "acb", 3),
        ("order_by=email_address&limit=2", "ab", 3),
        ("limit=1&offset=1", "c", 3),
        ("status=pending", "ac", 2),
        ("status=expired", "b", 1),
        ("status=expired&status=pending", "acb", 3),
        ("status=accepted", "", 0),
    ] {
        assert_eq!(of(query).await, (letters.to_owned(), total), "{query}");
    }
    assert_eq!(sandbox.get(&format!("{INVITATIONS}?status=lost")).await.code(), (422, "form_param_value_invalid"));
    assert_eq!(sandbox.get("/sandbox/invitations").await.body.as_array().map(Vec::len), Some(3));
}

#[actix_web::test]
async fn invitations_that_clerk_refuses_are_refused_in_its_words() {
    let sandbox = Sandbox::plain();
    sandbox.join("user_ada", "org:member").await;
    invite(&sandbox, "eve@example.com").await;
    for (address, code) in [
        ("EVE@example.com", "organization_invitation_not_unique"),
        ("Ada@example.com", "already_a_member_in_organization"),
    ] {
        assert_eq!(invite(&sandbox, address).await.code(), (400, code));
    }
    let address = "fay@example.com";
    for (body, status, code, parameter) in [
        (json!({ "email_address": address, "role": "org:king" }), 404, "resource_not_found", "role"),
        (json!({ "email_address": "fay", "role": "org:member" }), 422, "form_param_format_invalid", "email_address"),
        (json!({ "role": "org:member" }), 422, "form_param_missing", "email_address"),
        (
            json!({ "email_address": address, "role": "org:member", "expires_in_days": 366 }),
            422,
            "form_param_value_invalid",
            "expires_in_days",
        ),
    ] {
        let refused = sandbox.post(INVITATIONS, body).await;
        assert_eq!((refused.code(), &refused.error("meta")["param_name"]), ((status, code), &json!(parameter)));
    }
    let by_a_member = json!({ "email_address": address, "role": "org:member", "inviter_user_id": "user_ada" });
    assert_eq!(sandbox.post(INVITATIONS, by_a_member).await.code(), (403, "not_an_admin_in_organization"));
    let elsewhere = "/v1/organizations/org_nowhere/invitations";
    let lost = sandbox.post(elsewhere, json!({ "email_address": address, "role": "org:member" })).await;
    assert_eq!(lost.error("long_message"), "Given organization not found.");
    let missing = sandbox.get(&format!("{INVITATIONS}/orginv_none")).await;
    assert_eq!(missing.code(), (404, "organization_invitation_not_found"));
}

#[actix_web::test]
async fn pending_invitations_take_seats_until_they_end() {
    let sandbox = Sandbox::plain();
    let own = sandbox.organization(2).await;
    let (members, invitations) = (format!("{own}/memberships"), format!("{own}/invitations"));
    let full = (403, "organization_membership_quota_exceeded");
    let eve = json!({ "email_address": "eve@example.com", "role": "org:member" });
    let sent = sandbox.post(&invitations, eve).await;
    let join = |user: &str| json!({ "user_id": user, "role": "org:member" });
    assert_eq!(sandbox.post(&members, join("user_ada")).await.status, 200);
    assert_eq!(sandbox.post(&members, join("user_bob")).await.code(), full);
    let fay = json!({ "email_address": "fay@example.com", "role": "org:member" });
    assert_eq!(sandbox.post(&invitations, fay).await.code(), full);
    let counted = sandbox.get(&format!("{own}?include_members_count=true")).await.body;
    assert_eq!((&counted["members_count"], &counted["pending_invitations_count"]), (&json!(1), &json!(1)));

    control(&sandbox, &id(&sent), "expire").await;
    assert_eq!(sandbox.post(&members, join("user_bob")).await.status, 200);
}

#[actix_web::test]
async fn an_invitation_is_accepted_once_its_address_has_a_user() {
    let sandbox = Sandbox::plain();
    let body = json!({ "email_address": "eve@example.com", "role": "org:viewer", "private_metadata": { "a": 1 } });
    let sent = id(&sandbox.post(INVITATIONS, body).await);
    let nobody = control(&sandbox, &sent, "accept").await;
    assert_eq!(nobody.code(), (400, "organization_invitation_identification_not_exist"));
    let eve = sandbox.post("/v1/users", json!({ "email_address": ["eve@example.com"] })).await;
    assert_eq!(sandbox.members().await, json!([]));

    let member = control(&sandbox, &sent, "accept").await;
    assert_eq!((member.status, &member.body["role"]), (200, &json!("org:viewer")));
    assert_eq!(
        (&member.body["public_user_data"]["user_id"], &member.body["private_metadata"]["a"]),
        (&eve.body["id"], &json!(1))
    );
    let status = sandbox.get(&format!("{INVITATIONS}/{sent}")).await.body;
    assert_eq!(status["status"], "accepted");
    assert_eq!(control(&sandbox, &sent, "accept").await.code(), (400, "organization_invitation_already_accepted"));

    let other = id(&invite(&sandbox, "work@example.com").await);
    let by_ada = sandbox.post(&format!("/sandbox/invitations/{other}/accept"), json!({ "user_id": "user_ada" })).await;
    assert_eq!(by_ada.body["public_user_data"]["user_id"], "user_ada");
    let late = id(&invite(&sandbox, "bob@example.com").await);
    sandbox.call(Method::POST, &format!("{INVITATIONS}/{late}/revoke"), None).await;
    assert_eq!(control(&sandbox, &late, "accept").await.code(), (400, "organization_invitation_revoked_code"));
    assert_eq!(control(&sandbox, "orginv_none", "accept").await.code(), (404, "organization_invitation_not_found"));
}

#[actix_web::test]
async fn the_last_seat_of_a_full_organization_is_kept_for_the_invited() {
    let sandbox = Sandbox::plain();
    let own = sandbox.organization(1).await;
    let bob = json!({ "email_address": "bob@example.com", "role": "org:member" });
    let sent = id(&sandbox.post(&format!("{own}/invitations"), bob).await);
    assert_eq!(control(&sandbox, &sent, "accept").await.status, 200);
}

#[actix_web::test]
async fn invitations_have_a_budget_of_their_own() {
    let invitation_limit = Some(RateLimit { calls: 2, window: Duration::from_secs(3600) });
    let sandbox = Sandbox::start(Options { invitation_limit, ..Options::default() });
    for address in ["a@example.com", "b@example.com"] {
        assert_eq!(invite(&sandbox, address).await.status, 200);
    }
    let limited = invite(&sandbox, "c@example.com").await;
    assert_eq!(limited.code(), (429, "too_many_requests"));
    assert!(limited.retry_after.unwrap().parse::<u64>().unwrap() > 3500);
    assert_eq!(sandbox.get(INVITATIONS).await.body["total_count"], 2);
    assert_eq!(sandbox.get(ACME).await.status, 200);

    let clerks = Sandbox::plain();
    let mut statuses = Vec::new();
    for number in 0..251 {
        statuses.push(invite(&clerks, &format!("{number}@example.com")).await.status);
    }
    assert_eq!((statuses[249], statuses[250]), (200, 429));
}

impl Reply {
    /// The first row of a list as if it had been answered alone.
    fn first(&self) -> Self {
        let body: Value = self.body["data"][0].clone();
        Self { status: self.status, retry_after: None, trace_id: None, body }
    }
}
