//! `usher send` of several events at once: which of them was refused, and how many.

use serde_json::json;

use super::{json_lines, send, setup};
use crate::support::*;

#[test]
fn each_event_of_a_batch_is_told_by_its_name() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let batch = json!([purchase("good", "user_ada", "team"), purchase("bad", "user_ada", "enterprise"), {"type": 5}]);
    let (code, text) = send(&service, &["--token-env", "TOKEN"], &batch);
    assert_eq!(code, Some(1), "{text}");
    let line = |word: &str| text.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {text}"));
    assert!(line("202 accepted").contains("plan.purchased good"), "{text}");
    assert!(line("403").contains("plan.purchased bad"), "{text}");
    assert!(line("400").contains("event 3 of 3"), "{text}");
    assert!(line("3 events").contains("2 refused"), "{text}");
}

#[test]
fn copies_of_a_batch_are_summed_up_by_event() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let batch = json!([purchase("good", "user_ada", "team"), purchase("bad", "user_ada", "enterprise")]);
    let arguments = ["--token-env", "TOKEN", "--repeat", "2"];
    let (code, text) = send(&service, &arguments, &batch);
    assert!(code == Some(1) && text.contains("2 accepted, 2 refused"), "{code:?}: {text}");
    assert_eq!(text.matches("403 The sender may not ask").count(), 1, "of its kind the first is told: {text}");
    let (_, text) = send(&service, &[&arguments[..], &["--wait", "--json"]].concat(), &batch);
    let mut lines = json_lines(&text);
    let summary = lines.pop().unwrap()["summary"].clone();
    assert_eq!((&summary["sent"], &summary["events"]), (&json!(2), &json!({"accepted": 2, "refused": 2})), "{text}");
    assert_eq!(lines[0]["events"], json!(["plan.purchased good-1", "plan.purchased bad-1"]));
}
