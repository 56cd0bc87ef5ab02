//! When it is usher itself that Clerk refuses: nothing is burnt, it is said loudly, and all goes on by itself.

use serde_json::{Value, json};

use crate::support::*;

fn put_key(sandbox: &Sandbox, key: Option<&str>) {
    let body = json!({ "secret_key": key }).to_string();
    assert_eq!(sandbox.http.request("PUT", "/sandbox/key", &[], body.as_bytes()).status, 204);
}

fn halted(service: &Service) -> bool {
    let metrics = service.admin.get("/metrics").body;
    metrics.as_str().unwrap().contains("usher_breaker_state{state=\"halted\"} 1")
}

#[test]
fn a_rotated_key_is_read_again_and_nothing_is_burnt() {
    let sandbox = Sandbox::start(&[]);
    put_key(&sandbox, Some("sk_test_new"));
    let setup = Setup::new(&sandbox.http.base).without("CLERK_SECRET_KEY").with("USHER_HALT_PAUSE", "200ms");
    let file = setup.folder.path().join("key");
    write(&file, "sk_test_old\n");
    let mut service = setup.with("CLERK_SECRET_KEY_FILE", file.to_str().unwrap()).start();
    let answer = service.http.post(&purchase("1", "user_ada", "team"));
    assert_eq!(answer.status, 202, "events are accepted all the while");
    let location = answer.header("location").unwrap().to_owned();
    eventually("the halt", || halted(&service).then_some(()));
    let line = service.process.json_line("the halt", |line| line["level"] == "ERROR");
    assert!(!line.to_string().contains("sk_test"), "{line}");
    assert_eq!(service.admin.get("/readyz").status, 200);
    write(&file, "sk_test_new\n");
    let settled = service.settled_as(TOKEN, &location);
    assert_eq!(settled["changes"][0]["outcome"], "granted");
    eventually("the resumption", || (!halted(&service)).then_some(()));
}

#[test]
fn organizations_switched_off_halt_and_go_on_when_they_are_on_again() {
    let sandbox = Sandbox::start(&[]);
    let switch = |on: bool| {
        let body = json!({ "organizations_enabled": on }).to_string();
        assert_eq!(sandbox.http.request("PATCH", "/sandbox/instance", &[], body.as_bytes()).status, 200);
    };
    switch(false);
    let service = Setup::new(&sandbox.http.base).with("USHER_HALT_PAUSE", "100ms").start();
    let events: Vec<Value> = (0..5).map(|n| purchase(&n.to_string(), "user_ada", "team")).collect();
    let locations: Vec<_> =
        events.iter().map(|event| service.http.post(event).header("location").unwrap().to_owned()).collect();
    eventually("the halt", || halted(&service).then_some(()));
    eventually("three probes", || (sandbox.calls().len() >= 3).then_some(()));
    switch(true);
    for location in locations {
        assert_eq!(service.settled_as(TOKEN, &location)["status"], "done");
    }
}
