//! Claims about tokens: which prove their sender, and why each of the others does not.

pub(in crate::ingest) mod issuer;

use std::convert::Infallible;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use issuer::{Issuer, encode};

const NOW: i64 = 1_800_000_000;

fn name(text: &str) -> SenderName {
    SenderName::try_from(text.to_owned()).unwrap()
}

fn account(sender: &str, audience: &str, subject: &str) -> (SenderName, ServiceAccount) {
    let wanted = ServiceAccount {
        issuer: "https://issuer".to_owned(),
        audience: audience.to_owned(),
        subject: format!("system:serviceaccount:payroll:{subject}"),
        jwks: crate::rules::Jwks::File("/run/jwks.json".into()),
    };
    (name(sender), wanted)
}

/// A runtime whose clock waits for nobody.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// The accounts of the tests, with these keys.
pub(in crate::ingest) fn accounts(keys: &Value) -> ServiceAccounts {
    let all =
        [account("payroll", "usher", "sender"), account("audits", "usher", "auditor"), account("hr", "hr", "sender")];
    let accounts = ServiceAccounts::new(all.into());
    let [set] = &accounts.key_sets()[..] else { panic!("one place, one set") };
    let fetched = async {
        while set.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    runtime().block_on(async {
        let keep = set.keep(async |_| Ok::<_, Infallible>(keys.to_string().into_bytes()));
        tokio::select! { () = keep => {}, () = fetched => {} }
    });
    accounts
}

fn verify(accounts: &ServiceAccounts, token: &str) -> Result<SenderName, ServiceAccountError> {
    runtime().block_on(accounts.verify(token, Timestamp::from_second(NOW).unwrap()))
}

fn claims() -> Value {
    json!({
        "iss": "https://issuer", "aud": ["other", "usher"], "sub": "system:serviceaccount:payroll:sender",
        "exp": NOW + 3600, "nbf": NOW, "iat": NOW, "kubernetes.io": {"namespace": "payroll"},
    })
}

fn without(mut value: Value, member: &str) -> Value {
    value.as_object_mut().unwrap().remove(member);
    value
}

fn with(mut value: Value, member: &str, text: impl Into<Value>) -> Value {
    value[member] = text.into();
    value
}

#[test]
fn a_token_of_each_algorithm_proves_its_sender() {
    let issuers = Issuer::one_of_each();
    let accounts = accounts(&json!({"keys": issuers.iter().map(Issuer::jwk).collect::<Vec<_>>()}));
    for issuer in &issuers {
        for &algorithm in issuer.algorithms() {
            let token = issuer.token_of(algorithm, &claims());
            assert_eq!(verify(&accounts, &token), Ok(name("payroll")), "{algorithm}");
        }
    }
}

#[test]
fn issuer_audience_and_subject_decide_whose_token_it_is() {
    let issuer = Issuer::ed25519("a");
    let accounts = accounts(&issuer.jwks());
    let whose = |claims: Value| verify(&accounts, &issuer.token(&claims));
    assert_eq!(whose(with(claims(), "sub", "system:serviceaccount:payroll:auditor")), Ok(name("audits")));
    assert_eq!(whose(with(claims(), "aud", "hr")), Ok(name("hr")));
    assert_eq!(whose(with(claims(), "aud", "usher")), Ok(name("payroll")));
    let cases = [
        (with(claims(), "iss", "https://issuer/"), E::Issuer),
        (with(claims(), "aud", "usher2"), E::Audience),
        (with(claims(), "aud", json!([])), E::Audience),
        (with(claims(), "sub", "system:serviceaccount:payroll:sender2"), E::Subject),
        (with(claims(), "sub", "system:serviceaccount:Payroll:sender"), E::Subject),
        (with(claims(), "aud", json!(["usher", "hr"])), E::Contested),
        (with(claims(), "aud", json!([1])), E::Malformed),
        (with(claims(), "iss", json!(["https://issuer"])), E::Malformed),
        (without(claims(), "sub"), E::Malformed),
    ];
    for (claims, error) in cases {
        assert_eq!(whose(claims.clone()), Err(error), "{claims}");
    }
}

#[test]
fn time_has_a_leeway_of_a_minute_on_both_ends() {
    let issuer = Issuer::ed25519("a");
    let accounts = accounts(&issuer.jwks());
    let cases = [
        (with(claims(), "exp", NOW - 59), None),
        (with(claims(), "exp", NOW as f64 - 59.5), None),
        (with(claims(), "exp", NOW - 60), Some(E::Expired)),
        (with(claims(), "exp", -1), Some(E::Expired)),
        (with(claims(), "exp", json!(1e300)), None),
        (with(claims(), "exp", json!("2100-01-01")), Some(E::Malformed)),
        (with(claims(), "exp", Value::Null), Some(E::NoExpiry)),
        (without(claims(), "exp"), Some(E::NoExpiry)),
        (with(claims(), "nbf", NOW + 60), None),
        (with(claims(), "nbf", NOW + 61), Some(E::NotYet)),
        (with(claims(), "iat", NOW + 61), Some(E::NotYet)),
        (without(without(claims(), "nbf"), "iat"), None),
    ];
    for (claims, error) in cases {
        let expected = error.map_or_else(|| Ok(name("payroll")), Err);
        assert_eq!(verify(&accounts, &issuer.token(&claims)), expected, "{claims}");
    }
}

#[test]
fn a_key_verifies_only_what_it_is_for() {
    let (rsa, ec, ed) = (Issuer::rsa("r"), Issuer::p256("e"), Issuer::ed25519("d"));
    let accounts = accounts(&json!({"keys": [with(rsa.jwk(), "alg", "RS256"), ec.jwk(), ed.jwk()]}));
    let header = |algorithm: &str, kid: &str| json!({"alg": algorithm, "kid": kid});
    let cases = [
        (rsa.signed(&header("RS256", "r"), &claims(), "RS256"), Ok(name("payroll"))),
        (rsa.signed(&header("RS256", "e"), &claims(), "RS256"), Err(E::OtherKey)),
        (rsa.signed(&header("ES256", "r"), &claims(), "RS256"), Err(E::OtherKey)),
        (rsa.signed(&header("RS384", "r"), &claims(), "RS384"), Err(E::OtherKey)),
        (ec.signed(&header("EdDSA", "d"), &claims(), "ES256"), Err(E::Signature)),
        (ec.signed(&header("ES256", "E"), &claims(), "ES256"), Err(E::UnknownKey)),
        (ec.signed(&json!({"alg": "ES256"}), &claims(), "ES256"), Err(E::UnknownKey)),
        (ec.signed(&with(header("ES256", "e"), "crit", json!(["b64"])), &claims(), "ES256"), Err(E::Critical)),
        (ec.signed(&with(header("ES256", "e"), "jwk", ec.jwk()), &claims(), "ES256"), Ok(name("payroll"))),
    ];
    for (at, (token, expected)) in cases.into_iter().enumerate() {
        assert_eq!(verify(&accounts, &token), expected, "case {at}");
    }
}

#[test]
fn a_token_without_a_key_id_means_the_only_key() {
    let issuer = Issuer::p256("a");
    let token = issuer.signed(&json!({"alg": "ES256"}), &claims(), "ES256");
    assert_eq!(verify(&accounts(&issuer.jwks()), &token), Ok(name("payroll")));
}

/// The public key as the secret of an HMAC: what a verifier that trusts `alg` would take.
#[test]
fn a_symmetric_signature_or_none_is_never_taken() {
    let rsa = Issuer::rsa("r");
    let symmetric = json!({"kty": "oct", "kid": "s", "k": encode(b"secret"), "alg": "HS256"});
    let accounts = accounts(&json!({"keys": [rsa.jwk(), symmetric]}));
    for (kid, secret) in [("r", rsa.public()), ("s", b"secret".to_vec())] {
        let part = |value: &Value| encode(value.to_string().as_bytes());
        let message = format!("{}.{}", part(&json!({"alg": "HS256", "kid": kid})), part(&claims()));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let signature = encode(ring::hmac::sign(&key, message.as_bytes()).as_ref());
        assert_eq!(verify(&accounts, &format!("{message}.{signature}")), Err(E::Algorithm));
        for none in ["none", "None", "NONE", "", "HS1"] {
            let message = format!("{}.{}", part(&json!({"alg": none, "kid": kid})), part(&claims()));
            assert_eq!(verify(&accounts, &format!("{message}.")), Err(E::Malformed), "{none}");
        }
    }
}

#[test]
fn a_forged_or_cut_token_proves_nobody() {
    let (issuer, thief) = (Issuer::ed25519("a"), Issuer::ed25519("a"));
    let accounts = accounts(&issuer.jwks());
    let token = issuer.token(&claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let other = encode(with(claims(), "sub", "system:serviceaccount:payroll:auditor").to_string().as_bytes());
    let cases = [
        (thief.token(&claims()), E::Signature),
        (format!("{header}.{other}.{signature}"), E::Signature),
        (format!("{header}.{payload}."), E::Signature),
        (format!("{header}.{payload}.{}", &signature[..40]), E::Signature),
        (format!("{header}.{payload}.{signature}="), E::Signature),
        (format!("{header}.{payload}"), E::Malformed),
        (format!("{header}.{payload}.{signature}.{signature}"), E::Malformed),
        (format!("{header}.{}.{signature}", &payload[..payload.len() - 1]), E::Malformed),
        (format!(" {token}"), E::Malformed),
        (String::new(), E::Malformed),
        ("..".to_owned(), E::Malformed),
        ("a".repeat(LONGEST + 1), E::TooLong),
    ];
    for (token, error) in cases {
        assert_eq!(verify(&accounts, &token), Err(error), "{token}");
    }
    assert_eq!(verify(&accounts, &token), Ok(name("payroll")));
}

#[test]
fn without_keys_the_log_says_that_they_were_never_fetched() {
    let accounts = ServiceAccounts::new(vec![account("payroll", "usher", "sender")]);
    assert_eq!(verify(&accounts, &Issuer::ed25519("a").token(&claims())), Err(E::NoKeys));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*|[A-Za-z0-9_.=-]{0,200}|eyJ[A-Za-z0-9_-]*\\.eyJ[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]*") {
        prop_assert!(verify(&ServiceAccounts::default(), &text).is_err());
    }

    #[test]
    fn no_header_and_no_claims_make_it_panic(alg in "[A-Z]S(256|384|512)|EdDSA", kid in ".{0,3}", exp in any::<f64>(), signature in prop::collection::vec(any::<u8>(), 0..600)) {
        let part = |value: Value| encode(value.to_string().as_bytes());
        let token = format!("{}.{}.{}", part(json!({"alg": alg, "kid": kid})), part(with(claims(), "exp", exp)), encode(&signature));
        prop_assert!(verify(&some_accounts(), &token).is_err());
    }

    #[test]
    fn a_token_with_one_other_byte_is_not_taken(at in any::<prop::sample::Index>(), byte in 1_u8..128) {
        let (accounts, token) = some_token();
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = (bytes[at] ^ byte) & 0x7f;
        let other = String::from_utf8(bytes).unwrap();
        prop_assume!(other != token);
        prop_assert!(verify(&accounts, &other).is_err());
    }
}

/// One key of each type, made once.
fn some_accounts() -> ServiceAccounts {
    static ACCOUNTS: std::sync::OnceLock<ServiceAccounts> = std::sync::OnceLock::new();
    let keys = || Issuer::one_of_each().iter().map(Issuer::jwk).collect::<Vec<_>>();
    ACCOUNTS.get_or_init(|| accounts(&json!({"keys": keys()}))).clone()
}

/// A good token, made once.
fn some_token() -> (ServiceAccounts, String) {
    static TOKEN: std::sync::OnceLock<(ServiceAccounts, String)> = std::sync::OnceLock::new();
    let make = || {
        let issuer = Issuer::p256("a");
        (accounts(&issuer.jwks()), issuer.token(&claims()))
    };
    TOKEN.get_or_init(make).clone()
}
