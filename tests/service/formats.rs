//! Every form in which an event may come is the same event, and what cannot be read is told where and why.

use serde_json::{Value, json};

use crate::support::*;

const RULES_BY_ATTRIBUTE: &str = r#"
senders:
  billing: { tokens: [{ env: BILLING_TOKEN }], events: ["plan.*"], roles: ["org:member"], brake: off }
roles: ["org:member"]
rules:
  - name: tenant named by the partition key
    on: plan.purchased
    when: has(event.partitionkey)
    grant: { organization: event.partitionkey, user: data.user_id, role: "'org:member'" }
"#;

struct Fixture {
    sandbox: Sandbox,
    service: Service,
}

impl Fixture {
    fn start(rules: &str) -> Self {
        let sandbox = Sandbox::start(&[]);
        let service = Setup::new(&sandbox.http.base).rules(rules).start();
        Self { sandbox, service }
    }

    #[track_caller]
    fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        let authorization = format!("Bearer {TOKEN}");
        let headers = [&[("authorization", authorization.as_str())], headers].concat();
        self.service.http.request("POST", "/v1/events", &headers, body.as_bytes())
    }

    #[track_caller]
    fn structured(&self, body: &Value) -> Answer {
        self.post(&[("content-type", "application/cloudevents+json; charset=utf-8")], &body.to_string())
    }
}

fn attributes() -> Vec<(&'static str, &'static str)> {
    vec![("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/shop"), ("ce-type", "plan.purchased")]
}

fn binary(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&attributes()[..], &[("content-type", "application/json")], more].concat()
}

fn cloud_event() -> Value {
    let mut event = purchase("1", "user_ada", "team");
    event["specversion"] = json!("1.0");
    event["source"] = json!("/shop");
    event
}

#[test]
fn one_event_in_any_mode_is_one_event() {
    let fixture = Fixture::start(RULES);
    let mut event = cloud_event();
    event["subject"] = json!("Euro € 😀");
    let first = fixture.structured(&event);
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, None), "{}", first.body);
    let subject = ("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80");
    let in_binary = fixture.post(&binary(&[subject]), &event["data"].to_string());
    let encoded = {
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove("data");
        event["datacontenttype"] = json!("application/json");
        event["data_base64"] =
            json!("eyJvcmdhbml6YXRpb25faWQiOiJvcmdfYWNtZSIsInVzZXJfaWQiOiJ1c2VyX2FkYSIsInBsYW4iOiJ0ZWFtIn0=");
        fixture.structured(&event)
    };
    event.as_object_mut().unwrap().remove("specversion");
    for again in [in_binary, encoded, fixture.service.http.post(&event)] {
        assert_eq!((again.status, again.header("idempotent-replayed")), (202, Some("true")), "{}", again.body);
        assert_eq!(again.body["id"], first.body["id"]);
    }
    fixture.service.settled_as(TOKEN, first.header("location").unwrap());
    assert_eq!(fixture.sandbox.calls().len(), 1);
}

#[test]
fn an_extension_attribute_reaches_the_rules_from_every_mode() {
    let fixture = Fixture::start(RULES_BY_ATTRIBUTE);
    let mut event = cloud_event();
    event["partitionkey"] = json!("org_structured");
    event["id"] = json!("2");
    let answers = [
        fixture.post(&binary(&[("ce-partitionkey", "%6frg_binary")]), r#"{"user_id":"user_ada"}"#),
        fixture.structured(&event),
    ];
    for (answer, organization) in answers.iter().zip(["org_binary", "org_structured"]) {
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert_eq!(answer.body["changes"][0]["organization"], organization);
    }
}

#[test]
fn an_event_without_data_needs_neither_body_nor_content_type() {
    let fixture = Fixture::start(RULES);
    let viewed: Vec<_> = attributes()
        .into_iter()
        .map(|(name, value)| (name, if name == "ce-type" { "plan.viewed" } else { value }))
        .collect();
    let answer = fixture.post(&viewed, "");
    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("ignored")), "{}", answer.body);
}

#[test]
fn a_type_that_is_not_allowed_is_told_where_it_stands() {
    let fixture = Fixture::start(RULES);
    let strange: Vec<_> = attributes()
        .into_iter()
        .map(|(name, value)| (name, if name == "ce-type" { "user.deleted" } else { value }))
        .collect();
    let answer = fixture.post(&strange, "{}");
    answer.problem(403, "type-not-allowed");
    assert_eq!(answer.body["errors"][0]["header"], "ce-type");
}

#[test]
fn data_that_says_nothing_of_its_type_is_json_as_the_library_of_python_sends_it() {
    let fixture = Fixture::start(RULES);
    let answer = fixture.post(&attributes(), &purchase("1", "user_ada", "team")["data"].to_string());
    assert_eq!(answer.status, 202, "{}", answer.body);
    fixture.post(&attributes(), "no json").problem(400, "malformed-json");
}

#[test]
fn a_mistake_in_a_header_is_told_by_its_name_and_never_with_its_value() {
    let fixture = Fixture::start(RULES);
    for (header, value) in [
        ("ce-subject", "hunter2%C0%A0"),
        ("ce-subject", "hunter2%"),
        ("ce-time", "hunter2"),
        ("ce-datacontenttype", "hunter2/json"),
        ("ce-foo-bar", "hunter2"),
        ("ce-id", "hunter2"),
    ] {
        let answer = fixture.post(&binary(&[(header, value)]), "{}");
        answer.problem(400, "invalid-event");
        assert_eq!(answer.body["errors"][0]["header"], header, "{}", answer.body);
        assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
    }
    let forgotten = fixture.post(&[("content-type", "application/json"), ("ce-id", "1")], "{}");
    forgotten.problem(400, "invalid-event");
    let headers: Vec<_> = forgotten.body["errors"].as_array().unwrap().iter().map(|error| &error["header"]).collect();
    assert_eq!(headers, ["ce-specversion", "ce-source", "ce-type"]);
    assert_eq!(fixture.sandbox.calls().len(), 0);
}

#[test]
fn headers_that_contradict_a_structured_event_are_refused() {
    let fixture = Fixture::start(RULES);
    let structured = ("content-type", "application/cloudevents+json");
    let body = cloud_event().to_string();
    let contradicted = fixture.post(&[structured, ("ce-id", "2")], &body);
    contradicted.problem(400, "invalid-event");
    assert_eq!(contradicted.body["errors"][0]["header"], "ce-id");
    assert_eq!(fixture.post(&[&[structured], &attributes()[..]].concat(), &body).status, 202);
}

#[test]
fn what_is_not_taken_is_415_and_says_what_is() {
    let fixture = Fixture::start(RULES);
    let mut other_data = attributes();
    other_data.push(("content-type", "text/plain"));
    for headers in [
        vec![("content-type", "application/cloudevents+avro")],
        vec![("content-type", "application/cloudevents+protobuf")],
        vec![("content-type", "application/cloudevents-batch+protobuf")],
        vec![("content-type", "text/plain"), ("ce-id", "1")],
        vec![("content-type", "application/vnd.acme+json")],
        other_data,
        binary(&[("content-encoding", "gzip")]),
    ] {
        let answer = fixture.post(&headers, &cloud_event().to_string());
        let detail = answer.problem(415, "unsupported-media-type");
        for taken in ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"] {
            assert!(detail.contains(taken) && answer.header("accept").unwrap().contains(taken), "{detail}");
        }
    }
}
