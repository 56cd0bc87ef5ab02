//! What is said of `senders:`: proofs, rights, quotas, and what no sender may do.
//! Knows nothing of expressions.

use insta::assert_snapshot;

use super::told;

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
fn sources_and_organizations_that_no_event_can_name() {
    assert_snapshot!(told(
        r#"senders:
  a: { tokens: [{ env: A }], events: ["*"], roles: ["org:member"], organizations: ["acme", "org_*", "*"] }
  b: { tokens: [{ env: B }], events: ["*"], roles: ["org:member"], organizations: [] }
  c: { tokens: [{ env: C }], events: ["*"], roles: ["org:member"], sources: ["https://shop.example/my shop", "/caf\u00e9", "/shop\t*", "*"] }
  d: { tokens: [{ env: D }], events: ["*"], roles: ["org:member"], organizations: org_1 }
roles: ["org:member"]
rules: []
"#
    ));
}
