//! What the contract says is what the service does: its examples are sent, and what is answered is what it shows.

use serde_json::{Value, json};

use crate::support::*;

/// What differs from run to run has a value that says so: times, durations, and the ids that the sandbox makes.
fn stable(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), &*member) {
                    ("received_at" | "at" | "next_attempt_at", Value::String(_)) => {
                        *member = json!("2026-01-31T12:00:00Z")
                    }
                    ("duration_ms", _) => *member = json!(42),
                    ("trace_id", Value::String(_)) => *member = json!("a833bdcdb6d1beb188dc97e5aab5fe3d"),
                    ("membership_id", Value::String(_)) => *member = json!("orgmem_2rzXrVmDHNbqEyHQqMzHEuVUGJV"),
                    _ => stable(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(stable),
        _ => {}
    }
}

fn start(sandbox: &Sandbox) -> Service {
    let rules = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/usher.yaml")).unwrap();
    Setup::new(&sandbox.http.base).rules(&rules).without("SUPPORT_TOKEN").start()
}

struct Contract(Value);

impl Contract {
    fn of(service: &Service) -> Self {
        let answer = service.http.request("GET", "/openapi.json", &[], b"");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        Self(answer.body)
    }

    fn sent(&self, media_type: &str, name: &str) -> &Value {
        &self.0["paths"]["/v1/events"]["post"]["requestBody"]["content"][media_type]["examples"][name]["value"]
    }

    /// Asserts that the example of this answer is what was answered.
    #[track_caller]
    fn shows(&self, operation: (&str, &str), name: &str, answer: &Answer) {
        self.shows_but(operation, name, answer, |_| {});
    }

    /// As `shows`, for a request that differs from that of the example: `but` changes the example in the same way.
    #[track_caller]
    fn shows_but(&self, operation: (&str, &str), name: &str, answer: &Answer, but: impl FnOnce(&mut Value)) {
        let media_type = answer.header("content-type").unwrap();
        let answers = &self.0["paths"][operation.1][operation.0]["responses"];
        let example = &answers[answer.status.to_string()]["content"][media_type]["examples"][name]["value"];
        let mut example = example.clone();
        but(&mut example);
        let mut body = answer.body.clone();
        stable(&mut body);
        assert_eq!(example, body, "the example `{name}` of {} should be:\n{body:#}", answer.status);
    }
}

const POST: (&str, &str) = ("post", "/v1/events");
const GET: (&str, &str) = ("get", "/v1/events/{id}");

fn send(service: &Service, media_type: &str, body: &[u8], more: &[(&str, &str)]) -> Answer {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str()), ("content-type", media_type)];
    service.http.request("POST", "/v1/events", &[&headers[..], more].concat(), body)
}

#[test]
fn every_request_of_the_contract_is_answered_as_it_shows() {
    let sandbox = Sandbox::start(&[]);
    let service = start(&sandbox);
    let contract = Contract::of(&service);
    let sent = |media_type: &str, name: &str| contract.sent(media_type, name).to_string().into_bytes();

    let answer = send(&service, "application/json", &sent("application/json", "plain"), &[]);
    contract.shows(POST, "event", &answer);
    let location = answer.header("location").unwrap().to_owned();
    service.settled_as(TOKEN, &location);
    contract.shows(GET, "done", &service.http.get(&location));
    let waited = send(&service, "application/json", &sent("application/json", "plain"), &[("prefer", "wait=5")]);
    contract.shows(POST, "event", &waited);

    let batch = "application/cloudevents-batch+json";
    contract.shows(POST, "batch", &send(&service, batch, &sent(batch, "batch"), &[]));
}

#[test]
fn the_cloudevent_of_the_contract_is_answered_as_the_plain_event_with_its_own_attributes() {
    let sandbox = Sandbox::start(&[]);
    let service = start(&sandbox);
    let contract = Contract::of(&service);
    let cloud = "application/cloudevents+json";
    let sent = contract.sent(cloud, "structured");
    let answer = send(&service, cloud, sent.to_string().as_bytes(), &[]);
    assert_eq!(answer.status, 202, "{}", answer.body);
    let location = answer.header("location").unwrap();
    let id = location.strip_prefix("/v1/events/").unwrap();
    let own = |example: &mut Value| {
        example["id"] = json!(id);
        example["changes"][0]["id"] = json!(format!("{id}.0"));
        example["changes"][0]["user"] = sent["data"]["user_id"].clone();
        example["source"] = sent["source"].clone();
        example["event_id"] = sent["id"].clone();
    };
    contract.shows_but(POST, "event", &answer, own);
    service.settled_as(TOKEN, location);
    contract.shows_but(GET, "done", &service.http.get(location), own);
    let waited = send(&service, cloud, sent.to_string().as_bytes(), &[("prefer", "wait=5")]);
    assert_eq!(waited.header("idempotent-replayed"), Some("true"));
    contract.shows_but(POST, "event", &waited, own);
}

#[test]
fn every_problem_that_the_contract_shows_is_met_as_it_shows() {
    let sandbox = Sandbox::start(&[]);
    let service = start(&sandbox);
    let contract = Contract::of(&service);
    let plain = |body: Value| send(&service, "application/json", body.to_string().as_bytes(), &[]);
    let purchase = |id: &str, plan: &str| purchase(id, "user_ada", plan);

    contract.shows(POST, "not-authenticated", &service.http.request("POST", "/v1/events", &[], b"{}"));
    contract.shows(POST, "malformed-json", &send(&service, "application/json", b"{\"type\": }", &[]));
    contract.shows(POST, "invalid-event", &plain(json!({"id": "1", "type": 7, "time": "yesterday"})));
    contract.shows(POST, "type-not-allowed", &plain(json!({"id": "1", "type": "user.deleted"})));
    contract.shows(POST, "above-ceiling", &plain(purchase("1", "enterprise")));
    contract.shows(POST, "unsupported-media-type", &send(&service, "text/plain", b"hello", &[]));
    assert_eq!(plain(purchase("1", "team")).status, 202);
    contract.shows(POST, "identity-conflict", &plain(purchase("1", "free")));
    let unknown = service.http.get("/v1/events/00000000-0000-8000-8000-000000000000");
    contract.shows(GET, "not-found", &unknown);
}

#[test]
fn the_command_prints_what_is_served() {
    let sandbox = Sandbox::start(&[]);
    let service = start(&sandbox);
    let output = usher().arg("openapi").output().unwrap();
    assert!(output.status.success());
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), Contract::of(&service).0);
}
