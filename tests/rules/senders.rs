//! What a file says of a sender: how it proves itself, what it may send and how much.
//! Knows nothing of what its events do.

use std::path::PathBuf;
use std::time::Duration;

use usher::domain::EventRate;
use usher::rules::{self, Jwks, SecretRef, Sender, ServiceAccount};

fn sender(lines: &str) -> Sender {
    let source = format!(
        "senders:\n  a: {{ events: ['*'], roles: ['org:member'], {lines} }}\nroles: ['org:member']\nrules: []\n"
    );
    rules::load("usher.yaml", &source).unwrap().senders()[0].clone()
}

#[test]
fn any_proof_is_enough_and_several_may_stand_together() {
    let file = |path: &str| SecretRef::File(PathBuf::from(path));
    let signing = sender("signing_secrets: [{ env: A }, { file: /run/b }]");
    assert_eq!(signing.signing_secrets, [SecretRef::Env("A".to_owned()), file("/run/b")]);
    assert_eq!((signing.tokens.len(), signing.service_account), (0, None));
    let account = "service_account: { issuer: i, audience: usher, subject: 'system:serviceaccount:a:b', jwks: JWKS }";
    let both = sender(&format!("tokens: [{{ file: c }}], {}", account.replace("JWKS", "{ file: /k }")));
    let expected = ServiceAccount {
        issuer: "i".to_owned(),
        audience: "usher".to_owned(),
        subject: "system:serviceaccount:a:b".to_owned(),
        jwks: Jwks::File(PathBuf::from("/k")),
    };
    assert_eq!((both.tokens, both.service_account), (vec![file("c")], Some(expected)));
    let by_url = sender(&account.replace("JWKS", "{ url: 'https://k/jwks', ca: /ca, token: /t }")).service_account;
    let (ca, token) = (Some(PathBuf::from("/ca")), Some(PathBuf::from("/t")));
    assert_eq!(by_url.map(|it| it.jwks), Some(Jwks::Url { url: "https://k/jwks".to_owned(), ca, token }));
}

#[test]
fn a_sender_sends_what_is_usual_unless_the_file_says_otherwise() {
    let usual = sender("tokens: [{ env: A }]");
    let rate = |events, seconds| Some(EventRate { events, per: Duration::from_secs(seconds) });
    assert_eq!((usual.rate, usual.max_batch), (rate(1000, 1), 100));
    assert!(usual.may_send_from("") && usual.may_send_from("https://shop.example/x"));
    let told = sender("tokens: [{ env: A }], rate: 20/min, max_batch: 7, sources: ['/shop/*', 'urn:pos']");
    assert_eq!((told.rate, told.max_batch), (rate(20, 60), 7));
    let from = ["/shop/1", "urn:pos", "/shop", "urn:pos:1", ""].map(|source| told.may_send_from(source));
    assert_eq!(from, [true, true, false, false, false]);
    assert_eq!(sender("tokens: [{ env: A }], rate: off").rate, None);
}
