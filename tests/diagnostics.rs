//! What an operator reads when a rule file is wrong: every mistake at once, each with its place and what to do.
//! Knows nothing of how a mistake is found.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use insta::assert_snapshot;
use proptest::prelude::*;
use usher::rules;

#[path = "diagnostics/expressions.rs"]
mod expressions;
#[path = "diagnostics/failing_tests.rs"]
mod failing_tests;
#[path = "diagnostics/grants.rs"]
mod grants;
#[path = "diagnostics/senders.rs"]
mod senders;

const HEAD: &str = r#"senders:
  billing: { tokens: [{ env: BILLING_TOKEN }], events: ["plan.*"], roles: ["org:viewer", "org:member"] }
roles: ["org:viewer", "org:member", "org:admin"]
tables:
  role_of_plan: { team: "org:member", enterprise: "org:admin" }
rules:
"#;

/// All that is said about a file.
fn told(source: &str) -> String {
    let mistakes = rules::load("usher.yaml", source).expect_err("a bad file");
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
}

/// All that is said about rules under a good head.
fn told_of(rules: &str) -> String {
    told(&format!("{HEAD}{rules}"))
}

#[test]
fn one_file_with_many_mistakes() {
    assert_snapshot!(told(
        r#"sender: {}
senders:
  billing:
    tokens: [{ env: BILLING_TOKEN }, { evn: OTHER }]
    events: ["plan.*"]
    roles: ["org:viewer", "org:membre", "Admin"]
    organisations: ["*"]
roles: ["org:viewer", "org:member", "org:admin"]
tables:
  role_of_plan: { team: "org:member", enterprise: "org:admni" }
rules:
  - name: purchased
    on: plan.purchased
    wen: data.plan == 'team'
    grant:
      organization: data.organization_id
      user: { mail: data.email }
      role: role_of_plan[data.plan]
      existing: rase
      missing_user: wiat
      untill: "'30d'"
  - name: purchased
    on: order.placed
    when: dta.plan == 'team' && data.n >
    revoke: { organization: data.organization_id }
  - name: cancelled
    on: plan.cancelled
    revoke: { organization: data.organization_id, user: data.user_id }
    tests:
      - event: { type: plan.cancelled, data: { organization_id: org_1, user_id: user_1 } }
        expect: [{ revoke: { organization: org_1, user: user_2 } }]
      - event: { data: { organization_id: org_1 } }
        expect: []
"#
    ));
}

#[test]
fn rules_of_the_wrong_shape() {
    assert_snapshot!(told_of(
        r#"  - plain text
  - {}
  - { name: both, on: plan.x, grant: {}, revoke: {}, grant: {} }
  - { name: lists, on: [plan.x], when: [a], for_each: { a: b }, revoke: [] }
  - { name: "", on: "", revoke: { organization: , user: data.u } }
  - { name: tests, on: plan.x, revoke: { organization: data.o, user: data.u }, tests: { event: 1 } }
  - name: more tests
    on: plan.x
    revoke: { organization: data.o, user: data.u }
    tests:
      - { event: { typ: plan.x, time: noon }, expect: { revoke: 1 } }
      - { event: { type: 5 }, expect: [{ invite: {} }, { revoke: { organization: org_1 } }] }
"#
    ));
}

#[test]
fn tables_that_cannot_be_used() {
    assert_snapshot!(told(
        r#"senders:
  a: { tokens: [{ env: A }], events: ["*"], roles: ["org:member"] }
roles: ["org:member"]
tables:
  data: { a: b }
  a-b: { a: b }
  in: { a: b }
  list: [1, 2]
  numbers: { one: 1, two: "org:member", one: 3 }
rules:
  - { name: r, on: x, grant: { organization: data.o, user: data.u, role: "numbers[data.n]" } }
"#
    ));
}

#[test]
fn text_that_is_no_yaml() {
    let cases = [
        "senders: [1",
        "a: b: c",
        "senders:\n  a: { tokens: [\"hunter2, events: [] }\n",
        "<<: {a: 1}",
        "a: *b",
        "a: 1\n---\nb: 2",
        "- a",
        "",
        "\u{0}",
    ];
    let mut deep = vec!["[".repeat(200)];
    deep.extend(cases.map(str::to_owned));
    assert_snapshot!(deep.iter().map(|source| told(source)).collect::<Vec<_>>().join("\n\n---\n\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn no_damage_to_the_shipped_file_makes_loading_panic(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..30, "[\\PC\n]{0,6}"), 1..5)
    ) {
        let mut source: Vec<char> = include_str!("../config/usher.yaml").chars().collect();
        for (at, len, with) in cuts {
            let start = at.index(source.len() + 1);
            let end = (start + len).min(source.len());
            source.splice(start..end, with.chars());
        }
        let source: String = source.into_iter().collect();
        for mistake in rules::load("usher.yaml", &source).err().unwrap_or_default() {
            prop_assert!(!mistake.to_string().is_empty());
        }
    }
}
