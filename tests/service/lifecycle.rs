//! Probes, metrics, logs and the way out.

use serde_json::json;

use crate::support::*;

#[test]
fn probes_and_metrics_are_on_the_operator_listener_only() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    service.settle(&purchase("1", "user_ada", "team"));
    assert_eq!(service.admin.get("/livez").status, 200);
    assert_eq!(service.admin.get("/readyz").status, 200);
    let metrics = service.admin.get("/metrics");
    let text = metrics.body.as_str().unwrap();
    assert!(text.contains("usher_events_total{verdict=\"accepted\"} 1"), "{text}");
    assert!(text.contains("usher_changes_total{action=\"grant\",outcome=\"granted\"} 1"), "{text}");
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(service.http.get(path).status, 404, "{path}");
    }
    assert_eq!(service.admin.get("/v1/events").status, 404);
}

#[test]
fn one_line_tells_the_outcome_and_none_tells_a_secret() {
    let sandbox = Sandbox::start(&[]);
    let mut service = Setup::new(&sandbox.http.base).with("RUST_LOG", "trace").start();
    let mut event = purchase("1", "user_ada", "team");
    event["data"]["email"] = json!("ada@example.com");
    service.settle(&event);
    let line = service.process.json_line("the outcome", |line| line["outcome"].is_string());
    for (field, value) in [
        ("sender", "billing"),
        ("rule", "plan purchased"),
        ("action", "grant"),
        ("organization", "org_acme"),
        ("user", "user_ada"),
        ("role", "org:member"),
        ("outcome", "granted"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    service.process.signal("TERM");
    assert_eq!(service.process.exit_code(), Some(0));
    let output = service.process.output();
    for secret in [TOKEN, SECRET_KEY, "ada@example.com"] {
        assert!(!output.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn sigterm_turns_readiness_at_once_and_serves_through_the_drain_delay() {
    let sandbox = Sandbox::start(&["--latency", "300ms"]);
    let setup = Setup::new(&sandbox.http.base).with("USHER_DRAIN_DELAY", "2s");
    let mut service = setup.start();
    // Before it is ready nobody sends it anything, and it ends at once.
    eventually("ready", || (service.admin.get("/readyz").status == 200).then_some(()));
    service.process.signal("TERM");
    eventually("unready", || (service.admin.get("/readyz").status == 503).then_some(()));
    let answer = service.http.post(&purchase("late", "user_ada", "team"));
    assert_eq!(answer.status, 202, "the endpoint is still in some balancer's list");
    assert_eq!(service.process.exit_code(), Some(0));
    let event = setup.start().settled_as(TOKEN, answer.header("location").unwrap());
    assert_eq!(event["status"], "done");
    let creates = sandbox.calls().iter().filter(|call| call["method"] == "POST").count();
    assert_eq!(creates, 1, "a call in flight at the end is finished and settled, not made again");
}

#[test]
fn a_second_signal_ends_at_once() {
    let sandbox = Sandbox::start(&[]);
    let setup = Setup::new(&sandbox.http.base).with("USHER_DRAIN_DELAY", "10min");
    let mut service = setup.start();
    let answer = service.http.post(&purchase("1", "user_ada", "team"));
    service.process.signal("TERM");
    eventually("unready", || (service.admin.get("/readyz").status == 503).then_some(()));
    service.process.signal("TERM");
    assert_eq!(service.process.exit_code(), Some(130));
    assert_eq!(setup.start().settled_as(TOKEN, answer.header("location").unwrap())["status"], "done");
}
