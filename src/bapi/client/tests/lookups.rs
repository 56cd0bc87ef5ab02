//! What goes out to look up a name, and what comes back.

use serde_json::{Value, json};

use super::super::super::fake::{Answer, Fake};
use super::super::super::{Class, FoundUser, Organization};
use super::{KNOWN, class, client};
use crate::domain::{ExternalId, UserRef};

fn ada() -> Value {
    let address = json!({"email_address": "ada+1@exämple.com", "verification": {"status": "verified"}});
    json!({"id": "user_1", "external_id": "a&b+c/é", "email_addresses": [address]})
}

fn one() -> Result<FoundUser, super::BapiError> {
    Ok(FoundUser::One("user_1".parse().unwrap()))
}

/// A real parser's view of what was asked, beside the line as it was sent.
fn asked(line: &str) -> (String, Vec<(String, String)>) {
    let url = awc::http::Uri::try_from(line.split_once(' ').unwrap().1).unwrap();
    let query = actix_web::web::Query::<Vec<(String, String)>>::from_query(url.query().unwrap()).unwrap();
    (url.path().to_owned(), query.into_inner())
}

#[actix_rt::test]
async fn a_user_is_looked_up_by_whatever_a_name_holds() {
    let fake = Fake::start(|_| Answer::json(200, &json!([ada()])));
    let client = client(&fake.url);
    for name in ["email:Ada+1@exÄmple.com", "external_id:a&b+c/é", "user_1"] {
        assert_eq!(client.find_user(&name.parse().unwrap()).await.result, one(), "{name}");
    }
    let seen: Vec<_> = fake.seen().iter().map(|seen| asked(&seen.line)).collect();
    let expected = [("email_address", "ada+1@exämple.com"), ("external_id", "a&b+c/é"), ("user_id", "user_1")];
    for ((path, query), (name, value)) in seen.iter().zip(expected) {
        assert_eq!(path, "/v1/users");
        assert_eq!(query[..], [(name.to_owned(), value.to_owned()), ("limit".to_owned(), "10".to_owned())]);
    }
    assert_eq!(fake.seen()[0].line, "GET /v1/users?email_address=ada%2B1%40ex%C3%A4mple.com&limit=10");
}

#[test]
fn an_external_id_that_would_exclude_a_user_is_none() {
    for text in ["-1", "+1"] {
        assert!(text.parse::<ExternalId>().is_err(), "{text}");
    }
}

#[actix_rt::test]
async fn a_filter_that_is_ignored_finds_nobody() {
    let fake = Fake::start(|_| Answer::json(200, &json!([ada()])));
    let client = client(&fake.url);
    for name in ["email:eve@example.com", "external_id:7", "user_2"] {
        let user: UserRef = name.parse().unwrap();
        assert_eq!(client.find_user(&user).await.result, Ok(FoundUser::None), "{name}");
    }
}

#[actix_rt::test]
async fn an_answer_that_is_no_list_of_users_is_asked_for_again() {
    let fake = Fake::start(|_| Answer::json(200, &json!({"data": [], "total_count": 0})));
    let reply = client(&fake.url).find_user(&"external_id:1".parse().unwrap()).await;
    assert_eq!((class(&reply), reply.code.as_deref()), (KNOWN, Some("unreadable_answer")));
}

#[actix_rt::test]
async fn an_organization_is_found_by_its_slug_and_read_by_its_id() {
    let fake = Fake::start(|_| Answer::json(200, &json!({"id": "org_1", "slug": "acme-2", "members_count": 12})));
    let client = client(&fake.url);
    let found = client.find_organization(&"acme-2".parse().unwrap()).await;
    assert_eq!(found.result, Ok(Some("org_1".parse().unwrap())));
    assert_eq!(client.find_organization(&"acme".parse().unwrap()).await.result, Ok(None), "another one");
    let read = client.organization(&"org_1".parse().unwrap()).await;
    assert_eq!(read.result, Ok(Some(Organization { members: Some(12) })));
    let lines: Vec<_> = fake.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/organizations/acme-2",
            "GET /v1/organizations/acme",
            "GET /v1/organizations/org_1?include_members_count=true"
        ]
    );
}

#[actix_rt::test]
async fn a_user_is_seen() {
    let fake = Fake::start(|_| Answer::json(200, &ada()));
    assert_eq!(client(&fake.url).user_exists(&"user_1".parse().unwrap()).await.result, Ok(true));
    assert_eq!(fake.seen()[0].line, "GET /v1/users/user_1");
}

#[actix_rt::test]
async fn what_clerk_says_is_missing_is_an_answer_with_its_trace() {
    let fake = Fake::start(|_| Answer::error(404, "resource_not_found"));
    let client = client(&fake.url);
    let found = client.find_organization(&"acme".parse().unwrap()).await;
    assert_eq!(found.result, Ok(None));
    assert_eq!((found.status, found.code.as_deref()), (Some(404), Some("resource_not_found")));
    assert_eq!(found.trace_id.as_deref(), Some("trace_1"));
    assert_eq!(client.organization(&"org_1".parse().unwrap()).await.result, Ok(None));
    assert_eq!(client.user_exists(&"user_1".parse().unwrap()).await.result, Ok(false));
}

#[actix_rt::test]
async fn a_404_of_something_in_between_is_no_answer() {
    let fake = Fake::start(|_| Answer::Text(404, String::new(), "<html>".to_owned()));
    let client = client(&fake.url);
    assert_eq!(class(&client.find_organization(&"acme".parse().unwrap()).await), KNOWN);
    assert_eq!(class(&client.organization(&"org_1".parse().unwrap()).await), KNOWN);
    assert_eq!(class(&client.user_exists(&"user_1".parse().unwrap()).await), KNOWN);
}

#[actix_rt::test]
async fn a_key_that_is_not_accepted_is_no_missing_user() {
    let fake = Fake::start(|_| Answer::error(401, "clerk_key_invalid"));
    assert_eq!(class(&client(&fake.url).user_exists(&"user_1".parse().unwrap()).await), Class::Halt);
}
