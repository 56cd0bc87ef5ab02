//! How a sender proves itself: tokens and signatures, each of several, replaced while the service runs.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};
use usher::webhook::{self, Key};

use crate::support::*;

const NOWHERE: &str = "http://127.0.0.1:9";
const SHARED: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STRANGER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const SECRET: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

const SENDERS: &str = r#"
senders:
  billing: { tokens: [{ env: BILLING_TOKEN }, { file: token }], events: ["*"], roles: [] }
  orders: { signing_secrets: [{ env: ORDERS_SECRET }, { file: secret }], events: ["*"], roles: [] }
  payroll: { signing_secrets: [{ env: PAYROLL_KEY }], tokens: [{ env: SUPPORT_TOKEN }], events: ["*"], roles: [] }
roles: []
rules: []
"#;

const IN_FILE: &str = "test-token-in-a-file-of-billing";

struct Fixture {
    setup: Setup,
    service: Service,
}

/// `token` and `secret` are files beside the rules.
fn setup() -> Setup {
    let setup = Setup::new(NOWHERE).rules(SENDERS).with("ORDERS_SECRET", SHARED).with("PAYROLL_KEY", PUBLIC);
    write(&setup.folder.path().join("token"), IN_FILE);
    write(&setup.folder.path().join("secret"), OTHER);
    setup
}

fn started(setup: Setup) -> Fixture {
    let service = setup.start();
    Fixture { setup, service }
}

/// At once, as a writer should: nobody sees half of it.
fn replace(path: &Path, text: &str) {
    let next = path.with_extension("next");
    write(&next, text);
    std::fs::rename(next, path).unwrap();
}

/// One request, signed or to be spoilt.
struct Request {
    family: &'static str,
    id: String,
    timestamp: String,
    signature: String,
    body: String,
}

fn event(id: &str) -> String {
    json!({"id": id, "type": "odd.thing", "data": {"n": 1}}).to_string()
}

fn signed(key: &str, id: &str) -> Request {
    signed_at(key, id, 0)
}

fn signed_at(key: &str, id: &str, offset: i64) -> Request {
    let (timestamp, body) = (Timestamp::now().as_second() + offset, event(id));
    let signature = webhook::sign(&Key::parse(key).unwrap(), id, timestamp, body.as_bytes()).unwrap();
    Request { family: "webhook", id: id.to_owned(), timestamp: timestamp.to_string(), signature, body }
}

impl Fixture {
    fn path(&self, name: &str) -> PathBuf {
        self.setup.folder.path().join(name)
    }

    fn send(&self, request: &Request) -> Answer {
        let name = |end| format!("{}-{end}", request.family);
        let (id, timestamp, signature) = (name("id"), name("timestamp"), name("signature"));
        let headers = [
            ("content-type", "application/json"),
            (&*id, &*request.id),
            (&*timestamp, &*request.timestamp),
            (&*signature, &*request.signature),
        ];
        self.service.http.request("POST", "/v1/events", &headers, request.body.as_bytes())
    }

    /// The sender of what was accepted.
    #[track_caller]
    fn sender(&self, request: &Request) -> Value {
        let answer = self.send(request);
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["sender"].clone()
    }

    fn status_of(&self, token: &str) -> u16 {
        let event = json!({"id": token, "type": "odd.thing", "data": {}});
        self.service.http.post_as(token, &event).status
    }

    /// Waits until a token is taken, and that another is not any more.
    #[track_caller]
    fn rotated(&self, to: &str, from: &str) {
        eventually("a new token", || (self.status_of(to) == 202).then_some(()));
        assert_eq!(self.status_of(from), 401);
    }

    fn lines(&mut self, message: &str) -> Vec<Value> {
        let lines = self.service.process.output();
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == message).collect()
    }
}

#[test]
fn each_of_several_tokens_proves_its_sender_and_one_in_a_file_is_replaced_without_a_restart() {
    let mut fixture = started(setup());
    assert_eq!([TOKEN, IN_FILE, OTHER_TOKEN].map(|token| fixture.status_of(token)), [202; 3]);
    replace(&fixture.path("token"), "test-token-that-came-later");
    fixture.rotated("test-token-that-came-later", IN_FILE);
    assert_eq!(fixture.status_of(TOKEN), 202);
    let replaced = fixture.lines("secret replaced");
    assert_eq!(replaced.len(), 1);
    assert_eq!((&replaced[0]["sender"], &replaced[0]["path"]), (&json!("billing"), &json!("token")));
}

#[test]
fn a_secret_mounted_by_kubernetes_is_replaced_by_a_swap_of_links() {
    let setup = setup();
    let path = |name: &str| setup.folder.path().join(name);
    for (version, token) in [("..1", IN_FILE), ("..2", "test-token-of-the-second-version")] {
        std::fs::create_dir(path(version)).unwrap();
        write(&path(version).join("token"), token);
    }
    std::fs::remove_file(path("token")).unwrap();
    symlink("..1", path("..data")).unwrap();
    symlink("..data/token", path("token")).unwrap();
    let fixture = started(setup);
    assert_eq!(fixture.status_of(IN_FILE), 202);
    symlink("..2", fixture.path("..tmp")).unwrap();
    std::fs::rename(fixture.path("..tmp"), fixture.path("..data")).unwrap();
    fixture.rotated("test-token-of-the-second-version", IN_FILE);
}

#[test]
fn a_new_secret_that_cannot_be_taken_leaves_the_old_one_and_one_line() {
    let mut fixture = started(setup());
    let trouble = |fixture: &mut Fixture| fixture.lines("secret not replaced, the one before stays");
    for (count, wrong) in ["short", OTHER_TOKEN, ""].into_iter().enumerate() {
        replace(&fixture.path("token"), wrong);
        let told = eventually("a line", || Some(trouble(&mut fixture)).filter(|told| told.len() > count));
        assert_eq!((told.len(), &told[count]["sender"]), (count + 1, &json!("billing")));
        assert_eq!([IN_FILE, OTHER_TOKEN].map(|token| fixture.status_of(token)), [202; 2]);
    }
    std::fs::remove_file(fixture.path("secret")).unwrap();
    let told = eventually("a line", || Some(trouble(&mut fixture)).filter(|told| told.len() > 3));
    assert_eq!(told[3]["sender"], "orders");
    assert_eq!(fixture.sender(&signed(OTHER, "1")), "orders");
    replace(&fixture.path("secret"), STRANGER);
    eventually("a new secret", || (fixture.send(&signed(STRANGER, "2")).status == 202).then_some(()));
    fixture.send(&signed(OTHER, "3")).problem(401, "not-authenticated");
    assert_eq!(trouble(&mut fixture).len(), 4, "each trouble is told once, however often it is looked at");
}

#[test]
fn signatures_of_both_versions_and_under_both_names_are_accepted() {
    let fixture = started(setup());
    assert_eq!(fixture.sender(&signed(SHARED, "v1")), "orders");
    assert_eq!(fixture.sender(&signed(OTHER, "in-a-file")), "orders");
    assert_eq!(fixture.sender(&signed(SECRET, "v1a")), "payroll");
    assert_eq!(fixture.sender(&Request { family: "svix", ..signed(SHARED, "svix") }), "orders");
    let mut rotating = signed(SHARED, "rotating");
    rotating.signature = format!("v1, v9,x {} {}", signed(STRANGER, "rotating").signature, rotating.signature);
    assert_eq!(fixture.sender(&rotating), "orders");
    assert_eq!(fixture.sender(&signed_at(SHARED, "late", -290)), "orders");
    assert_eq!(fixture.sender(&signed_at(SHARED, "early", 290)), "orders");
}

#[test]
fn whatever_is_not_accepted_is_answered_alike_and_the_log_has_the_reason() {
    let mut fixture = started(setup());
    let good = || signed(SHARED, "msg_1");
    let with = |signature: &str| Request { signature: signature.to_owned(), ..good() };
    let three = [signed(STRANGER, "msg_1"), signed(STRANGER, "a"), signed(SHARED, "b")].map(|wrong| wrong.signature);
    let refused = [
        Request { body: good().body.replacen(':', ": ", 1), ..good() },
        Request { body: good().body.replace('1', "2"), ..good() },
        Request { body: String::new(), ..good() },
        Request { id: "msg_2".to_owned(), ..good() },
        with("v1,"),
        with("v1a,"),
        with(&good().signature[..11]),
        with(&good().signature.replacen("v1", "v1a", 1)),
        with(&three.join(" ")),
        signed(STRANGER, "msg_1"),
        signed_at(SHARED, "msg_1", -310),
        signed_at(SHARED, "msg_1", 310),
    ];
    let unknown = fixture.service.http.post_as("no-such-token", &json!({}));
    unknown.problem(401, "not-authenticated");
    for request in &refused {
        let answer = fixture.send(request);
        assert_eq!((answer.status, &answer.body), (401, &unknown.body), "{}", request.signature);
        assert_eq!(answer.header("www-authenticate"), unknown.header("www-authenticate"));
    }
    let reasons: Vec<_> =
        eventually("lines", || Some(fixture.lines("request refused")).filter(|lines| lines.len() > refused.len()));
    let reasons = reasons.iter().map(|line| line["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("\n");
    for reason in ["nobody's", "fits any key", "no whole signature", "in the past", "in the future"] {
        assert!(reasons.contains(reason), "{reason} is missing in:\n{reasons}");
    }
}

#[test]
fn a_signature_that_is_none_is_malformed_and_an_authorization_header_goes_before_it() {
    let fixture = started(setup());
    let http = &fixture.service.http;
    let Request { id, timestamp, signature, body, .. } = signed(SHARED, "msg_1");
    let (id, timestamp, signature) =
        (("webhook-id", &*id), ("webhook-timestamp", &*timestamp), ("webhook-signature", &*signature));
    let json = ("content-type", "application/json");
    for headers in [
        &[json, id, signature][..],
        &[json, timestamp, signature],
        &[json, id, timestamp, signature, ("svix-signature", signature.1)],
        &[json, ("webhook-id", "msg.1"), timestamp, signature],
        &[json, id, ("webhook-timestamp", "now"), signature],
    ] {
        let detail = http.request("POST", "/v1/events", headers, body.as_bytes()).problem(401, "not-authenticated");
        assert!(detail.contains("webhook-timestamp (Unix seconds)"), "{detail}");
    }
    let bad_token = [json, id, timestamp, signature, ("authorization", "Bearer no-such-token")];
    assert_eq!(http.request("POST", "/v1/events", &bad_token, body.as_bytes()).status, 401);
}

#[test]
fn who_signs_reads_its_own_events_with_a_signature_over_their_id_and_nothing() {
    let fixture = started(setup());
    let http = &fixture.service.http;
    let sent = signed(SHARED, "msg_1");
    let location = fixture.send(&sent).header("location").unwrap().to_owned();
    let event = location.trim_start_matches("/v1/events/").to_owned();
    let read = |key: &str, id: &str, body: &[u8]| {
        let now = Timestamp::now().as_second();
        let signature = webhook::sign(&Key::parse(key).unwrap(), id, now, body).unwrap();
        let time = now.to_string();
        let headers = [("webhook-id", id), ("webhook-timestamp", &*time), ("webhook-signature", &*signature)];
        http.request("GET", &location, &headers, b"")
    };
    assert_eq!(read(OTHER, &event, b"").body["sender"], "orders");
    read(SECRET, &event, b"").problem(404, "not-found");
    read(SHARED, "msg_1", b"").problem(401, "not-authenticated");
    read(SHARED, &event, sent.body.as_bytes()).problem(401, "not-authenticated");
}

#[test]
fn no_log_has_a_secret_a_token_or_a_signature() {
    let mut fixture = started(setup().with("RUST_LOG", "trace"));
    let (good, mut bad) = (signed(SHARED, "good"), signed(OTHER, "bad"));
    bad.body = event("else");
    assert_eq!((fixture.send(&good).status, fixture.send(&bad).status), (202, 401));
    assert_eq!([IN_FILE, "a-token-of-nobody-at-all"].map(|token| fixture.status_of(token)), [202, 401]);
    replace(&fixture.path("token"), "another-token-that-nobody-sees");
    fixture.rotated("another-token-that-nobody-sees", IN_FILE);
    replace(&fixture.path("secret"), "whsec_too-short");
    eventually("a line", || (!fixture.lines("secret not replaced, the one before stays").is_empty()).then_some(()));
    let output = fixture.service.process.output();
    let signatures = [&good, &bad].map(|request| request.signature.as_str());
    let tokens = [TOKEN, IN_FILE, "a-token-of-nobody-at-all", "another-token-that-nobody-sees"];
    for secret in [&signatures[..], &tokens, &[SHARED, OTHER, "too-short"]].concat() {
        let secret = secret.trim_start_matches("v1,").trim_start_matches("whsec_");
        assert!(!output.contains(secret), "{secret} is in:\n{output}");
    }
}

#[test]
fn a_signing_secret_that_is_none_stops_the_start_with_every_other_mistake() {
    let setup =
        setup().with("ORDERS_SECRET", "hush-this-is-no-key").with("PAYROLL_KEY", OTHER).without("BILLING_TOKEN");
    let output = setup.serve_output();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{text}");
    for part in ["ORDERS_SECRET", "PAYROLL_KEY", "senders orders and payroll", "BILLING_TOKEN", "whsec_…"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains("hush") && !text.contains(OTHER), "{text}");
}
