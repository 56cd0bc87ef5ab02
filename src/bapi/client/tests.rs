//! The client against real sockets: what goes out, what comes back, and everything that can break in between.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::error::Class;
use super::super::fake::{Answer, Fake};
use super::super::{ClientConfig, Membership, SecretKey};
use super::*;
use crate::domain::{EventId, Member, Metadata, Role, SenderName};

mod invitations;
mod key;
mod lookups;

fn client(url: &str) -> Client {
    let config = ClientConfig::new(url, SecretKey::new("sk_test_1"));
    Client::new(ClientConfig { timeout: Duration::from_secs(2), ..config }).unwrap()
}

fn key() -> Member {
    Member { organization: "org_1".parse().unwrap(), user: "user_1".parse().unwrap() }
}

fn role() -> Role {
    "org:member".parse().unwrap()
}

fn event() -> EventId {
    EventId::of(&SenderName::try_from("billing".to_owned()).unwrap(), "shop", "1")
}

fn membership() -> Value {
    json!({"id": "orgmem_1", "role": "org:member", "private_metadata": {"usher_event": "e"}, "organization": {"slug": null}})
}

/// The class, code, status and trace id of a create that is answered like this.
async fn create(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Reply<Membership> {
    let fake = Fake::start(move |_| answer());
    client(&fake.url).create(&key(), &role(), &Metadata::default(), event()).await
}

const UNKNOWN: Class = Class::Retry { after: None, outcome_unknown: true };
const KNOWN: Class = Class::Retry { after: None, outcome_unknown: false };

fn class<T: std::fmt::Debug>(reply: &Reply<T>) -> Class {
    reply.result.as_ref().unwrap_err().class()
}

#[actix_rt::test]
async fn each_call_is_one_request_as_clerk_spells_it() {
    let fake = Fake::start(|seen| match seen.line.as_bytes()[0] {
        b'G' => Answer::json(200, &json!({"data": [membership()], "total_count": 1})),
        _ => Answer::json(200, &membership()),
    });
    let client = client(&fake.url);
    let expected = Membership {
        id: Some("orgmem_1".to_owned()),
        role: Some("org:member".to_owned()),
        usher_event: Some("e".to_owned()),
        shows_metadata: true,
    };
    assert_eq!(client.create(&key(), &role(), &Metadata::default(), event()).await.result, Ok(expected.clone()));
    assert_eq!(client.inspect(&key()).await.result, Ok(Some(expected.clone())));
    assert_eq!(client.update(&key(), &role()).await.result, Ok(expected.clone()));
    assert_eq!(client.delete(&key()).await.result, Ok(expected));

    let seen = fake.seen();
    let lines: Vec<_> = seen.iter().map(|seen| seen.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /v1/organizations/org_1/memberships",
            "GET /v1/organizations/org_1/memberships?user_id=user_1&limit=1",
            "PATCH /v1/organizations/org_1/memberships/user_1",
            "DELETE /v1/organizations/org_1/memberships/user_1",
        ]
    );
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    let metadata = json!({"usher_event": event().to_string()});
    assert_eq!(body, json!({"user_id": "user_1", "role": "org:member", "private_metadata": metadata}));
    assert_eq!(seen[2].body, r#"{"role":"org:member"}"#);
    for seen in &seen {
        assert_eq!(seen.header("authorization"), Some("Bearer sk_test_1"));
        assert_eq!(seen.header("clerk-api-version"), Some("2026-05-12"));
        assert_eq!(seen.header("user-agent"), Some(concat!("usher/", env!("CARGO_PKG_VERSION"))));
        assert_eq!(seen.header("accept-encoding"), Some("identity"), "no answer that cannot be read is asked for");
    }
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
}

#[actix_rt::test]
async fn a_new_membership_carries_the_metadata_of_its_rule_and_the_event() {
    let fake = Fake::start(|_| Answer::json(200, &membership()));
    let metadata: Metadata =
        serde_json::from_value(json!({"public": {"plan": "team"}, "private": {"cost": 3, "usher_event": "forged"}}))
            .unwrap();
    assert!(client(&fake.url).create(&key(), &role(), &metadata, event()).await.result.is_ok());
    let body: Value = serde_json::from_str(&fake.seen()[0].body).unwrap();
    assert_eq!(body["public_metadata"], json!({"plan": "team"}));
    assert_eq!(body["private_metadata"], json!({"cost": 3, "usher_event": event().to_string()}));
}

#[actix_rt::test]
async fn a_trace_id_is_taken_from_the_body_then_from_the_headers() {
    let headers = "Clerk-Trace-Id: from_header\r\nCF-Ray: 8f-PDX\r\n";
    let reply =
        create(move || Answer::Text(500, headers.to_owned(), r#"{"clerk_trace_id":"from_body"}"#.to_owned())).await;
    assert_eq!(reply.trace_id.as_deref(), Some("from_body"));
    let reply = create(move || Answer::Text(200, headers.to_owned(), membership().to_string())).await;
    assert_eq!(reply.trace_id.as_deref(), Some("from_header"));
    let reply = create(|| Answer::Text(429, "CF-Ray: 8f-PDX\r\n".to_owned(), "<html>".to_owned())).await;
    assert_eq!(reply.trace_id.as_deref(), Some("8f-PDX"));
}

#[actix_rt::test]
async fn a_429_without_a_body_of_clerks_is_retried_after_what_it_says() {
    let reply =
        create(|| Answer::Text(429, "Retry-After: 9\r\n".to_owned(), "<html>slow down</html>".to_owned())).await;
    assert_eq!(class(&reply), Class::Retry { after: Some(Duration::from_secs(9)), outcome_unknown: false });
    assert_eq!((reply.status, reply.code), (Some(429), None));
}

#[actix_rt::test]
async fn a_retry_after_that_is_a_date_is_counted_from_clerks_clock() {
    let dates = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n";
    let reply = create(move || Answer::Text(503, dates.to_owned(), "<html>back soon</html>".to_owned())).await;
    assert_eq!(class(&reply), Class::Retry { after: Some(Duration::from_secs(60)), outcome_unknown: true });
}

#[actix_rt::test]
async fn a_page_of_something_in_between_is_read_by_its_status() {
    let reply = create(|| Answer::Text(502, "Content-Type: text/html\r\n".to_owned(), "<html>".to_owned())).await;
    assert_eq!((class(&reply), reply.status, reply.code), (UNKNOWN, Some(502), None));
}

#[actix_rt::test]
async fn an_error_is_read_by_its_code() {
    let reply = create(|| Answer::error(400, "already_a_member_in_organization")).await;
    assert_eq!(class(&reply), Class::AlreadyMember);
    assert_eq!(reply.status, Some(400));
    assert_eq!(reply.code.as_deref(), Some("already_a_member_in_organization"));
    assert_eq!(reply.trace_id.as_deref(), Some("trace_1"));
}

#[actix_rt::test]
async fn a_connection_that_ends_without_an_answer_leaves_the_outcome_unknown() {
    let cut = create(|| Answer::Cut).await;
    assert_eq!((class(&cut), cut.code.as_deref(), cut.status), (UNKNOWN, Some("connection_lost"), None));
    let reset = client(&Fake::deaf().url).create(&key(), &role(), &Metadata::default(), event()).await;
    assert_eq!((class(&reset), reset.code.as_deref(), reset.status), (UNKNOWN, Some("connection_lost"), None));
}

#[actix_rt::test]
async fn a_pooled_connection_that_is_cut_is_an_unknown_outcome_too() {
    let fake =
        Fake::start(
            |seen| if seen.line.starts_with("POST") { Answer::Cut } else { Answer::json(200, &json!({"data": []})) },
        );
    let client = client(&fake.url);
    assert_eq!(client.inspect(&key()).await.result, Ok(None));
    assert_eq!(class(&client.create(&key(), &role(), &Metadata::default(), event()).await), UNKNOWN);
    assert_eq!(fake.seen().len(), 2, "nothing is sent twice behind the caller's back");
}

#[actix_rt::test]
async fn nobody_listening_means_that_nothing_was_done() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let reply = client(&url).delete(&key()).await;
    assert_eq!((class(&reply), reply.code.as_deref()), (KNOWN, Some("connection_failed")));
    let reply = client("http://nowhere.invalid").delete(&key()).await;
    assert_eq!((class(&reply), reply.code.as_deref()), (KNOWN, Some("connection_failed")));
}

#[actix_rt::test]
async fn a_tls_handshake_that_fails_means_that_nothing_was_done() {
    let fake = Fake::start(|_| Answer::Cut);
    let reply = client(&fake.url.replace("http:", "https:")).delete(&key()).await;
    assert_eq!((class(&reply), reply.code.as_deref()), (KNOWN, Some("connection_failed")));
}

#[actix_rt::test]
async fn silence_ends_at_the_timeout() {
    let fake = Fake::start(|_| Answer::Hang);
    let config = ClientConfig::new(&fake.url, SecretKey::new("sk_test_1"));
    let client = Client::new(ClientConfig { timeout: Duration::from_millis(50), ..config }).unwrap();
    let begun = Instant::now();
    let reply = client.create(&key(), &role(), &Metadata::default(), event()).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!((class(&reply), reply.code.as_deref(), reply.status), (UNKNOWN, Some("timeout"), None));
}

#[actix_rt::test]
async fn a_success_that_cannot_be_read_is_of_unknown_outcome() {
    let long = json!({"id": "orgmem_1", "padding": "x".repeat(1024 * 1024)});
    let answers: [fn(&Value) -> Answer; 4] = [
        |_| Answer::Text(200, String::new(), "<html>".to_owned()),
        |_| Answer::Text(204, String::new(), String::new()),
        |_| Answer::Truncated(membership()),
        |long| Answer::json(200, long),
    ];
    for answer in answers {
        let long = long.clone();
        let reply = create(move || answer(&long)).await;
        assert_eq!((class(&reply), reply.code.as_deref()), (UNKNOWN, Some("unreadable_answer")));
    }
}

#[actix_rt::test]
async fn a_redirect_is_not_followed() {
    let fake = Fake::start(|_| Answer::json(200, &membership()));
    let location = format!("Location: {}/v1/x\r\n", fake.url);
    let reply = create(move || Answer::Text(301, location.clone(), String::new())).await;
    assert_eq!(class(&reply), Class::Halt);
    assert!(fake.seen().is_empty());
}
