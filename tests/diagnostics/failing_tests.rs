//! What is said of the tests of a rule that fail.
//! Knows nothing of how they are run.

use insta::assert_snapshot;

use super::told_of;

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
