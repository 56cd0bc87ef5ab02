//! The attributes of an event, extensions included, as rules see them under `event`.
//! Knows nothing of how an event is sent.

use serde_json::{Value, json};
use usher::domain::Event;
use usher::rules::{self, Rules};

use super::{accepted_at, event, good, granting, load};

fn extended(extensions: Value) -> Event {
    let Value::Object(extensions) = extensions else { panic!("expected an object") };
    Event { extensions, ..event("plan.x", good()) }
}

/// Whether the rule fires on the event, or why it fails.
fn fires(rules: &Rules, event: &Event) -> Result<bool, String> {
    let evaluation = rules::evaluate(rules, event, accepted_at()).map_err(|failure| failure.message)?;
    Ok(!evaluation.changes.is_empty())
}

fn holds(when: &str, event: &Event) -> Result<bool, String> {
    fires(&granting(&format!("    when: \"{when}\"")), event)
}

fn mistakes(rules: &str) -> String {
    let source = format!("{}rules:\n{rules}", super::HEAD);
    rules::load("usher.yaml", &source).unwrap_err().iter().map(|mistake| format!("{mistake}\n")).collect()
}

#[test]
fn a_rule_sees_all_attributes_of_an_event_in_one_map() {
    let event = extended(json!({"partitionkey": "k", "sequence": 7, "sampled": true}));
    for when in [
        "event.id == id && event.source == source && event.type == type && event.time == time",
        "event.partitionkey == 'k'",
        "event['partitionkey'] == 'k' && event.sequence + 1 == 8 && event.sampled",
        "has(event.partitionkey) && !has(event.subject) && !has(event.other)",
        "event.?partitionkey.orValue('') == 'k' && event.?other.orValue('none') == 'none'",
        "'sequence' in event && size(event) == 7",
        "event.exists(name, name == 'sampled')",
        "[1].all(event, event == 1) && ['k'].exists(key, key == event.partitionkey)",
    ] {
        assert_eq!(holds(when, &event), Ok(true), "{when}");
    }
    let Event { id, .. } = event;
    assert_eq!(
        holds("has(event.subject) && event.subject == subject", &Event { subject: Some("s".into()), id, ..event }),
        Ok(true)
    );
}

#[test]
fn an_attribute_that_is_not_there_fails_the_rule_that_needs_it() {
    let message = holds("event.partitionkey == 'k'", &extended(json!({}))).unwrap_err();
    assert!(message.contains("no `partitionkey`") && message.contains("has("), "{message}");
}

#[test]
fn each_item_sees_the_attributes_too() {
    let rules = load(
        "  - { name: r, on: plan.x, for_each: data.l, revoke: { organization: event.tenant, user: 'item + event.suffix' } }\n",
    );
    let mut event = extended(json!({"tenant": "org_1", "suffix": "x"}));
    event.data = json!({"l": ["user_a", "user_b"]});
    let keys: Vec<_> = rules::evaluate(&rules, &event, accepted_at()).unwrap().changes;
    let keys: Vec<_> = keys.iter().map(|change| change.key.to_string()).collect();
    assert_eq!(keys, ["org_1/user_ax", "org_1/user_bx"]);
}

#[test]
fn large_attributes_cost_only_the_rules_that_look_at_them() {
    let event = extended(json!({"large": "x".repeat(100_000)}));
    assert_eq!(holds("data.l.exists(x, x == 'y') || true", &with_list(&event)), Ok(true));
    let message = holds("event.exists(name, event[name] == 'y')", &event).unwrap_err();
    assert!(message.contains("too large"), "{message}");
}

fn with_list(event: &Event) -> Event {
    let mut event = event.clone();
    event.data["l"] = json!(["x"]);
    event
}

#[test]
fn a_name_that_no_attribute_can_have_is_a_mistake() {
    for (when, hint) in [
        ("event.partitionKey == 'k'", "`partitionkey`"),
        ("event.data.x == 1", "beside `event`"),
        ("event.partition_key == 'k'", "lower-case letters and digits"),
        ("has(event.X1)", "`x1`"),
        ("event.datacontenttype == 'k'", "id, source, type"),
    ] {
        let mistakes = mistakes(&format!(
            "  - {{ name: r, on: plan.x, when: \"{when}\", revoke: {{ organization: data.o, user: data.u }} }}\n"
        ));
        assert!(mistakes.contains("see no attribute") && mistakes.contains(hint), "{mistakes}");
    }
}

#[test]
fn the_test_of_a_rule_gives_extensions_beside_the_attributes() {
    let rule = |extension: &str| {
        format!(
            "  - name: r\n    on: plan.x\n    when: has(event.partitionkey) && event.partitionkey == 'k'\n    \
             revoke: {{ organization: data.o, user: data.u }}\n    tests:\n      \
             - event: {{ type: plan.x, {extension}, data: {{ o: org_1, u: user_1 }} }}\n        \
             expect: [{{ revoke: {{ organization: org_1, user: user_1 }} }}]\n"
        )
    };
    assert_eq!(load(&rule("partitionkey: k, sequence: 7, sampled: true")).tests(), 1);
    for (extension, hint) in [
        ("partitionkey: other", "fails"),
        ("partitionkey: [k]", "cannot be a list"),
        ("partitionkey: 1.5", "a whole number"),
        ("partitionkey: 3000000000", "a whole number"),
        ("partitionKey: k", "no key `partitionKey`"),
        ("partitionkey: k, specversion: '1.0'", "no key `specversion`"),
        ("partitionkey: k, sourc: x", "did you mean `source`?"),
    ] {
        let mistakes = mistakes(&rule(extension));
        assert!(mistakes.contains(hint), "{extension}: {mistakes}");
    }
}
