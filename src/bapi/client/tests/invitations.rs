//! What goes out about invitations, and what comes back.

use serde_json::{Value, json};

use super::super::super::fake::{Answer, Fake};
use super::super::super::{Class, Invitation};
use super::{KNOWN, Metadata, UNKNOWN, class, client, event, role};
use crate::domain::{EmailAddress, OrganizationId};

fn organization() -> OrganizationId {
    "org_1".parse().unwrap()
}

fn ada() -> EmailAddress {
    "Ada+1@example.com".parse().unwrap()
}

fn listed() -> Value {
    json!({
        "id": "orginv_1", "role": "org:member", "status": "pending", "email_address": "ada+1@example.com",
        "private_metadata": {"usher_event": "e"}, "organization_id": "org_1",
    })
}

fn invitation() -> Invitation {
    let (role, usher_event) = (Some("org:member".to_owned()), Some("e".to_owned()));
    Invitation { id: "orginv_1".parse().unwrap(), role, usher_event }
}

#[actix_rt::test]
async fn each_call_about_invitations_is_one_request_as_clerk_spells_it() {
    let fake = Fake::start(|seen| match seen.line.as_bytes()[0] {
        b'G' => Answer::json(200, &json!({"data": [listed()], "total_count": 1})),
        _ => Answer::json(200, &listed()),
    });
    let client = client(&fake.url);
    let plain = Metadata::default();
    assert_eq!(client.pending_invitation(&organization(), &ada()).await.result, Ok(Some(invitation())));
    assert_eq!(client.invite(&organization(), &ada(), &role(), &plain, event()).await.result, Ok(invitation()));
    assert_eq!(client.withdraw_invitation(&organization(), &"orginv_1".parse().unwrap()).await.result, Ok(()));

    let seen = fake.seen();
    let lines: Vec<_> = seen.iter().map(|seen| seen.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/organizations/org_1/invitations?status=pending&email_address=ada%2B1%40example.com&limit=10",
            "POST /v1/organizations/org_1/invitations",
            "POST /v1/organizations/org_1/invitations/orginv_1/revoke",
        ]
    );
    let body: Value = serde_json::from_str(&seen[1].body).unwrap();
    let private = json!({"usher_event": event().to_string()});
    assert_eq!(body, json!({"email_address": "ada+1@example.com", "role": "org:member", "private_metadata": private}));
    assert_eq!(seen[2].body, "{}");
}

#[actix_rt::test]
async fn an_invitation_carries_the_metadata_of_its_rule() {
    let fake = Fake::start(|_| Answer::json(200, &listed()));
    let metadata: Metadata =
        serde_json::from_value(json!({"public": {"plan": "team"}, "private": {"cost": 3, "usher_event": "forged"}}))
            .unwrap();
    assert!(client(&fake.url).invite(&organization(), &ada(), &role(), &metadata, event()).await.result.is_ok());
    let body: Value = serde_json::from_str(&fake.seen()[0].body).unwrap();
    assert_eq!(body["public_metadata"], json!({"plan": "team"}));
    assert_eq!(body["private_metadata"], json!({"cost": 3, "usher_event": event().to_string()}));
}

#[actix_rt::test]
async fn an_invitation_that_is_refused_says_why() {
    let of = async |status, code: &'static str| {
        let fake = Fake::start(move |_| Answer::error(status, code));
        class(&client(&fake.url).invite(&organization(), &ada(), &role(), &Metadata::default(), event()).await)
    };
    assert_eq!(of(400, "organization_invitation_not_unique").await, Class::InvitationPending);
    assert_eq!(of(400, "already_a_member_in_organization").await, Class::AlreadyMember);
    assert_eq!(of(404, "resource_not_found").await, Class::SomethingMissing);
    assert_eq!(of(403, "organization_membership_quota_exceeded").await, Class::Wait);
}

#[actix_rt::test]
async fn an_invitation_that_cannot_be_withdrawn_any_more_is_gone() {
    for (status, code) in [(404, "organization_invitation_not_pending"), (404, "resource_not_found")] {
        let fake = Fake::start(move |_| Answer::error(status, code));
        let reply = client(&fake.url).withdraw_invitation(&organization(), &"orginv_1".parse().unwrap()).await;
        assert_eq!(class(&reply), Class::InvitationGone, "{code}");
    }
}

#[actix_rt::test]
async fn a_lost_answer_leaves_a_question_only_where_something_was_to_change() {
    let fake = Fake::start(|_| Answer::Cut);
    let client = client(&fake.url);
    assert_eq!(class(&client.pending_invitation(&organization(), &ada()).await), KNOWN);
    assert_eq!(class(&client.invite(&organization(), &ada(), &role(), &Metadata::default(), event()).await), UNKNOWN);
    assert_eq!(class(&client.withdraw_invitation(&organization(), &"orginv_1".parse().unwrap()).await), UNKNOWN);
}
