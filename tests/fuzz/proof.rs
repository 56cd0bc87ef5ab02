//! Keys, signatures, tokens and key sets from nobody: none may be taken that was not made with a key of ours.
//! Knows nothing of bodies but that they are signed.
#![no_main]

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use usher::domain::{Digest, SenderName};
use usher::ingest::authenticate::service_account::ServiceAccounts;
use usher::ingest::authenticate::{Keyring, Proofs};
use usher::ingest::fuzz;
use usher::rules::{Jwks, ServiceAccount};
use usher::webhook::{self, Key};

const SECRETS: [&str; 3] = [
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
];
const TOKEN: &str = "a-token-of-ours";
/// Signed with the keys of `JWKS`, whose private halves are gone; good for an hour from `NOW`.
const TOKENS: &str = include_str!("tokens.txt");
const JWKS: &str = include_str!("jwks.json");
const NOW: i64 = 1_800_000_000;

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| SECRETS.iter().filter_map(|text| Key::parse(text).ok()).collect());
static ACCOUNTS: LazyLock<ServiceAccounts> = LazyLock::new(|| accounts(JWKS.as_bytes()));
static PROOFS: LazyLock<Proofs> = LazyLock::new(|| {
    let mut keyring = Keyring::default();
    keyring.add_token(name("tokens"), Digest::of_bytes(TOKEN.as_bytes()));
    KEYS.iter().zip(["one", "one", "two"]).for_each(|(key, sender)| keyring.add_key(name(sender), key.clone()));
    Proofs::new(keyring, ACCOUNTS.clone())
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| watch::watched(input, door));

/// The first byte says what the others are.
fn door(input: &[u8]) {
    let Some((kind, input)) = input.split_first() else { return };
    match (kind % 5, std::str::from_utf8(input)) {
        (0, Ok(text)) => key(text),
        (1, _) => request(input),
        (2, Ok(text)) => token(&ACCOUNTS, text),
        (3, _) => {
            let parts: Vec<_> = input.split(|byte| *byte == b'\n').map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
            token(&ACCOUNTS, &parts.join("."));
        }
        (4, _) => {
            let accounts = accounts(input);
            TOKENS.lines().for_each(|text| token(&accounts, text));
        }
        _ => {}
    }
}

/// Whatever is a key takes what it signed, and nothing else.
fn key(text: &str) {
    let Ok(key) = Key::parse(text) else { return };
    let Ok(signature) = webhook::sign(&key, "id", NOW, b"body") else { return };
    let check = |body: &[u8]| webhook::verify([&key], "id", &NOW.to_string(), &signature, body, NOW);
    assert!(check(b"body").is_ok() && check(b"bodY").is_err());
}

/// Header lines and a body, as they come in.
fn request(input: &[u8]) {
    let (headers, body) = fuzz::head(input);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match run(PROOFS.by_header(&headers, "")) {
        Ok(Some(_)) => {
            let token = text("authorization").and_then(|line| line.split_ascii_whitespace().nth(1)).unwrap_or_default();
            assert!(token == TOKEN || is_ours(token), "{token}");
        }
        Ok(None) => {
            let Ok(proved) = PROOFS.by_signature(&headers, body, now()) else { return };
            let both = |name: &str| text(&format!("webhook-{name}")).or_else(|| text(&format!("svix-{name}")));
            let timestamp = both("timestamp").and_then(|text| text.parse().ok()).unwrap_or_default();
            let id = proved.signed_id.unwrap_or_default();
            let right = |key| webhook::sign(key, &id, timestamp, body).unwrap_or_default();
            let sent: Vec<_> = both("signature").unwrap_or_default().split_ascii_whitespace().collect();
            assert!(KEYS.iter().map(right).any(|signature| sent.contains(&signature.as_str())), "taken without a key");
        }
        Err(error) => _ = error.to_string(),
    }
}

fn token(accounts: &ServiceAccounts, text: &str) {
    match run(accounts.verify(text, now())) {
        Ok(_) => assert!(is_ours(text), "{text}"),
        Err(error) => _ = error.to_string(),
    }
}

/// Whether what the signature covers is what we signed.
fn is_ours(token: &str) -> bool {
    let message = |token: &str| token.rsplit_once('.').map(|(message, _)| message.to_owned());
    TOKENS.lines().any(|ours| message(ours) == message(token))
}

/// Those that take tokens with the keys of this document, if it has any.
fn accounts(document: &[u8]) -> ServiceAccounts {
    let wanted = ServiceAccount {
        issuer: "https://issuer".to_owned(),
        audience: "usher".to_owned(),
        subject: "system:serviceaccount:a:b".to_owned(),
        jwks: Jwks::File("jwks.json".into()),
    };
    let accounts = ServiceAccounts::new(vec![(name("accounts"), wanted)]);
    for set in accounts.key_sets() {
        let keep = set.keep(async |_| Ok::<_, Infallible>(document.to_vec()));
        run(async {
            tokio::select! { biased; () = keep => {}, () = tokio::task::yield_now() => {} }
        });
    }
    accounts
}

/// On a clock that waits for nobody.
fn run<T>(future: impl Future<Output = T>) -> T {
    thread_local!(static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) });
    RUNTIME.with_borrow_mut(|kept| {
        let made = || Builder::new_current_thread().enable_time().start_paused(true).build();
        kept.get_or_insert_with(|| made().unwrap_or_else(|error| panic!("{error}"))).block_on(future)
    })
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap_or_default()
}

fn name(text: &str) -> SenderName {
    SenderName::try_from(text.to_owned()).unwrap_or_else(|error| panic!("{error}"))
}
