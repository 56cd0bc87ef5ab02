//! What it costs to know who sent an event of 400 bytes and to read it, in processor time: a measurement and no test.
//! `cargo test --release --lib cost -- --ignored --nocapture`

use std::hint::black_box;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use super::authenticate::service_account::ServiceAccounts;
use super::authenticate::service_account::tests::accounts;
use super::authenticate::service_account::tests::issuer::Issuer;
use super::authenticate::{Keyring, Proofs};
use super::parse::Parsed;
use super::{identity, media_type, parse};
use crate::domain::{Digest, Event, SenderName};
use crate::webhook::{self, Key};

const REPETITIONS: usize = 5;
const SIGNED: usize = 200_000;
/// Public keys cost more; the clock is fine enough for fewer.
const TOKENS: usize = 20_000;

const BODY: &str = r#"{"specversion":"1.0","id":"01JD4QZ8XK7M2N5P9R3T6V0W1Y","source":"/billing/eu-west-1","type":"com.acme.billing.plan.purchased","subject":"org_2abcDEFghiJKLmnoPQRstu","time":"2026-01-31T12:00:00.123Z","datacontenttype":"application/json","partitionkey":"org_2abcDEFghiJKLmnoPQRstu","data":{"organization_id":"org_2abcDEFghiJKLmnoPQRstu","user_id":"user_2xyzABCdefGHIjklMNOpq","plan":"team","seats":12}}"#;

struct Front {
    proofs: Proofs,
    headers: HeaderMap,
}

impl Front {
    /// Three senders with two keys and a token each, and the lines of a proof beside those that every client sends.
    fn new(accounts: ServiceAccounts, proof: &[(&'static str, String)]) -> Self {
        let mut keyring = Keyring::default();
        for number in 0..6 {
            keyring.add_key(sender(number / 2), key(number));
            keyring.add_token(sender(number / 2), Digest::of_bytes(format!("token-{number}").as_bytes()));
        }
        let common = [
            ("host", "usher.internal:8080"),
            ("user-agent", "billing/3.1"),
            ("content-length", "400"),
            ("content-type", "application/cloudevents+json; charset=utf-8"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ];
        let lines = common.into_iter().chain(proof.iter().map(|(name, value)| (*name, value.as_str())));
        let line = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        Self { proofs: Proofs::new(keyring, accounts), headers: lines.map(line).collect() }
    }

    fn bearing(accounts: ServiceAccounts, token: &str) -> Self {
        Self::new(accounts, &[("authorization", format!("Bearer {token}"))])
    }

    /// As the handler does it.
    async fn take(&self) -> Event {
        let proved = self.proofs.by_header(&self.headers, "").await.unwrap();
        let mode = media_type::mode_of(&self.headers).unwrap();
        let signed = || self.proofs.by_signature(&self.headers, BODY.as_bytes(), Timestamp::now()).unwrap();
        let proved = proved.unwrap_or_else(signed);
        let claims = identity::claims(&self.headers, &proved.sender, proved.signed_id.as_deref()).unwrap();
        match parse::read(mode, BODY.as_bytes(), &proved.sender, &self.headers, claims.identity, 100).unwrap() {
            Parsed::One(event) => event,
            Parsed::Batch(_) => panic!("one event"),
        }
    }

    /// The median of several repetitions, in microseconds of this thread for each event.
    fn cost(&self, events: usize) -> f64 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let once = |_| {
            let began = processor_time();
            runtime.block_on(async {
                for _ in 0..events {
                    black_box(self.take().await);
                }
            });
            (processor_time() - began).as_secs_f64() * 1e6 / events as f64
        };
        let mut costs: Vec<f64> = (0..REPETITIONS).map(once).collect();
        costs.sort_by(f64::total_cmp);
        costs[REPETITIONS / 2]
    }
}

fn sender(number: usize) -> SenderName {
    SenderName::try_from(format!("sender-{number}")).unwrap()
}

fn key(number: usize) -> Key {
    // Any text of base64 in this length is one.
    Key::parse(&format!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS{number}")).unwrap()
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

fn token(issuer: &Issuer) -> String {
    let now = Timestamp::now().as_second();
    issuer.token(&json!({
        "iss": "https://issuer", "aud": ["usher"], "sub": "system:serviceaccount:payroll:sender",
        "exp": now + 3600, "nbf": now, "iat": now,
        "kubernetes.io": {"namespace": "payroll", "pod": {"name": "sender-7c9f", "uid": "0b1e6f0e-5e0c-4a4e-9d3f-1c2b3a4d5e6f"},
            "serviceaccount": {"name": "sender", "uid": "a3d1c5b7-9e8f-4d6c-8b7a-6f5e4d3c2b1a"}},
    }))
}

fn signed_with(number: usize) -> Front {
    let (id, now) = ("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", Timestamp::now().as_second());
    let signature = webhook::sign(&key(number), id, now, BODY.as_bytes()).unwrap();
    let lines =
        [("webhook-id", id.to_owned()), ("webhook-timestamp", now.to_string()), ("webhook-signature", signature)];
    Front::new(ServiceAccounts::default(), &lines)
}

#[test]
#[ignore = "measures for a minute; only a release build says anything"]
fn cost_of_the_front_door() {
    assert_eq!(BODY.len(), 400);
    let of_issuer = |issuer: Issuer| Front::bearing(accounts(&issuer.jwks()), &token(&issuer));
    for (what, front, events) in [
        ("signed, the first of 6 keys", signed_with(0), SIGNED),
        ("signed, the last of 6 keys", signed_with(5), SIGNED),
        ("bearer token", Front::bearing(ServiceAccounts::default(), "token-5"), SIGNED),
        ("ServiceAccount token, RS256", of_issuer(Issuer::rsa("r")), TOKENS),
        ("ServiceAccount token, ES256", of_issuer(Issuer::p256("p")), TOKENS),
    ] {
        println!("{:>7.2} µs  {what}", front.cost(events));
    }
}
