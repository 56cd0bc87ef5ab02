//! What usher promises about its calls, measured at the sandbox: how many, how fast, for whom first.
//!
//! The figures are printed. Two tests are also there in full size, where they take minutes: run them with `--ignored`.

mod backlog;
mod cost;
mod fairness;
mod pace;

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

/// Revokes of users who do not exist cost one call each and need nothing to be there.
fn removal(id: &str, user: &str) -> Value {
    json!({"id": id, "type": "member.removed", "data": {"organization_id": "org_acme", "user_id": user}})
}

/// One event that asks for as many calls.
fn bulk(id: &str, kind: &str, users: impl Iterator<Item = String>) -> Value {
    json!({"id": id, "type": kind, "data": {"organization_id": "org_acme", "users": users.collect::<Vec<_>>()}})
}

/// The rules of the other tests, and removals.
fn rules() -> String {
    format!(
        r#"{RULES}
  - name: member removed
    on: member.removed
    revoke: {{ organization: data.organization_id, user: data.user_id }}
  - name: members removed
    on: member.purged
    for_each: data.users
    revoke: {{ organization: data.organization_id, user: item }}
"#
    )
}

/// A port where nobody listens yet.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The calls to `/v1` as (milliseconds, status).
fn calls(sandbox: &Sandbox) -> Vec<(i64, Option<i64>)> {
    let of = |call: &Value| (call["at_ms"].as_i64().unwrap(), call["status"].as_i64());
    sandbox.calls().iter().filter(|call| call["path"].as_str().unwrap().starts_with("/v1/")).map(of).collect()
}

/// The most calls in any stretch of this length.
fn busiest(calls: &[(i64, Option<i64>)], stretch: Duration) -> usize {
    let length = stretch.as_millis() as i64;
    let within = |(first, (at, _)): (usize, &(i64, Option<i64>))| {
        calls[first..].partition_point(|(later, _)| later - at < length)
    };
    calls.iter().enumerate().map(within).max().unwrap_or_default()
}

/// The value of a metric without labels, or with exactly these.
fn metric(service: &Service, name: &str) -> f64 {
    let metrics = service.admin.get("/metrics").body;
    let line = metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or_default()
}
