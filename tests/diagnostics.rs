//! What an operator reads when a rule file is wrong: every mistake at once, each with its place and what to do.
//! Knows nothing of how a mistake is found.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use insta::assert_snapshot;
use proptest::prelude::*;
use usher::rules;

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

/// All that is said about one expression in `when`.
fn told_of_when(expressions: &[&str]) -> String {
    let rule = |(index, expression): (usize, &&str)| {
        format!(
            "  - name: r{index}\n    on: plan.x\n    when: {expression}\n    revoke: {{ organization: data.o, user: data.u }}\n"
        )
    };
    told_of(&expressions.iter().enumerate().map(rule).collect::<String>())
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
fn expressions_that_do_not_compile() {
    assert_snapshot!(told_of_when(&[
        "data.plan ==",
        "'data.plan = ''team'''",
        "\"data.plan == \\\"team\\\" oder data.x\"",
        "|\n      data.plan == 'é' &&\n        data.price => 5",
        "data.plan[",
        "if",
    ]));
}

#[test]
fn names_and_functions_that_do_not_exist() {
    assert_snapshot!(told_of_when(&[
        "date.plan == 'team'",
        "role_of_plans['team'] == team",
        "item.x == 1",
        "data.plan.startWith('a')",
        "data.plan.size(1) == 2",
        "data.has('x')",
        "uint(data.x) == 1u",
        "env.HOME == ''",
        "'Event{a: 1} == data'",
        ">\n      data.list.exists(e, e == f)\n      || data.é",
    ]));
}

#[test]
fn expressions_that_could_cost_too_much() {
    let long = format!("data.x == '{}'", "x".repeat(1024));
    let towers = format!("{}1{}", "(".repeat(30), ")".repeat(30));
    let chain = format!("1{} == 1", " + 1".repeat(40));
    let nodes = vec!["data.x in [1, 2, 3, 4, 5, 6]"; 30].join(" || ");
    let pattern = format!("data.x.matches('{}')", "a".repeat(300));
    assert_snapshot!(told_of_when(&[
        &long,
        &towers,
        &chain,
        &nodes,
        &pattern,
        "data.a.all(x, data.b.exists(y, x == y))",
        "data.x.matches(data.y)",
        "data.x.matches('(')",
        "data.x.matches('((a{99}){99}){99}')",
    ]));
}

#[test]
fn roles_that_nobody_may_give() {
    assert_snapshot!(told_of(
        r#"  - name: literal above the ceiling
    on: plan.x
    grant: { organization: data.o, user: data.u, role: "'org:admin'" }
  - name: one row above the ceiling
    on: plan.x
    grant: { organization: data.o, user: data.u, role: role_of_plan.enterprise }
  - name: one of two may be given
    on: plan.x
    grant: { organization: data.o, user: data.u, role: "data.x ? 'org:admin' : 'org:member'" }
  - name: not a role of the file
    on: plan.x
    grant: { organization: data.o, user: data.u, role: "'org:owner'" }
  - name: not a role at all
    on: plan.x
    grant: { organization: data.o, user: data.u, role: "'member'" }
  - name: no quotes
    on: plan.x
    grant: { organization: data.o, user: data.u, role: org:member }
  - name: no quotes either
    on: plan.x
    grant: { organization: org_1, user: "'usr_1'", role: "'org:member'" }
"#
    ));
}

#[test]
fn names_that_name_nobody() {
    assert_snapshot!(told_of(
        r#"  - name: two names
    on: plan.x
    revoke: { organization: { slug: data.s }, user: { email: data.e, external_id: data.x } }
  - name: no name
    on: plan.x
    revoke: { organization: {}, user: { email: } }
  - name: literals
    on: plan.x
    revoke: { organization: { slug: "'Acme Inc'" }, user: { email: "data.e != '' ? data.e : 'nobody'" } }
  - name: more literals
    on: plan.x
    revoke: { organization: { slug: "'org_1'" }, user: { external_id: "'+42'" } }
  - name: a list
    on: plan.x
    revoke: { organization: { slug: [a] }, user: [data.e] }
"#
    ));
}

#[test]
fn users_who_cannot_be_invited() {
    assert_snapshot!(told_of(
        r#"  - name: by id
    on: plan.x
    grant: { organization: data.o, user: data.u, role: "'org:member'", missing_user: invite }
  - name: by external id
    on: plan.x
    grant: { organization: data.o, user: { external_id: data.u }, role: "'org:member'", missing_user: invite }
  - name: by e-mail is fine
    on: plan.x
    grant: { organization: data.o, user: { email: data.u }, role: "'org:member'", missing_user: invite }
  - name: a revoke has nobody to miss
    on: plan.x
    revoke: { organization: data.o, user: { email: data.u }, missing_user: wait }
"#
    ));
}

#[test]
fn ends_that_never_come() {
    let rule = |(index, until): (usize, &str)| {
        format!(
            "  - name: r{index}\n    on: plan.x\n    grant: {{ organization: data.o, user: data.u, role: \"'org:member'\", until: \"{until}\" }}\n"
        )
    };
    let ends = [
        "'soon'",
        "data.x ? '30d' : '-1h'",
        "timestamp('2026-02-30T00:00:00Z')",
        "timestamp(time) + duration('1 month')",
        "30d",
        "now + duration('1h')",
    ];
    assert_snapshot!(told_of(&ends.into_iter().enumerate().map(rule).collect::<String>()));
}

#[test]
fn metadata_that_cannot_be_written() {
    assert_snapshot!(told_of(
        r#"  - name: keys
    on: plan.x
    grant:
      organization: data.o
      user: data.u
      role: "'org:member'"
      metadata:
        secret: { a: data.a }
        public: { plan: data.plan, plan: dta.plan, nothing: , nested: { a: data.a } }
        private: { usher_event: id, "": data.a }
  - name: no map
    on: plan.x
    grant: { organization: data.o, user: data.u, role: "'org:member'", metadata: data.m }
"#
    ));
}

#[test]
fn shares_and_brakes_that_make_no_sense() {
    assert_snapshot!(told(
        r#"senders:
  a: { tokens: [{ env: A }], events: ["*"], roles: ["org:member"], weight: 0, brake: none }
  b: { tokens: [{ env: B }], events: ["*"], roles: ["org:member"], weight: 1.5, brake: { limit: 0, percent: 101, at_least: -1, window: 1s } }
  c: { tokens: [{ env: C }], events: ["*"], roles: ["org:member"], weight: heavy, brake: { limits: 5, window: 3600 } }
  d: { tokens: [{ env: D }], events: ["*"], roles: ["org:member"], weight: 1000, brake: off }
  e: { tokens: [{ env: E }], events: ["*"], roles: ["org:member"], brake: { limit: 500, window: 1d } }
roles: ["org:member"]
rules: []
"#
    ));
}

#[test]
fn senders_that_make_no_sense() {
    assert_snapshot!(told(
        r#"senders:
  good: { tokens: [{ env: A }], events: ["*"], roles: ["org:member"] }
  same token: { tokens: [{ env: A }], events: [], roles: [] }
  hunter2: { tokens: ["hunter2-secret", { env: "hunter2 secret" }, { value: hunter2 }], signing_secrets: [whsec_hunter2] }
  empty: { tokens: [], events: [1], roles: org:member, actions: [grnat] }
  nothing:
  number: 5
roles: ["org:member", "org:member"]
rules: []
"#
    ));
}

#[test]
fn senders_that_may_not_do_what_the_rule_does() {
    assert_snapshot!(told(
        r#"senders:
  a: { tokens: [{ env: A }], events: ["a.*"], actions: [revoke] }
  b: { tokens: [{ file: /run/b }], events: ["b.*"], actions: [grant], roles: ["org:member"] }
roles: ["org:member"]
rules:
  - { name: 1, on: "a.x", grant: { organization: data.o, user: data.u, role: "'org:member'" } }
  - { name: two, on: "b.*", revoke: { organization: data.o, user: data.u } }
  - { name: three, on: "*.y", revoke: { organization: data.o, user: data.u } }
  - { name: four, on: "c", revoke: { organization: data.o, user: data.u } }
"#
    ));
}

#[test]
fn proofs_that_prove_nothing() {
    assert_snapshot!(told(
        r#"senders:
  none: { events: ["*"], roles: ["org:member"] }
  empty: { tokens: [], signing_secrets: [], events: ["*"], roles: ["org:member"] }
  pasted:
    signing_secrets: [whsec_hunter2hunter2hunter2hunter2hunt, { env: whsec_hunter2 }, { file: whsk_hunter2 }, { env: S1 }]
    tokens: [{ file: eyJhunter2.hunter2.hunter2 }, { env: sk_live_hunter2 }]
    events: ["*"]
    roles: ["org:member"]
  shared: { signing_secrets: [{ env: S1 }], tokens: [{ env: S2 }, { env: S2 }], events: ["*"], roles: ["org:member"] }
  signing: { signing_secret: { env: hunter2 }, events: ["*"], roles: ["org:member"] }
roles: ["org:member"]
rules: []
"#
    ));
}

#[test]
fn service_accounts_that_prove_nothing() {
    assert_snapshot!(told(
        r#"senders:
  good: { events: ["*"], roles: ["org:member"], service_account: { issuer: "https://a", audience: usher, subject: "system:serviceaccount:a:b", jwks: { file: /a } } }
  same: { events: ["*"], roles: ["org:member"], service_account: { issuer: "https://a", audience: usher, subject: "system:serviceaccount:a:b", jwks: { file: /b } } }
  text: { events: ["*"], roles: ["org:member"], service_account: eyJhunter2 }
  empty: { events: ["*"], roles: ["org:member"], service_account: {} }
  wrong: { events: ["*"], roles: ["org:member"], service_account: { issuer: 5, audience: "", subject: "payroll:sender", jwks: /jwks.json, token: hunter2 } }
  open: { events: ["*"], roles: ["org:member"], service_account: { issuer: a, audience: b, subject: "system:serviceaccount:a:b", jwks: { url: "http://cluster/jwks" } } }
  both: { events: ["*"], roles: ["org:member"], service_account: { issuer: a, audience: b, subject: "system:serviceaccount:a:c", jwks: { url: "https://c", file: /c } } }
  pasted: { events: ["*"], roles: ["org:member"], service_account: { issuer: a, audience: b, subject: "system:serviceaccount:a:d", jwks: { url: "https://me:hunter2@c", token: eyJhunter2 } } }
  login: { events: ["*"], roles: ["org:member"], service_account: { issuer: a, audience: b, subject: "system:serviceaccount:a:e", jwks: { url: "https://me:hunter2@c" } } }
  inline: { events: ["*"], roles: ["org:member"], service_account: { issuer: a, audience: b, subject: "system:serviceaccount:a:f", jwks: { keys: [{ k: hunter2 }] } } }
  nothing: { events: ["*"], roles: ["org:member"], service_account: { issuer: a, audience: b, subject: "system:serviceaccount:a:g", jwks: { file: /a, ca: /b } } }
roles: ["org:member"]
rules: []
"#
    ));
}

#[test]
fn sources_and_quotas_that_make_no_sense() {
    assert_snapshot!(told(
        r#"senders:
  good: { tokens: [{ env: A }], events: ["*"], roles: ["org:member"], sources: ["/shop/*", "urn:*"], rate: 5/min, max_batch: 1000 }
  off: { tokens: [{ env: B }], events: ["*"], roles: ["org:member"], rate: off, max_batch: 1 }
  none: { tokens: [{ env: C }], events: ["*"], roles: ["org:member"], sources: [], rate: 0/s, max_batch: 0 }
  wrong: { tokens: [{ env: D }], events: ["*"], roles: ["org:member"], sources: /shop, rate: 100, max_batch: 1001 }
  more: { tokens: [{ env: E }], events: ["*"], roles: ["org:member"], sources: [""], rate: 10/d, max_batch: many }
roles: ["org:member"]
rules: []
"#
    ));
}

#[test]
fn organizations_that_nobody_may_change() {
    assert_snapshot!(told(
        r#"senders:
  a: { tokens: [{ env: A }], events: ["x.*"], organizations: ["org_a*", "slug:a-*"], roles: ["org:viewer"] }
  b: { tokens: [{ env: B }], events: ["x.*"], organizations: ["org_b*"], roles: ["org:viewer", "org:member"], actions: [grant] }
roles: ["org:viewer", "org:member"]
tables:
  other: { one: org_c1, two: org_c2 }
  mixed: { one: org_c1, two: org_a1 }
rules:
  - { name: neither, on: x.1, grant: { organization: "'org_c'", user: data.u, role: "'org:viewer'" } }
  - { name: no row, on: x.1, revoke: { organization: "other[data.o]", user: data.u } }
  - { name: slug, on: x.1, revoke: { organization: { slug: "'b-team'" }, user: data.u } }
  - { name: may not revoke there, on: x.1, revoke: { organization: "'org_b1'", user: data.u } }
  - { name: may not give that role there, on: x.1, grant: { organization: "'org_a1'", user: data.u, role: "'org:member'" } }
  - { name: fine, on: x.1, grant: { organization: "'org_b1'", user: data.u, role: "'org:member'" } }
  - { name: one row is fine, on: x.1, revoke: { organization: "mixed[data.o]", user: data.u } }
  - { name: open is fine, on: x.1, revoke: { organization: "data.x ? 'org_c' : data.o", user: data.u } }
  - { name: no organization at all, on: x.1, revoke: { organization: "'acme'", user: data.u } }
"#
    ));
}

#[test]
fn no_senders() {
    assert_snapshot!(told("senders: {}\nroles: []\nrules: []\n"));
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
fn tests_that_fail() {
    assert_snapshot!(told_of(
        r#"  - name: seats
    on: plan.seats
    for_each: data.seats
    grant: { organization: data.o, user: item, role: "'org:member'", existing: replace }
    tests:
      - event: { type: plan.seats, data: { o: org_1, seats: [user_1, user_2] } }
        expect:
          - grant: { organization: org_1, user: user_1, role: "org:member" }
      - event: { type: plan.seats, data: { o: org_1, seats: [user_1] } }
        expect: [{ grant: { organization: org_1, user: user_1, role: "org:member", existing: keep } }]
      - event: { type: plan.other, data: {} }
        expect: [{ revoke: { organization: org_1, user: user_1 } }]
      - event: { type: plan.seats, data: { o: acme, seats: [user_1] } }
        expect: []
"#
    ));
}

#[test]
fn tests_that_fail_in_what_a_grant_carries() {
    assert_snapshot!(told_of(
        r#"  - name: trial
    on: plan.trial
    grant:
      organization: { slug: data.team }
      user: { email: data.email }
      role: "'org:member'"
      missing_user: invite
      until: "'14d'"
      metadata: { public: { plan: data.plan } }
    tests:
      - event: { time: "2026-01-01T00:00:00Z", data: { team: acme, email: Ada@example.com, plan: trial } }
        expect: [{ grant: { organization: { slug: acme }, user: { email: ada@example.com }, role: "org:member", missing_user: invite, until: 14d, metadata: { public: { plan: trial } } } }]
      - event: { time: "2026-01-01T00:00:00Z", data: { team: acme, email: ada@example.com, plan: trial } }
        expect: [{ grant: { organization: org_acme, user: { email: ada@example.com }, role: "org:member", missing_user: wait, until: 30d, metadata: { private: { plan: trial } } } }]
      - event: { data: { team: acme, email: ada@example.com, plan: trial } }
        expect: [{ grant: { organization: { slug: Acme }, user: { email: ada, external_id: 1 }, role: "org:member", until: 14d } }]
      - event: { data: { team: acme, email: ada, plan: trial } }
        expect: []
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
