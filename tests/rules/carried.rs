//! What a change carries besides its role: names to look up, an end, metadata; and what a sender has besides its ceiling.
//! Knows nothing of what becomes of a change.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use usher::domain::{Action, Brake, Change, Grant, MissingUser};
use usher::rules::{self, Refusal, Rules};

use super::{accepted_at, event, hostile, load};

/// A rule with these lines under `grant`, besides a role.
fn granting(lines: &str) -> Rules {
    load(&format!("  - {{ name: r, on: plan.x, grant: {{ role: \"'org:member'\", {lines} }} }}\n"))
}

/// A rule about one user with these lines.
fn carrying(lines: &str) -> Rules {
    granting(&format!("organization: data.o, user: data.u, {lines}"))
}

fn changes(rules: &Rules, data: Value) -> Vec<Change> {
    rules::evaluate(rules, &event("plan.x", data), accepted_at()).unwrap().changes
}

fn failure(rules: &Rules, data: Value) -> String {
    let failure = rules::evaluate(rules, &event("plan.x", data), accepted_at()).unwrap_err();
    format!("{} | {} | {}", failure.part, failure.expression, failure.message)
}

fn with(key: &str, value: Value) -> Value {
    let mut data = json!({"o": "org_1", "u": "user_1"});
    data[key] = value;
    data
}

fn grant(change: &Change) -> &Grant {
    match &change.action {
        Action::Grant(grant) => grant,
        Action::Revoke => panic!("a revoke"),
    }
}

#[test]
fn a_membership_can_be_named_by_what_the_sender_knows() {
    let rules = granting("organization: { slug: data.s }, user: { email: data.e }, missing_user: invite");
    let [change] = &changes(&rules, json!({"s": "acme", "e": "Ada@Example.com"}))[..] else { panic!("one change") };
    assert_eq!(change.key.organization.to_text(), "slug:acme");
    assert_eq!(change.key.user.to_text(), "email:ada@example.com");
    assert_eq!(grant(change).missing_user, MissingUser::Invite);
    let rules = granting("organization: data.o, user: { external_id: string(data.n) }, missing_user: wait");
    let [change] = &changes(&rules, json!({"o": "org_1", "n": 42}))[..] else { panic!("one change") };
    assert_eq!(change.key.user.to_text(), "external_id:42");
    assert_eq!(grant(change).missing_user, MissingUser::Wait);
    let rules = load("  - { name: r, on: plan.x, revoke: { organization: data.o, user: { email: data.e } } }\n");
    let [change] = &changes(&rules, json!({"o": "org_1", "e": "a@b.example"}))[..] else { panic!("one change") };
    assert_eq!((&*change.key.user.to_text(), &change.action), ("email:a@b.example", &Action::Revoke));
}

#[test]
fn a_bad_name_is_a_failure_that_does_not_show_it() {
    let rules = granting("organization: { slug: data.s }, user: { email: data.e }");
    let good = json!({"s": "acme", "e": "ada@example.com"});
    for (key, part, value) in [
        ("s", "grant.organization.slug | data.s", json!("Hunter2")),
        ("s", "grant.organization.slug | data.s", json!(5)),
        ("e", "grant.user.email | data.e", json!("hunter2")),
        ("e", "grant.user.email | data.e", json!("hunter2 <ada@example.com>")),
    ] {
        let mut data = good.clone();
        data[key] = value;
        let failure = failure(&rules, data);
        assert!(failure.starts_with(part) && failure.contains("expected"), "{failure}");
        assert!(!failure.to_lowercase().contains("hunter2"), "{failure}");
    }
}

#[test]
fn a_time_bound_grant_stands_before_its_scheduled_end() {
    // The event is of 12:00:00 and was accepted five seconds later.
    for (until, at) in [
        ("'720h'", "2026-03-02T12:00:00Z"),
        ("'30d'", "2026-03-02T12:00:00Z"),
        ("data.x", "2026-02-01T00:00:00.123Z"),
        ("timestamp(time) + duration('90s')", "2026-01-31T12:01:30Z"),
        ("duration('1h') + duration('30m')", "2026-01-31T13:30:00Z"),
        ("string(data.days) + 'd'", "2026-02-14T12:00:00Z"),
    ] {
        let mut data = with("x", json!("2026-02-01T01:00:00.123456789+01:00"));
        data["days"] = json!(14);
        let [grant, end] = &changes(&carrying(&format!("until: \"{until}\"")), data)[..] else { panic!("two changes") };
        let schedule = end.schedule.unwrap();
        assert_eq!((schedule.grant, schedule.at.to_string().as_str()), (0, at), "{until}");
        assert_eq!((grant.schedule, &end.action, end.id.index), (None, &Action::Revoke, 1));
        assert_eq!((&grant.key, &grant.rule, end.superseded_by), (&end.key, &end.rule, None));
    }
}

#[test]
fn without_a_time_of_its_own_a_duration_counts_from_acceptance() {
    let mut event = event("plan.x", with("x", Value::Null));
    event.time = None;
    let changes = rules::evaluate(&carrying("until: \"'1h'\""), &event, accepted_at()).unwrap().changes;
    assert_eq!(changes[1].schedule.unwrap().at, "2026-01-31T13:00:05Z".parse().unwrap());
}

#[test]
fn an_end_that_is_over_or_none_is_a_failure() {
    let rules = carrying("until: data.x");
    for (value, message) in [
        (json!("2026-01-31T12:00:05Z"), "this time is over"),
        (json!("1s"), "this time is over"),
        (json!("-1h"), "not longer than nothing"),
        (json!("0s"), "not longer than nothing"),
        (json!("hunter2"), "expected a time or a duration"),
        (json!(5), "got int"),
        (json!("9999y"), "expected a time or a duration"),
        (json!("99999999h"), "too far away"),
    ] {
        let failure = failure(&rules, with("x", value));
        assert!(failure.starts_with("grant.until | data.x | ") && failure.contains(message), "{failure}");
        assert!(!failure.contains("hunter2"));
    }
}

#[test]
fn metadata_is_what_the_expressions_give() {
    let rules = carrying(
        "metadata: { public: { plan: data.x.plan, missing: 'data.?nothing', three: 1 + 2 }, private: { all: data.x, end: \"timestamp(time) + duration('1h')\" } }",
    );
    let x = json!({"plan": "team", "list": [1, 2.5, null, true, "é"]});
    let [change] = &changes(&rules, with("x", x.clone()))[..] else { panic!("one change") };
    let metadata = serde_json::to_value(&grant(change).metadata).unwrap();
    let expected = json!({
        "public": {"plan": "team", "three": 3},
        "private": {"all": x, "end": "2026-01-31T13:00:00Z"},
    });
    assert_eq!(metadata, expected);
}

#[test]
fn metadata_is_bounded_for_a_membership_and_for_an_event() {
    let rules = carrying("metadata: { public: { a: data.x }, private: { b: data.x } }");
    assert_eq!(changes(&rules, with("x", json!("x".repeat(4000)))).len(), 1);
    for large in [json!("x".repeat(4100)), json!("\u{1}".repeat(1000)), json!(vec![0; 2100])] {
        assert!(failure(&rules, with("x", large)).contains("bytes of metadata"));
    }
    let each = load(
        "  - { name: r, on: plan.x, for_each: data.l, grant: { organization: data.o, user: item, role: \"'org:member'\", metadata: { public: { a: data.x } } } }\n",
    );
    let data = |count: usize| {
        let mut data = with("x", json!("x".repeat(7000)));
        data["l"] = (0..count).map(|n| format!("user_{n}")).collect();
        data
    };
    assert_eq!(changes(&each, data(100)).len(), 100);
    assert!(failure(&each, data(200)).contains("all changes together"));
}

#[test]
fn the_end_of_a_grant_shares_its_fate() {
    let rules = load(
        "  - { name: a, on: plan.x, grant: { organization: data.o, user: data.u, role: \"'org:member'\", until: \"'1h'\" } }\n  \
           - { name: b, on: plan.x, when: data.x, revoke: { organization: data.o, user: data.u } }\n",
    );
    let by = |x| -> Vec<_> {
        changes(&rules, with("x", json!(x))).iter().map(|change| change.superseded_by.map(|id| id.index)).collect()
    };
    assert_eq!(by(false), [None, None]);
    assert_eq!(by(true), [Some(2), Some(2), None]);
}

#[test]
fn a_sender_that_may_not_revoke_may_still_lend() {
    let source = r#"
senders:
  billing: { tokens: [{ env: A }], events: ["*"], roles: ["org:member"], actions: [grant], organizations: ["slug:acme*"] }
roles: ["org:member"]
rules:
  - { name: r, on: plan.x, grant: { organization: { slug: data.s }, user: data.u, role: "'org:member'", until: "'1h'" } }
"#;
    let rules = rules::load("usher.yaml", source).unwrap();
    let refusals = |slug: &str| -> Vec<_> {
        let changes = changes(&rules, json!({"s": slug, "u": "user_1"}));
        changes.iter().map(|change| rules.senders()[0].refuses(change)).collect()
    };
    assert_eq!(refusals("acme-2"), [None, None]);
    assert_eq!(refusals("globex"), [Some(Refusal::Organization); 2]);
}

#[test]
fn a_sender_has_a_weight_and_a_brake() {
    let sender = |lines: &str| {
        let source = format!(
            "senders:\n  a: {{ tokens: [{{ env: A }}], events: [\"*\"], roles: [\"org:member\"]{lines} }}\nroles: [\"org:member\"]\nrules: []\n"
        );
        let rules = rules::load("usher.yaml", &source).unwrap();
        (rules.senders()[0].weight, rules.senders()[0].brake)
    };
    let standard = Brake { limit: 100, percent: 50, at_least: 10, window: Duration::from_secs(3600) };
    assert_eq!(sender(""), (1, Some(standard)));
    assert_eq!(sender(", weight: 1000, brake: off"), (1000, None));
    let (limit, window) = (5, Duration::from_secs(2 * 24 * 3600));
    assert_eq!(sender(", brake: { limit: 5, window: 2d }"), (1, Some(Brake { limit, window, ..standard })));
    assert_eq!(
        sender(", brake: { percent: 100, at_least: 0 }").1,
        Some(Brake { percent: 100, at_least: 0, ..standard })
    );
}

proptest! {
    #[test]
    fn hostile_data_never_panics_in_what_a_grant_carries(data in hostile()) {
        thread_local!(static RULES: Vec<Rules> = vec![
            granting("organization: { slug: data.o }, user: { email: data.u }, until: data.l, metadata: { private: { x: data.x } }"),
            carrying("until: data.x"),
            carrying("until: \"timestamp(data.x) + duration(data.l)\""),
            carrying("until: \"data.l - data.x\", metadata: { public: { o: 'data.?o', all: data } }"),
            carrying("metadata: { private: { l: \"{'l': data.l, data.plan: [data.x]}\", s: data.x + data.l } }"),
            load("  - { name: a, on: plan.x, for_each: data.l, grant: { organization: \"'org_1'\", user: { external_id: item.u }, role: \"'org:member'\", until: item.x, metadata: { public: { i: item } } } }\n"),
        ]);
        RULES.with(|all| for rules in all {
            match rules::evaluate(rules, &event("plan.x", data.clone()), accepted_at()) {
                Ok(evaluation) => for change in evaluation.changes {
                    assert!(change.schedule.is_none_or(|end| end.at > accepted_at()));
                    if let Action::Grant(grant) = &change.action {
                        assert!(serde_json::to_string(&grant.metadata).unwrap().len() <= 8192);
                    }
                },
                Err(failure) => assert!(!failure.message.is_empty()),
            }
        });
    }

    #[test]
    fn of_each_membership_the_last_change_takes_effect_and_ends_go_with_their_grants(
        wanted in prop::collection::vec((0u8..4, 0u8..3), 1..12)
    ) {
        thread_local!(static RULES: Rules = load(
            "  - { name: a, on: plan.x, for_each: data.a, grant: { organization: \"'org_1'\", user: item, role: \"'org:member'\", until: \"'1h'\" } }\n  \
               - { name: b, on: plan.x, for_each: data.b, grant: { organization: \"'org_1'\", user: item, role: \"'org:member'\" } }\n  \
               - { name: c, on: plan.x, for_each: data.c, revoke: { organization: \"'org_1'\", user: item } }\n",
        ));
        let users = |list: u8| -> Vec<_> {
            wanted.iter().filter(|(_, at)| *at == list).map(|(user, _)| format!("user_{user}")).collect()
        };
        let data = json!({"a": users(0), "b": users(1), "c": users(2)});
        let changes = RULES.with(|rules| changes(rules, data));
        let plain = || changes.iter().filter(|change| change.schedule.is_none());
        for (index, change) in changes.iter().enumerate() {
            prop_assert_eq!(change.id.index as usize, index);
            let last = plain().rfind(|other| other.key == change.key).unwrap();
            let expected = match change.schedule {
                Some(end) => changes[end.grant as usize].superseded_by,
                None => (last.id != change.id).then_some(last.id),
            };
            prop_assert_eq!(change.superseded_by, expected);
            if let Some(end) = change.schedule {
                prop_assert_eq!(&changes[end.grant as usize].key, &change.key);
                prop_assert_eq!(end.grant as usize + 1, index);
            }
        }
    }
}
