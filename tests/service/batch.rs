//! Batches: each event is taken by itself, all that may be in one commit, and answered in order.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

fn cloud_event(mut event: Value) -> Value {
    event["specversion"] = json!("1.0");
    event["source"] = json!("/shop");
    event
}

fn grant(id: &str, user: &str) -> Value {
    cloud_event(purchase(id, user, "team"))
}

fn post(service: &Service, more: &[(&str, &str)], body: &str) -> Answer {
    let authorization = format!("Bearer {TOKEN}");
    let mut headers =
        vec![("authorization", &*authorization), ("content-type", "application/cloudevents-batch+json; charset=UTF-8")];
    headers.extend(more);
    service.http.request("POST", "/v1/events", &headers, body.as_bytes())
}

/// So many events that no rule wants, whose ids begin alike.
fn viewed(prefix: &str, count: usize) -> String {
    let event = |number| cloud_event(json!({"id": format!("{prefix}-{number}"), "type": "plan.viewed"}));
    json!((0..count).map(event).collect::<Vec<_>>()).to_string()
}

/// A service whose first sender has this among its limits.
fn limited(limit: &str) -> Service {
    let rules = RULES.replacen("    rate: off\n", &format!("    {limit}\n"), 1);
    Setup::new("http://127.0.0.1:1").rules(&rules).start()
}

/// The sample of this name among the metrics.
fn sample(service: &Service, name: &str) -> f64 {
    let text = service.admin.get("/metrics").body;
    let line = text.as_str().unwrap().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap().parse().unwrap()
}

fn results(answer: &Answer) -> &Vec<Value> {
    answer.body["results"].as_array().unwrap()
}

#[test]
fn each_event_of_a_batch_gets_what_it_would_get_alone_in_its_place() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let alone = service.http.post(&json!({"id": "0", "source": "/shop", "type": "plan.viewed"}));
    let batch = json!([
        grant("1", "user_ada"),
        cloud_event(purchase("2", "user_bob", "enterprise")),
        cloud_event(json!({"id": "0", "type": "plan.viewed", "data": null})),
        cloud_event(json!({"id": "3", "type": "member.set"})),
        json!({"specversion": "1.0", "id": "4", "type": "plan.viewed"}),
        7,
        grant("1", "user_ada"),
        grant("1", "user_eve"),
        cloud_event(json!({"id": "5", "type": "plan.purchased", "data": {}})),
    ]);
    let answer = post(&service, &[], &batch.to_string());
    assert_eq!((answer.status, answer.header("location")), (202, None), "{}", answer.body);
    assert_eq!((&answer.body["accepted"], &answer.body["refused"]), (&json!(3), &json!(6)));
    let told = |result: &Value| {
        let kind = result["problem"]["type"].as_str().map(|kind| kind.rsplit(':').next().unwrap().to_owned());
        (result["status"].as_u64().unwrap(), kind.or(result["event"]["event_id"].as_str().map(str::to_owned)).unwrap())
    };
    let expected = [
        (202, "1"),
        (403, "above-ceiling"),
        (202, "0"),
        (403, "type-not-allowed"),
        (400, "invalid-event"),
        (400, "invalid-event"),
        (202, "1"),
        (422, "identity-conflict"),
        (422, "rule-failed"),
    ];
    assert_eq!(results(&answer).iter().map(told).collect::<Vec<_>>(), expected.map(|(s, k)| (s, k.to_owned())));
    let replayed: Vec<_> = results(&answer).iter().filter_map(|result| result["replayed"].as_bool()).collect();
    assert_eq!(replayed, [false, true, true]);
    assert_eq!(results(&answer)[2]["event"], alone.body);
    let pointer = |index: usize| &results(&answer)[index]["problem"]["errors"][0]["pointer"];
    assert_eq!((pointer(3), pointer(4)), (&json!("#/3/type"), &json!("#/4/source")));
    assert!(!answer.body.to_string().contains("user_eve"), "a conflict echoes nothing");
    service.settled_as(TOKEN, &format!("/v1/events/{}", results(&answer)[0]["event"]["id"].as_str().unwrap()));
    assert_eq!(sandbox.calls().len(), 1);
    let metrics = service.admin.get("/metrics");
    let metrics = metrics.body.as_str().unwrap();
    for line in ["accepted\"} 1", "ignored\"} 1", "repeated\"} 2", "failed\"} 1", "refused\"} 5"] {
        assert!(metrics.contains(&format!("usher_events_total{{verdict=\"{line}")), "{line}\n{metrics}");
    }
}

#[test]
fn a_repeated_batch_changes_nothing_even_where_today_it_would_be_refused() {
    let sandbox = Sandbox::start(&[]);
    let setup = Setup::new(&sandbox.http.base);
    let batch = json!([grant("1", "user_ada"), grant("2", "user_bob")]).to_string();
    let first = post(&setup.start(), &["prefer"].map(|name| (name, "wait=20")), &batch);
    assert_eq!((first.status, first.header("preference-applied")), (200, Some("wait=20")), "{}", first.body);
    assert!(results(&first).iter().all(|result| result["status"] == 200 && result["event"]["status"] == "done"));
    let rules = RULES.replace("[\"plan.*\", \"odd.*\"]", "[\"odd.*\"]").replace("[\"member.*\"]", "[\"*\"]");
    let service = setup.rules(&rules).start();
    let again = post(&service, &[], &batch);
    assert_eq!((again.status, &again.body["accepted"]), (202, &json!(2)));
    for (result, before) in results(&again).iter().zip(results(&first)) {
        assert_eq!((&result["replayed"], &result["event"]), (&json!(true), &before["event"]));
    }
    assert_eq!(sandbox.calls().len(), 2);
}

#[test]
fn a_batch_is_refused_as_a_whole_only_where_it_is_none() {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).start();
    let empty = post(&service, &[("prefer", "wait=5")], "[]");
    assert_eq!((empty.status, &empty.body), (200, &json!({"accepted": 0, "refused": 0, "results": []})));
    post(&service, &[], "{}").problem(400, "invalid-event");
    post(&service, &[], "[{}").problem(400, "malformed-json");
    post(&service, &[("idempotency-key", "k")], "[]").problem(400, "malformed-request");
    let many: Vec<_> = (0..101).map(|id| cloud_event(json!({"id": id.to_string(), "type": "plan.viewed"}))).collect();
    post(&service, &[], &json!(many).to_string()).problem(413, "batch-too-large");
    let most = post(&service, &[], &json!(many[..100]).to_string());
    assert_eq!((most.status, &most.body["accepted"]), (202, &json!(100)));
}

#[test]
fn who_waits_for_a_batch_waits_for_all_of_it() {
    let sandbox = Sandbox::start(&["--latency", "2s"]);
    let service = Setup::new(&sandbox.http.base).start();
    let viewed = cloud_event(json!({"id": "1", "type": "plan.viewed"}));
    let batch = json!([viewed, grant("2", "user_ada"), grant("3", "user_bob")]).to_string();
    let early = post(&service, &[("prefer", "wait=1, respond-async")], &batch);
    assert_eq!((early.status, early.header("retry-after")), (202, Some("1")), "{}", early.body);
    assert_eq!(early.header("preference-applied"), Some("respond-async, wait=1"));
    assert_eq!(
        results(&early).iter().map(|result| result["status"].as_u64()).collect::<Vec<_>>(),
        [Some(200), Some(202), Some(202)]
    );
    let late = post(&service, &[("prefer", "wait=20")], &batch);
    assert_eq!(late.status, 200, "{}", late.body);
    assert!(results(&late).iter().all(|result| result["status"] == 200));
}

#[test]
fn the_operator_says_how_many_events_a_batch_may_have() {
    let service = limited("max_batch: 2");
    let three = post(&service, &[], &viewed("a", 3));
    let detail = three.problem(413, "batch-too-large");
    assert!(detail.contains("at most 2 events"), "{detail}");
    let two = post(&service, &[], &viewed("a", 2));
    assert_eq!((two.status, &two.body["accepted"]), (202, &json!(2)), "{}", two.body);
    assert!(results(&two).iter().all(|result| result["replayed"] == false), "nothing of the larger one was recorded");
    let alone = service.http.post(&json!({"id": "a-2", "source": "/shop", "type": "plan.viewed"}));
    assert_eq!((alone.status, alone.header("idempotent-replayed")), (202, None));
}

#[test]
fn a_batch_larger_than_the_rate_passes_when_nothing_is_owed() {
    for count in [10, 11, 100] {
        let service = limited("rate: 10/s");
        let answer = post(&service, &[], &viewed("a", count));
        assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!(count)), "{}", answer.body);
    }
}

#[test]
fn whoever_sent_a_large_batch_waits_as_long_as_it_is_told_and_then_passes() {
    let service = limited("rate: 10/s");
    let large = post(&service, &[], &viewed("a", 30));
    assert_eq!((large.status, &large.body["accepted"]), (202, &json!(30)), "{}", large.body);
    let next = json!({"id": "next", "type": "plan.viewed"});
    let refused = [service.http.post(&next), post(&service, &[], &viewed("b", 2))];
    let told = refused.map(|answer| {
        answer.problem(429, "rate-limited");
        answer.header("retry-after").unwrap().parse::<u64>().unwrap()
    });
    assert!(told.iter().all(|seconds| (1..=3).contains(seconds)), "two seconds and a bit are owed: {told:?}");
    thread::sleep(Duration::from_secs(told[0]));
    let passed = service.http.post(&next);
    assert_eq!((passed.status, passed.header("idempotent-replayed")), (202, None), "{}", passed.body);
    let batch =
        eventually("its turn", || Some(post(&service, &[], &viewed("b", 2))).filter(|answer| answer.status != 429));
    assert!(results(&batch).iter().all(|result| result["replayed"] == false), "{}", batch.body);
}

#[test]
fn a_batch_is_one_commit() {
    let setup = Setup::new("http://127.0.0.1:1");
    let service = setup.start();
    // Whatever a start writes is written before anything is taken.
    service.http.post(&json!({"id": "0", "type": "plan.viewed"}));
    let file = rusqlite::Connection::open(setup.ledger().join("usher.db")).unwrap();
    // Whoever probes readiness makes commits as well, and they are counted.
    let beats = || file.query_row("SELECT beats FROM pulse", [], |row| row.get::<_, f64>(0)).unwrap();
    let names = ["usher_ledger_commit_seconds_count", "usher_ledger_commit_group_sum"];
    let figures = || (names.map(|name| sample(&service, name)), beats());
    let ([commits_before, requests_before], beats_before) = figures();
    let answer = post(&service, &[], &viewed("a", 50));
    assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!(50)), "{}", answer.body);
    let ([commits, requests], beats) = figures();
    let beats = beats - beats_before;
    assert!((1.0..=1.0 + beats).contains(&(commits - commits_before)), "{} commits", commits - commits_before);
    assert_eq!(requests - requests_before, 1.0 + beats, "what shared a commit did so by chance");
}
