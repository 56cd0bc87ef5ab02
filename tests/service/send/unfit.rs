//! `usher send` of what cannot be sent as it is told to, and of what no rule can use.

use serde_json::json;

use super::{answering, json_lines, send, send_to, setup};
use crate::support::*;

#[test]
fn what_can_only_be_refused_is_not_sent() {
    // Nobody listens there: who gets 64 did not try.
    let nobody = ["--to", "http://127.0.0.1:1"];
    let cases: [(&[&str], &str); 3] = [
        (&["--mode", "binary", "--secret-env", "SHARED"], "a signature covers the body"),
        (&["--repeat", "0"], "expected a whole number from 1"),
        (&["--repeat", "2", "--concurrency", "many"], "expected a whole number from 1"),
    ];
    for (arguments, why) in cases {
        let (code, text) = send_to(&[&nobody[..], arguments].concat(), &purchase("1", "user_ada", "team"));
        assert!(code == Some(64) && text.contains(why), "{code:?}, {why} is missing in: {text}");
    }
}

#[test]
fn a_plain_file_gets_the_source_that_a_cloudevent_needs_and_it_is_told() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let event = purchase("1", "user_ada", "team");
    let arguments = ["--token-env", "TOKEN", "--mode", "structured"];
    let (code, text) = send(&service, &arguments, &event);
    assert!(code == Some(0) && text.contains("made urn:usher:send"), "{code:?}: {text}");
    let (_, text) = send(&service, &[&arguments[..], &["--json"]].concat(), &event);
    let line = json_lines(&text).remove(0);
    assert_eq!((&line["made_source"], &line["answer"]["source"]), (&json!("urn:usher:send"), &json!("urn:usher:send")));
}

#[test]
fn an_event_that_no_rule_can_use_is_told_with_where_it_is_kept() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let mut event = purchase("1", "user_ada", "team");
    event["data"].as_object_mut().unwrap().remove("organization_id");
    let (code, text) = send(&service, &["--token-env", "TOKEN"], &event);
    assert!(code == Some(1) && text.contains("422") && text.contains("/v1/events/"), "{code:?}: {text}");
}

#[test]
fn a_terminal_obeys_nothing_that_an_answer_says() {
    const COLOURED: &str =
        "400 Bad Request\r\ncontent-length: 39\r\n\r\n{\"title\": \"\\u001b[31mred\", \"detail\": 1}";
    let (url, requests) = answering(&[COLOURED]);
    let (code, text) = send_to(&["--to", &url], &purchase("1", "user_ada", "team"));
    assert!(code == Some(1) && text.contains("[31mred") && !text.contains('\u{1b}'), "{code:?}: {text:?}");
    requests.join().unwrap();
}
