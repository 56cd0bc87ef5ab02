//! What no rule can lift: the organizations a sender may change, the kinds of change and the roles it may ask for.

use serde_json::{Value, json};

use crate::support::*;

/// `billing` may do little, `support` all of it, so that the rules as such make sense.
const RULES: &str = r#"
senders:
  billing:
    tokens: [{ env: BILLING_TOKEN }]
    events: ["*"]
    roles: ["org:member"]
    organizations: [org_acme, "org_eu_*"]
    actions: [grant]
    rate: off
  support:
    tokens: [{ env: SUPPORT_TOKEN }]
    events: ["*"]
    roles: ["org:member", "org:admin"]
    brake: off
    rate: off
roles: ["org:member", "org:admin"]
rules:
  - name: member joins
    on: joined
    grant: { organization: data.organization, user: data.user, role: data.role }
  - name: member leaves
    on: left
    revoke: { organization: data.organization, user: data.user }
  - name: member moves, away
    on: moved
    revoke: { organization: data.from, user: data.user }
  - name: member moves, there
    on: moved
    grant: { organization: data.organization, user: data.user, role: '"org:member"' }
  - name: team joins
    on: team.joined
    for_each: data.organizations
    grant: { organization: item, user: data.user, role: '"org:member"' }
"#;

struct Fixture {
    sandbox: Sandbox,
    setup: Setup,
    service: Service,
}

fn start() -> Fixture {
    let sandbox = Sandbox::start(&[]);
    let setup = Setup::new(&sandbox.http.base).rules(RULES);
    let service = setup.start();
    Fixture { sandbox, setup, service }
}

fn event(kind: &str, organization: &str, role: &str) -> Value {
    let data = json!({"organization": organization, "from": "org_acme", "user": "user_ada", "role": role});
    json!({"id": "1", "type": kind, "data": data})
}

impl Fixture {
    fn recorded(&self) -> i64 {
        let file = rusqlite::Connection::open(self.setup.ledger().join("usher.db")).unwrap();
        file.query_row("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM changes)", [], |row| row.get(0))
            .unwrap()
    }

    /// Asserts that the event is above a ceiling, that the answer says of which rule and which, and that nothing is left of it.
    #[track_caller]
    fn refuses(&self, event: &Value, rule: &str, ceiling: &str) {
        let answer = self.service.http.post(event);
        let detail = answer.problem(403, "above-ceiling");
        assert!(detail.contains(&format!("`{rule}`")) && detail.contains(ceiling), "{detail}");
        assert!(detail.contains("Nothing of the event was recorded"), "{detail}");
        assert_eq!((answer.header("location"), self.recorded()), (None, 0));
    }

    /// Ends every test: no call was made for what was refused, and its identity is free.
    #[track_caller]
    fn goes_on(self) {
        assert_eq!(self.sandbox.calls().len(), 0);
        let allowed = self.service.settle(&event("joined", "org_acme", "org:member"));
        assert_eq!(allowed["changes"][0]["outcome"], "granted", "{allowed}");
        assert_eq!(self.sandbox.calls().len(), 1);
    }
}

#[test]
fn a_sender_changes_no_organization_that_is_not_its_own() {
    let fixture = start();
    let ceiling = "an organization that this sender may not change";
    for organization in ["org_globex", "org_acme2", "org_ACME", "org_eu", "org_us_eu_1"] {
        fixture.refuses(&event("joined", organization, "org:member"), "member joins", ceiling);
    }
    let mut team = event("team.joined", "org_acme", "org:member");
    team["data"]["organizations"] = json!(["org_acme", "org_eu_1", "org_globex"]);
    fixture.refuses(&team, "team joins", ceiling);
    fixture.goes_on();
}

#[test]
fn a_sender_makes_no_change_of_a_kind_that_is_not_its_own() {
    let fixture = start();
    let ceiling = "a change of a kind that this sender may not ask for";
    fixture.refuses(&event("left", "org_acme", "org:member"), "member leaves", ceiling);
    fixture.refuses(&event("moved", "org_eu_1", "org:member"), "member moves, away", ceiling);
    fixture.goes_on();
}

#[test]
fn a_role_above_the_ceiling_is_named_and_refused() {
    let fixture = start();
    fixture.refuses(&event("joined", "org_acme", "org:admin"), "member joins", "the role org:admin");
    fixture.goes_on();
}

#[test]
fn a_ceiling_is_that_of_its_sender_alone() {
    let fixture = start();
    let settled = |id: &str, kind: &str, role: &str| {
        let mut event = event(kind, "org_globex", role);
        event["id"] = json!(id);
        fixture.service.settle_as(OTHER_TOKEN, &event)["changes"][0]["outcome"].clone()
    };
    assert_eq!(settled("1", "joined", "org:member"), "granted");
    assert_eq!(settled("2", "left", "org:member"), "revoked");
    assert_eq!(settled("3", "joined", "org:admin"), "granted");
}

#[test]
fn in_a_batch_a_ceiling_refuses_its_own_event_only() {
    let fixture = start();
    let cloud = |id: &str, kind: &str, organization: &str| {
        let mut event = event(kind, organization, "org:member");
        event["specversion"] = json!("1.0");
        event["source"] = json!("/shop");
        event["id"] = json!(id);
        event
    };
    let batch =
        json!([cloud("1", "joined", "org_globex"), cloud("2", "joined", "org_acme"), cloud("3", "left", "org_acme")]);
    let authorization = format!("Bearer {TOKEN}");
    let headers = [
        ("authorization", &*authorization),
        ("content-type", "application/cloudevents-batch+json"),
        ("prefer", "wait=20"),
    ];
    let answer = fixture.service.http.request("POST", "/v1/events", &headers, batch.to_string().as_bytes());
    let results = answer.body["results"].as_array().unwrap();
    let told = |result: &Value| (result["status"].as_u64(), result["problem"]["detail"].as_str().map(str::to_owned));
    let [first, second, third] = [0, 1, 2].map(|index| told(&results[index]));
    assert_eq!((first.0, second.0, third.0), (Some(403), Some(200), Some(403)), "{}", answer.body);
    assert!(first.1.unwrap().contains("`member joins` changes an organization"));
    assert!(third.1.unwrap().contains("`member leaves` makes a change of a kind"));
    assert_eq!((fixture.recorded(), fixture.sandbox.calls().len()), (2, 1), "one event with one change");
}
