//! Rules from the outside: a file is loaded, events are evaluated, changes come out.
//! Knows nothing of how an expression is compiled.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use usher::domain::{Action, Change, Event, EventId, EventType, Existing, Extensions, Grant, Role, SenderName};
use usher::rules::{self, Refusal, Rules, Verdict};

#[path = "rules/attributes.rs"]
mod attributes;
#[path = "rules/carried.rs"]
mod carried;

const HEAD: &str = r#"
senders:
  billing: { tokens: [{ env: BILLING_TOKEN }], events: ["plan.*"], roles: ["org:viewer", "org:member"] }
roles: ["org:viewer", "org:member", "org:admin"]
tables:
  role_of_plan: { team: "org:member", enterprise: "org:admin" }
"#;

fn load(rules: &str) -> Rules {
    let source = format!("{HEAD}rules:\n{rules}");
    rules::load("usher.yaml", &source).unwrap_or_else(|mistakes| {
        panic!("{}", mistakes.iter().map(|mistake| format!("{mistake}\n")).collect::<String>())
    })
}

/// A rule on `plan.*` with these lines besides a grant whose parts come straight from the data.
fn granting(lines: &str) -> Rules {
    load(&format!(
        "  - name: r\n    on: plan.*\n{lines}\n    grant: {{ organization: data.o, user: data.u, role: data.r }}\n"
    ))
}

fn event(kind: &str, data: Value) -> Event {
    let sender = SenderName::try_from("billing".to_owned()).unwrap();
    Event {
        id: EventId::of(&sender, "shop", "1"),
        sender,
        source: "shop".to_owned(),
        event_id: "1".to_owned(),
        kind: EventType::try_from(kind.to_owned()).unwrap(),
        subject: None,
        time: Some("2026-01-31T12:00:00Z".parse().unwrap()),
        extensions: Extensions::default(),
        trace: None,
        data,
    }
}

fn accepted_at() -> Timestamp {
    "2026-01-31T12:00:05Z".parse().unwrap()
}

fn changes(rules: &Rules, data: Value) -> Vec<Change> {
    rules::evaluate(rules, &event("plan.x", data), accepted_at()).unwrap().changes
}

fn good() -> Value {
    json!({"o": "org_1", "u": "user_1", "r": "org:member"})
}

fn failure(rules: &Rules, data: Value) -> String {
    let failure = rules::evaluate(rules, &event("plan.x", data), accepted_at()).unwrap_err();
    format!("{} | {} | {} | {}", failure.rule, failure.part, failure.expression, failure.message)
}

#[test]
fn the_shipped_file_passes_and_its_samples_end_as_their_names_say() {
    let source = include_str!("../config/usher.yaml");
    let rules = rules::load("config/usher.yaml", source).unwrap();
    assert_eq!((rules.len(), rules.tests(), rules.senders().len()), (4, 7, 1));
    let sample = |text: &str| {
        let sample: Value = serde_json::from_str(text).unwrap();
        let event = event(sample["type"].as_str().unwrap(), sample["data"].clone());
        let [change] = &rules::evaluate(&rules, &event, accepted_at()).unwrap().changes[..] else {
            panic!("one change")
        };
        assert!(rules.senders()[0].may_send(&event.kind));
        rules.senders()[0].refuses(change)
    };
    let first = include_str!("../config/events/1-plan-purchased.json");
    assert_eq!(sample(first), None);
    assert_eq!(first, include_str!("../config/events/2-same-again.json"));
    assert_eq!(sample(include_str!("../config/events/3-above-the-ceiling.json")), Some(Refusal::Role));
}

#[test]
fn the_trace_says_of_every_rule_what_it_made_of_the_event() {
    let rules = load(
        "  - { name: other, on: plan.y, revoke: { organization: data.o, user: data.u } }\n  \
           - { name: no, on: plan.x, when: data.n > 5, revoke: { organization: data.o, user: data.u } }\n  \
           - { name: yes, on: plan.*, for_each: data.l, revoke: { organization: data.o, user: item } }\n",
    );
    let data = json!({"n": 5, "o": "org_1", "u": "user_1", "l": ["user_1", "user_2"]});
    let evaluation = rules::evaluate(&rules, &event("plan.x", data), accepted_at()).unwrap();
    let verdicts: Vec<_> = evaluation.trace.iter().map(|trace| (trace.rule.as_str(), trace.verdict)).collect();
    let expected =
        [("other", Verdict::NotThisType), ("no", Verdict::WhenFalse), ("yes", Verdict::Matched { changes: 2 })];
    assert_eq!(verdicts, expected);
    assert_eq!(evaluation.changes.len(), 2);
}

#[test]
fn a_change_knows_its_rule_its_file_and_the_roles_below() {
    let rules = granting(
        "    when: type == 'plan.x' && sender == 'billing' && source == 'shop' && subject == null && id == '1' && time == '2026-01-31T12:00:00Z'",
    );
    let [change] = &changes(&rules, good())[..] else { panic!("one change") };
    assert_eq!((change.rule.as_str(), change.rules_digest, change.id.index), ("r", rules.digest(), 0));
    assert_eq!(change.key.to_string(), "org_1/user_1");
    let (role, lower): (Role, Role) = ("org:member".parse().unwrap(), "org:viewer".parse().unwrap());
    assert_eq!(change.action, Action::Grant(Grant::new(role, Existing::Raise, vec![lower])));
}

#[test]
fn of_two_changes_of_one_membership_the_last_counts() {
    let rules =
        load("  - { name: a, on: plan.x, for_each: data, revoke: { organization: \"'org_1'\", user: item } }\n");
    let data = json!(["user_1", "user_2", "user_1", "user_1"]);
    let superseded: Vec<_> =
        changes(&rules, data).iter().map(|change| change.superseded_by.map(|id| id.index)).collect();
    assert_eq!(superseded, [Some(3), None, Some(3), None]);
}

#[test]
fn a_failure_names_rule_part_and_expression_but_no_value() {
    let rules = granting("    when: data.plan == 'team'");
    assert_eq!(
        failure(&rules, json!({"secret": "hunter2"})),
        "r | when | data.plan == 'team' | there is no `plan` here; has(…) tells whether there is"
    );
    let rules = granting("    when: data.plan");
    assert_eq!(
        failure(&rules, json!({"plan": "hunter2"})),
        "r | when | data.plan | expected true or false, got string"
    );
    let rules = granting("");
    for (key, value) in [("o", json!("org_../hunter2")), ("u", json!("ada@hunter2.example")), ("r", json!(["hunter2"]))]
    {
        let mut data = good();
        data[key] = value;
        let failure = failure(&rules, data);
        assert!(!failure.contains("hunter2"), "{failure}");
        assert!(failure.contains("expected"), "{failure}");
    }
    let mut data = good();
    data["r"] = json!("org:owner");
    assert_eq!(failure(&rules, data), "r | grant.role | data.r | expected one of `roles:`");
}

#[test]
fn for_each_wants_a_list_of_at_most_a_thousand() {
    let rules =
        load("  - { name: a, on: plan.x, for_each: data.l, revoke: { organization: \"'org_1'\", user: item } }\n");
    let list = |count| json!({"l": (0..count).map(|n| format!("user_{n}")).collect::<Vec<_>>()});
    assert_eq!(changes(&rules, list(1000)).len(), 1000);
    assert!(failure(&rules, list(1001)).contains("more than 1000"));
    assert!(failure(&rules, json!({"l": {"a": 1}})).contains("expected a list, got map"));
    assert!(changes(&rules, list(0)).is_empty());
}

#[test]
fn a_loop_over_much_data_is_refused_and_other_rules_do_not_mind() {
    let looping = granting("    when: data.l.exists(x, x == 1)");
    let plain = granting("    when: data.l[0] == 1");
    let mut data = good();
    data["l"] = json!(vec![1; 100_000]);
    assert!(failure(&looping, data.clone()).contains("too large"));
    assert_eq!(changes(&plain, data).len(), 1);
    let mut data = good();
    data["l"] = json!([1]);
    assert_eq!(changes(&looping, data).len(), 1);
}

#[test]
fn elements_times_values_are_bounded() {
    let rule = "  - { name: a, on: plan.x, for_each: data.l, revoke: { organization: \"'org_1'\", user: \"item in data.big ? 'user_1' : 'user_2'\" } }\n";
    let data = |items| json!({"l": vec![0; items], "big": vec![1; 20_000]});
    let rules = load(rule);
    assert_eq!(changes(&rules, data(10)).len(), 10);
    assert!(failure(&rules, data(1000)).contains("too large"));
}

#[test]
fn rules_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&granting(""));
}

#[test]
fn a_sender_is_refused_what_it_may_not_do() {
    let source = r#"
senders:
  a: { tokens: [{ env: A }], events: ["*"], roles: ["org:viewer"], organizations: ["org_a*"] }
  b: { tokens: [{ env: B }], events: ["*"], actions: [revoke] }
roles: ["org:viewer", "org:member"]
rules:
  - { name: g, on: g, grant: { organization: data.o, user: data.u, role: data.r } }
  - { name: r, on: r, revoke: { organization: data.o, user: data.u } }
"#;
    let rules = rules::load("usher.yaml", source).unwrap();
    let change = |kind, o, r| {
        let event = event(kind, json!({"o": o, "u": "user_1", "r": r}));
        rules::evaluate(&rules, &event, accepted_at()).unwrap().changes.remove(0)
    };
    let [a, b] = rules.senders() else { panic!("two senders") };
    assert_eq!(a.refuses(&change("g", "org_a1", "org:viewer")), None);
    assert_eq!(a.refuses(&change("g", "org_a1", "org:member")), Some(Refusal::Role));
    assert_eq!(a.refuses(&change("g", "org_b1", "org:viewer")), Some(Refusal::Organization));
    assert_eq!(a.refuses(&change("r", "org_b1", "org:viewer")), Some(Refusal::Organization));
    assert_eq!(b.refuses(&change("g", "org_a1", "org:viewer")), Some(Refusal::Action));
    assert_eq!(b.refuses(&change("r", "org_a1", "org:viewer")), None);
}

fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["org_1", "user_1", "org:member", "team", "org_1/../..", "user_%2e"])
            .prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec!["o", "u", "r", "l", "plan", "x", ""]);
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(keys.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn hostile_data_never_panics_and_never_gives_a_bad_id(data in hostile()) {
        thread_local!(static RULES: Vec<Rules> = vec![
            granting(""),
            granting("    when: data.plan in role_of_plan"),
            granting("    when: data.l.all(e, e > 1 || e.x == data.x)"),
            granting("    when: data.?x.orValue('') == role_of_plan[data.plan]"),
            granting("    when: data.x + data.l == data.plan"),
            granting("    when: size(data.l) > int(data.x) && string(data.r).matches('^org:[a-z]+$')"),
            granting("    when: -data.x < data.l % 2 || data.l[data.x] / data.r > 1.5"),
            load("  - { name: a, on: plan.x, for_each: data.l, revoke: { organization: item.o, user: \"item[data.x]\" } }\n"),
        ]);
        RULES.with(|all| for rules in all {
            match rules::evaluate(rules, &event("plan.x", data.clone()), accepted_at()) {
                Ok(evaluation) => for change in evaluation.changes {
                    assert!(!change.key.to_string().contains(['%', '.']));
                },
                Err(failure) => assert!(!failure.message.is_empty()),
            }
        });
    }
}

#[test]
fn deep_data_is_a_failure_not_a_crash() {
    let rules = granting("");
    let deep = (0..200).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    assert!(failure(&rules, deep).contains("too deeply"));
}
