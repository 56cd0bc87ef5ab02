//! Kubernetes ServiceAccount tokens as proof, with key sets from files and from the cluster.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::authority::Authority;
use crate::support::issuer::{ISSUER, Issuer};
use crate::support::tls::Publisher;
use crate::support::*;

const NOWHERE: &str = "http://127.0.0.1:9";

/// A service with one more sender, whose keys are at this place.
fn setup(place: &str) -> Setup {
    let account = format!(
        r#"{{ issuer: "{ISSUER}", audience: usher, subject: "system:serviceaccount:payroll:sender", jwks: {place} }}"#
    );
    let payroll = format!(
        "\n  payroll:\n    service_account: {account}\n    events: [\"plan.*\"]\n    roles: [\"org:viewer\", \"org:member\"]"
    );
    Setup::new(NOWHERE).rules(&RULES.replacen("senders:", &format!("senders:{payroll}"), 1))
}

fn event(id: &str) -> Value {
    json!({"id": id, "type": "plan.seen", "data": {}})
}

#[test]
fn a_token_of_the_cluster_proves_its_sender_and_the_log_alone_says_why_another_does_not() {
    let (issuer, thief) = (Issuer::new("a"), Issuer::new("a"));
    let setup = setup("{ file: jwks.json }");
    write(&setup.folder.path().join("jwks.json"), &issuer.jwks());
    let mut service = setup.start();
    let answer = service.http.post_as(&issuer.token(), &event("1"));
    assert_eq!((answer.status, answer.body["sender"].as_str()), (202, Some("payroll")), "{}", answer.body);
    let cases = [
        (thief.token(), "the signature is wrong"),
        (issuer.token_for("others", 600), "another audience"),
        (issuer.token_for("usher", -61), "has expired"),
    ];
    let unknown = service.http.post_as("a-token-that-is-nobodys", &event("2")).problem(401, "not-authenticated");
    for (token, why) in &cases {
        let told = service.http.post_as(token, &event("2")).problem(401, "not-authenticated");
        assert_eq!(told, unknown, "the caller does not learn what was wrong");
        service.process.json_line(why, |line| line.to_string().contains(why));
    }
    let output = service.process.output();
    assert!(!output.contains(&issuer.token()[..30]) && !output.contains(&thief.token()[60..90]), "{output}");
}

#[test]
fn another_key_in_the_file_is_taken_without_a_restart() {
    let (first, second) = (Issuer::new("a"), Issuer::new("b"));
    let setup = setup("{ file: jwks.json }");
    let file = setup.folder.path().join("jwks.json");
    let mut service = setup.start();
    service.process.json_line("that there are no keys", |line| {
        line["message"].as_str().is_some_and(|text| text.contains("key set"))
    });
    assert_eq!(service.http.post_as(&first.token(), &event("1")).status, 401);
    write(&file, &first.jwks());
    eventually("the first key", || (service.http.post_as(&first.token(), &event("1")).status == 202).then_some(()));
    write(&file, &second.jwks());
    eventually("the second key", || (service.http.post_as(&second.token(), &event("1")).status == 202).then_some(()));
    assert_eq!(service.http.post_as(&first.token(), &event("1")).status, 401, "the set is replaced whole");
}

#[test]
fn keys_of_the_cluster_are_fetched_as_it_wants_and_again_for_a_new_key_but_not_for_every_guess() {
    let (first, second, guess) = (Issuer::new("a"), Issuer::new("b"), Issuer::new("c"));
    let authority = Authority::new();
    let publisher = Publisher::start(&authority.server(), first.jwks());
    let setup = setup(&format!("{{ url: \"{}\", ca: ca.crt, token: token }}", publisher.url));
    authority.file(setup.folder.path(), "ca.crt");
    write(&setup.folder.path().join("token"), "shown-to-the-cluster-1\n");
    let service = setup.start();
    assert_eq!(service.http.post_as(&first.token(), &event("1")).status, 202);
    let heads = publisher.heads();
    assert!(heads.len() == 1 && heads[0].starts_with("get /openid/v1/jwks http/1.1\r\n"), "{heads:?}");
    assert!(heads[0].contains("authorization: bearer shown-to-the-cluster-1\r\n"), "{heads:?}");
    write(&setup.folder.path().join("token"), "shown-to-the-cluster-2");
    publisher.publish(second.jwks());
    let began = Instant::now();
    assert_eq!(service.http.post_as(&second.token(), &event("2")).status, 202, "at once, for the first that has it");
    assert!(publisher.heads()[1].contains("shown-to-the-cluster-2"));
    for _ in 0..30 {
        assert_eq!(service.http.post_as(&guess.token(), &event("3")).status, 401);
    }
    let allowed = 2 + began.elapsed().as_secs() / 10;
    assert!(publisher.heads().len() as u64 <= allowed, "one fetch in ten seconds, however many ask");
    assert_eq!(service.http.post_as(&second.token(), &event("4")).status, 202);
}

#[test]
fn a_server_that_the_authority_does_not_know_gives_no_keys() {
    let (issuer, authority, other) = (Issuer::new("a"), Authority::new(), Authority::new());
    let publisher = Publisher::start(&other.server(), issuer.jwks());
    let setup = setup(&format!("{{ url: \"{}\", ca: ca.crt }}", publisher.url));
    authority.file(setup.folder.path(), "ca.crt");
    let mut service = setup.start();
    let line =
        service.process.json_line("why", |line| line["error"].as_str().is_some_and(|error| error.contains("cert")));
    assert!(line["place"] == publisher.url.as_str(), "{line}");
    assert_eq!(service.http.post_as(&issuer.token(), &event("1")).status, 401);
    assert!(publisher.heads().is_empty());
    other.file(setup.folder.path(), "ca.crt");
    eventually_within(Duration::from_secs(30), "the keys", || {
        (service.http.post_as(&issuer.token(), &event("1")).status == 202).then_some(())
    });
}
