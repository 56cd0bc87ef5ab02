//! `usher send`, as a person or a smoke test runs it.

mod batches;
mod tls;
mod unfit;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Output, Stdio};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use crate::support::*;

const SHARED: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const PAIR: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

fn send(service: &Service, arguments: &[&str], event: &Value) -> (Option<i32>, String) {
    send_to(&[&["--to", &service.http.base], arguments].concat(), event)
}

/// `usher send -` with `event` on stdin, secrets in the environment, and every reason to be talkative.
fn send_to(arguments: &[&str], event: &Value) -> (Option<i32>, String) {
    let secrets = [("TOKEN", TOKEN), ("SHARED", SHARED), ("PAIR", PAIR), ("RUST_LOG", "trace")];
    let mut command = usher();
    command.args(["send", "-"]).args(arguments).envs(secrets);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Whoever refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(event.to_string().as_bytes());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), said(&output))
}

/// What it printed, which never has a secret.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    for secret in [TOKEN, SHARED, PAIR] {
        let secret = secret.split('_').next_back().unwrap();
        assert!(!text.contains(secret), "a secret is printed: {text}");
    }
    text
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn setup(sandbox: &Sandbox) -> Setup {
    Setup::new(&sandbox.http.base)
}

/// Billing signs with a key whose counterpart the service has.
fn signed_by(sandbox: &Sandbox, counterpart: &str) -> Service {
    let rules = RULES.replace("tokens: [{ env: BILLING_TOKEN }]", "signing_secrets: [{ env: BILLING_SECRET }]");
    setup(sandbox).rules(&rules).without("BILLING_TOKEN").with("BILLING_SECRET", counterpart).start()
}

#[test]
fn an_event_is_sent_with_a_token_and_followed_to_its_outcome() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let event = purchase("1", "user_ada", "team");
    let (code, text) = send(&service, &["--token-env", "TOKEN", "--wait"], &event);
    assert_eq!(code, Some(0), "{text}");
    for part in ["accepted", "plan.purchased 1", "is done", "granted", "user_ada to be org:member of org_acme"] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour where there is no terminal");
    let (code, text) = send(&service, &["--token-env", "TOKEN"], &event);
    assert!(code == Some(0) && text.contains("known already"), "{code:?}: {text}");
}

#[test]
fn a_token_comes_from_a_file_as_well() {
    let sandbox = Sandbox::start(&[]);
    let setup = setup(&sandbox);
    let service = setup.start();
    let file = setup.folder.path().join("token");
    write(&file, &format!("{TOKEN}\n"));
    let (code, text) = send(&service, &["--token-file", file.to_str().unwrap()], &purchase("1", "user_ada", "team"));
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn an_event_is_signed_with_a_shared_secret() {
    let sandbox = Sandbox::start(&[]);
    let service = signed_by(&sandbox, SHARED);
    let (code, text) = send(&service, &["--secret-env", "SHARED", "--wait"], &purchase("1", "user_ada", "team"));
    assert!(code == Some(0) && text.contains("granted"), "{code:?}: {text}");
}

#[test]
fn an_event_is_signed_with_a_secret_key_whose_public_half_the_service_has() {
    let sandbox = Sandbox::start(&[]);
    let service = signed_by(&sandbox, PUBLIC);
    let (code, text) = send(&service, &["--secret-env", "PAIR", "--wait"], &purchase("1", "user_ada", "team"));
    assert!(code == Some(0) && text.contains("granted"), "{code:?}: {text}");
    let (code, text) = send(&service, &["--secret-env", "SHARED"], &purchase("2", "user_ada", "team"));
    assert!(code == Some(1) && text.contains("401"), "{code:?}: {text}");
}

#[test]
fn copies_are_events_of_their_own_unless_they_are_to_be_repeats() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let many = ["--token-env", "TOKEN", "--repeat", "20", "--concurrency", "4", "--json"];
    let event = json!({"id": "a", "type": "plan.viewed", "data": {}});
    let (code, text) = send(&service, &many, &event);
    assert_eq!(code, Some(0), "{text}");
    let mut lines = json_lines(&text);
    let summary = lines.pop().unwrap()["summary"].clone();
    assert_eq!(
        (&summary["sent"], &summary["statuses"], &summary["replayed"]),
        (&json!(20), &json!({"202": 20}), &json!(0))
    );
    assert!(summary["latency_ms"]["p95"].is_f64() && summary["per_second"].as_f64() > Some(0.0), "{summary}");
    let mut ids: Vec<_> = lines.iter().map(|line| line["answer"]["event_id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    let mut expected: Vec<_> = (1..=20).map(|copy| format!("a-{copy}")).collect();
    expected.sort();
    assert_eq!(ids, expected);
    let (code, text) = send(&service, &[&many[..], &["--same-id"]].concat(), &event);
    assert_eq!((code, &json_lines(&text).pop().unwrap()["summary"]["replayed"]), (Some(0), &json!(19)), "{text}");
}

#[test]
fn a_refused_event_is_told_with_its_problem_and_ends_with_1() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let (code, text) = send(&service, &["--token-env", "TOKEN"], &json!({"id": "1", "type": 5}));
    assert_eq!(code, Some(1), "{text}");
    for part in ["400 The body is not a valid event", "#/type", "expected a string"] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    let (code, text) = send(&service, &[], &purchase("1", "user_ada", "team"));
    assert!(code == Some(1) && text.contains("401") && text.contains("--token-env"), "{code:?}: {text}");
    let above = purchase("1", "user_ada", "enterprise");
    let (code, text) = send(&service, &["--token-env", "TOKEN", "--repeat", "3"], &above);
    assert_eq!((code, text.matches("403 The sender may not ask").count()), (Some(1), 1), "{text}");
}

#[test]
fn a_change_that_will_never_be_made_ends_the_wait_with_1() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let event = purchase("1", "user_nobody", "team");
    let (code, text) = send(&service, &["--token-env", "TOKEN", "--wait"], &event);
    assert!(code == Some(1) && text.contains("is failed") && text.contains("dead"), "{code:?}: {text}");
    let (code, _) = send(&service, &["--token-env", "TOKEN"], &event);
    assert_eq!(code, Some(0), "accepted is all that was asked for");
}

#[test]
fn an_event_without_an_id_gets_one_that_is_told() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let event = json!({"type": "plan.viewed", "data": {}});
    let (code, text) = send(&service, &["--token-env", "TOKEN", "--json"], &event);
    assert_eq!(code, Some(0), "{text}");
    let line = json_lines(&text).remove(0);
    assert_eq!(line["made_ids"], json!([line["answer"]["event_id"]]));
}

#[test]
fn every_mode_says_the_same() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let mut event = purchase("1", "user_ada", "team");
    event["source"] = json!("https://shop.example/orders");
    event["subject"] = json!("50 % off: Euro € 😀");
    for (position, mode) in ["plain", "structured", "binary", "batch"].into_iter().enumerate() {
        let (code, text) = send(&service, &["--token-env", "TOKEN", "--mode", mode], &event);
        assert_eq!((code, text.contains("known already")), (Some(0), position > 0), "{mode}: {text}");
    }
}

#[test]
fn each_way_to_end_has_its_code() {
    let nobody = "http://127.0.0.1:1";
    let cases: [(&[&str], i32); 8] = [
        (&["--to", nobody, "--token-env", "TOKEN"], 69),
        (&["--to", nobody, "--repeat", "2"], 69),
        (&["--to", "http://someone:password@127.0.0.1"], 64),
        (&["--to", nobody, "--token-env", "NO_SUCH_VARIABLE"], 64),
        (&["--to", nobody, "--secret-env", "TOKEN"], 64),
        (&["--to", nobody, "--token-env", "TOKEN", "--secret-env", "SHARED"], 64),
        (&["--to", nobody, "--token-file", "/no/such/file"], 66),
        (&["--to", nobody, "--ca", "/no/such/file"], 66),
    ];
    for (arguments, expected) in cases {
        let (code, text) = send_to(arguments, &purchase("1", "user_ada", "team"));
        assert_eq!(code, Some(expected), "{arguments:?}: {text}");
    }
    let missing = usher().args(["send", "/no/such/file.json"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(66), "{}", said(&missing));
    assert_eq!(send_to(&["--to", nobody], &json!("no event")).0, Some(65));
}

/// Answers one request after the other, each on a connection of its own, and gives what it was sent.
fn answering(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |answer: &&str| {
        let (mut connection, _) = listener.accept().unwrap();
        let request = whole_request(&mut connection);
        write!(connection, "HTTP/1.1 {answer}\r\nconnection: close\r\n\r\n").unwrap();
        request
    };
    (url, thread::spawn(move || answers.iter().map(answer).collect()))
}

fn whole_request(connection: &mut TcpStream) -> String {
    let (mut request, mut bytes) = (String::new(), [0; 4096]);
    loop {
        let read = connection.read(&mut bytes).unwrap();
        request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        if read == 0 || request.trim_end().ends_with('}') {
            return request;
        }
    }
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let line = request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in: {request}"))
}

const LATER: &str = "503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 0";
const ACCEPTED: &str = "202 Accepted\r\ncontent-length: 0";

#[test]
fn a_copy_is_sent_again_under_its_name_when_the_service_asks_for_it() {
    let (url, requests) = answering(&[LATER, LATER, ACCEPTED]);
    let arguments = ["--to", &url, "--secret-env", "SHARED", "--repeat", "1", "--json"];
    let (code, text) = send_to(&arguments, &purchase("1", "user_ada", "team"));
    assert_eq!((code, &json_lines(&text)[0]["tried_again"]), (Some(0), &json!(2)), "{text}");
    let requests = requests.join().unwrap();
    let ids: Vec<_> = requests.iter().map(|request| header(request, "webhook-id")).collect();
    assert!(ids[0].starts_with("msg_") && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let request = &requests[2];
    let signature = usher::webhook::sign(
        &usher::webhook::Key::parse(SHARED).unwrap(),
        ids[0],
        header(request, "webhook-timestamp").parse().unwrap(),
        request.split_once("\r\n\r\n").unwrap().1.as_bytes(),
    );
    assert_eq!(signature.as_deref(), Ok(header(request, "webhook-signature")));
}

#[test]
fn a_single_event_and_a_copy_that_was_tried_four_times_are_told_as_they_were_answered() {
    let (url, requests) = answering(&[LATER]);
    let (code, text) = send_to(&["--to", &url], &purchase("1", "user_ada", "team"));
    assert!(code == Some(1) && text.contains("503"), "{code:?}: {text}");
    assert_eq!(requests.join().unwrap().len(), 1);
    let (url, requests) = answering(&[LATER; 4]);
    let (code, text) = send_to(&["--to", &url, "--repeat", "1"], &purchase("1", "user_ada", "team"));
    assert!(code == Some(1) && text.contains("3 tried again"), "{code:?}: {text}");
    assert_eq!(requests.join().unwrap().len(), 4);
}
