//! Claims about key sets: which keys are used, when they are fetched, and what a failure changes.

use std::cell::{Cell, RefCell};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::parse::KeysError;
use super::*;

fn key(kid: &str) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": "A".repeat(43), "kid": kid})
}

fn document(kids: &[&str]) -> Vec<u8> {
    json!({"keys": kids.iter().map(|kid| key(kid)).collect::<Vec<_>>()}).to_string().into_bytes()
}

/// An issuer that counts who asks; `None` stands for one that does not answer.
#[derive(Default)]
struct Issuer {
    fetches: Cell<u32>,
    document: RefCell<Option<Vec<u8>>>,
}

impl Issuer {
    fn publish(&self, kids: &[&str]) {
        *self.document.borrow_mut() = Some(document(kids));
    }

    fn fetches(&self) -> u32 {
        self.fetches.get()
    }

    async fn fetch(&self) -> Result<Vec<u8>, &'static str> {
        self.fetches.set(self.fetches() + 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.document.borrow().clone().ok_or("it is down")
    }
}

fn at_url() -> KeySet {
    KeySet::new(Jwks::Url { url: "https://issuer/keys".to_owned(), ca: None, token: None })
}

/// Runs `test` beside the keeper of `set`, under a clock that waits for nobody.
async fn beside(set: &KeySet, issuer: &Issuer, test: impl Future<Output = ()>) {
    let keep = set.keep(async |_| issuer.fetch().await);
    tokio::select! { () = keep => {}, () = test => {} }
}

async fn has(set: &KeySet, kid: &str) -> bool {
    set.find(|keys| keys.named(Some(kid)).next().cloned()).await.is_some()
}

#[tokio::test(start_paused = true)]
async fn the_first_request_waits_for_the_first_fetch() {
    let (set, issuer) = (at_url(), Issuer::default());
    issuer.publish(&["a"]);
    beside(&set, &issuer, async {
        assert!(has(&set, "a").await && has(&set, "a").await);
        assert_eq!(issuer.fetches(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_asked_for_once_in_ten_seconds_however_many_ask() {
    let (set, issuer) = (at_url(), Issuer::default());
    issuer.publish(&["a"]);
    beside(&set, &issuer, async {
        assert!(has(&set, "a").await);
        issuer.publish(&["b"]);
        let all = futures_util::future::join_all((0..100).map(|_| has(&set, "b"))).await;
        assert!(all.into_iter().all(|found| found), "all of them wait for the one fetch");
        assert_eq!(issuer.fetches(), 2);
        assert!(!has(&set, "a").await, "the set is replaced whole");
        let before = Instant::now();
        for _ in 0..100 {
            assert!(!has(&set, "c").await);
        }
        assert_eq!((issuer.fetches(), before.elapsed()), (2, Duration::ZERO), "refused at once, by what is known");
        tokio::time::sleep(BETWEEN_ASKED).await;
        assert!(!has(&set, "c").await);
        assert_eq!(issuer.fetches(), 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_fails_keeps_the_keys_and_is_tried_again() {
    let (set, issuer) = (at_url(), Issuer::default());
    beside(&set, &issuer, async {
        assert!(!has(&set, "a").await && set.is_empty());
        issuer.publish(&["a"]);
        tokio::time::sleep(EVERY_FAILED).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(has(&set, "a").await);
        for bad in [b"{}".to_vec(), b"<html>".to_vec(), document(&[]), vec![b' '; LONGEST + 1]] {
            *issuer.document.borrow_mut() = Some(bad);
            let before = issuer.fetches();
            tokio::time::sleep(EVERY + Duration::from_secs(1)).await;
            assert!(issuer.fetches() > before && has(&set, "a").await);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_hangs_holds_nobody_longer_than_three_seconds() {
    let set = at_url();
    let keep = set.keep(async |_| std::future::pending::<Result<Vec<u8>, String>>().await);
    let test = async {
        let before = Instant::now();
        assert!(!has(&set, "a").await);
        assert_eq!(before.elapsed(), PATIENCE);
    };
    tokio::select! { () = keep => {}, () = test => {} }
}

#[tokio::test(start_paused = true)]
async fn what_changes_at_the_issuer_is_seen_without_asking() {
    let file = KeySet::new(Jwks::File("/run/jwks.json".into()));
    for (set, wait) in [(at_url(), EVERY), (file, EVERY_FILE)] {
        let issuer = Issuer::default();
        issuer.publish(&["a", "b"]);
        beside(&set, &issuer, async {
            assert!(has(&set, "a").await);
            issuer.publish(&["b"]);
            tokio::time::sleep(wait + Duration::from_secs(1)).await;
            let known = set.keys.borrow().clone();
            assert!(known.named(Some("a")).next().is_none() && known.named(Some("b")).next().is_some());
        })
        .await;
    }
}

#[test]
fn keys_that_cannot_verify_a_signature_are_passed_over() {
    let with = |member: &str, value: Value| {
        let mut key = key("odd");
        key[member] = value;
        key
    };
    let short = json!({"kty": "RSA", "n": "A".repeat(171), "e": "AQAB", "kid": "odd"});
    let odd = [
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("ES256")),
        with("alg", json!("ECDH-ES")),
        with("alg", json!("HS256")),
        with("crv", json!("X25519")),
        with("crv", json!("P-256")),
        with("x", json!("AAAA")),
        with("x", json!("!")),
        with("kty", json!("EC")),
        with("kty", json!("oct")),
        with("kid", json!(1)),
        json!({"kty": "oct", "k": "AAAA", "kid": "odd"}),
        json!(null),
        json!("key"),
        short,
    ];
    for odd in odd {
        let keys = Keys::parse(json!({"keys": [odd, key("good")]}).to_string().as_bytes()).unwrap();
        assert_eq!(keys.len(), 1, "{odd}");
        assert!(keys.named(Some("good")).next().is_some(), "{odd}");
    }
    let fine = [with("use", json!("sig")), with("key_ops", json!(["verify"])), with("alg", json!("EdDSA"))];
    for fine in fine {
        assert!(Keys::parse(json!({"keys": [fine]}).to_string().as_bytes()).is_ok(), "{fine}");
    }
}

#[test]
fn a_document_that_is_no_key_set_is_told_apart() {
    let many: Vec<_> = (0..65).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let cases = [
        (b"".to_vec(), KeysError::NotKeys),
        (b"{\"keys\": {}}".to_vec(), KeysError::NotKeys),
        (document(&[]), KeysError::NoneUsable),
        (document(&many), KeysError::TooMany),
        (vec![b' '; LONGEST + 1], KeysError::TooLong),
    ];
    for (bytes, error) in cases {
        assert_eq!(Keys::parse(&bytes).err(), Some(error));
    }
    assert!(Keys::parse(&document(&many[..64])).is_ok_and(|keys| keys.len() == 64));
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..8)) {
        let mut text = document(&["a", "b"]);
        let at = at.index(text.len());
        text.splice(at..(at + bytes.len()).min(text.len()), bytes.iter().copied());
        prop_assert!(Keys::parse(&text).map_or(0, |keys| keys.len()) <= 2);
        prop_assert!(Keys::parse(&bytes).is_err());
    }
}
