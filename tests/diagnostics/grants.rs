//! What is said of what a rule grants or revokes: roles, names, ends, metadata.
//! Knows nothing of senders.

use insta::assert_snapshot;

use super::told_of;

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
