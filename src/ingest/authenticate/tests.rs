//! Claims about who is recognized, and about what those learn who are not.

use actix_web::http::header::{HeaderName, HeaderValue};

use super::*;
use crate::domain::Digest;
use crate::webhook::{self, Key};

const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECRET: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const BODY: &[u8] = b"{\"id\":\"1\"}";
const NOW: i64 = 1_767_323_045;

fn name(text: &str) -> SenderName {
    SenderName::try_from(text.to_owned()).unwrap()
}

fn proofs() -> Proofs {
    let mut keyring = Keyring::default();
    for (sender, token) in [("billing", "old"), ("billing", "new"), ("orders", "other")] {
        keyring.add_token(name(sender), Digest::of_bytes(token.as_bytes()));
    }
    for (sender, key) in [("orders", OLD), ("orders", NEW), ("payroll", PUBLIC)] {
        keyring.add_key(name(sender), Key::parse(key).unwrap());
    }
    Proofs::new(keyring, ServiceAccounts::default())
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    lines.iter().map(line).collect()
}

async fn whose(proofs: &Proofs, authorization: &[&str]) -> Result<SenderName, CredentialsError> {
    let lines: Vec<_> = authorization.iter().map(|value| ("authorization", *value)).collect();
    let proved = proofs.by_header(&headers(&lines), "").await?.unwrap();
    assert_eq!(proved.signed_id, None);
    Ok(proved.sender)
}

fn signature(key: &str, offset: i64) -> (String, String) {
    let signature = webhook::sign(&Key::parse(key).unwrap(), "msg_1", NOW + offset, BODY).unwrap();
    ((NOW + offset).to_string(), signature)
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// What comes of a request with these headers, whichever way it is proved.
async fn proved(lines: &[(&'static str, &str)], body: &[u8]) -> Result<Proved, CredentialsError> {
    let headers = headers(lines);
    match proofs().by_header(&headers, "").await? {
        Some(proved) => Ok(proved),
        None => proofs().by_signature(&headers, body, now()),
    }
}

#[tokio::test]
async fn each_token_of_a_sender_proves_it() {
    for token in ["Bearer old", "bearer new", "BEARER  new "] {
        assert_eq!(whose(&proofs(), &[token]).await, Ok(name("billing")), "{token}");
    }
    assert_eq!(whose(&proofs(), &["Bearer other"]).await, Ok(name("orders")));
}

#[tokio::test]
async fn any_other_token_proves_nobody() {
    use CredentialsError as E;
    assert_eq!(whose(&proofs(), &[]).await, Err(E::Missing));
    for unknown in ["Bearer ne", "Bearer newx", "Bearer NEW", "Bearer old new", "Bearer eyJh.b.c"] {
        assert_eq!(whose(&proofs(), &[unknown]).await, Err(E::UnknownToken), "{unknown}");
    }
    for malformed in ["", "new", "Basic bmV3", "Bearer", "Bearer ", "Bearer  ", "Bearernew"] {
        assert_eq!(whose(&proofs(), &[malformed]).await, Err(E::Authorization), "{malformed}");
    }
    assert_eq!(whose(&proofs(), &["Bearer new", "Bearer new"]).await, Err(E::Authorization));
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_even_beside_a_good_one() {
    let headers = headers(&[("authorization", "Bearer new")]);
    for query in ["access_token=new", "a=b&access_token=x", "access_token"] {
        assert_eq!(proofs().by_header(&headers, query).await, Err(CredentialsError::InUrl), "{query}");
    }
    assert!(proofs().by_header(&headers, "a=access_token").await.is_ok());
}

#[tokio::test]
async fn each_signing_secret_of_a_sender_proves_it_under_both_names_of_the_headers() {
    for (key, sender) in [(OLD, "orders"), (NEW, "orders"), (SECRET, "payroll")] {
        let (timestamp, signature) = signature(key, 0);
        for family in ["webhook", "svix"] {
            let names: [&'static str; 3] = match family {
                "svix" => ["svix-id", "svix-timestamp", "svix-signature"],
                _ => ["webhook-id", "webhook-timestamp", "webhook-signature"],
            };
            let lines = [(names[0], "msg_1"), (names[1], timestamp.as_str()), (names[2], signature.as_str())];
            let expected = Proved { sender: name(sender), signed_id: Some("msg_1".to_owned()) };
            assert_eq!(proved(&lines, BODY).await, Ok(expected), "{key}");
        }
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_signature_or_token_is_told_alike() {
    let (timestamp, right) = signature(NEW, 0);
    let ((old, of_old), (early, of_early)) = (signature(NEW, -301), signature(NEW, 301));
    let stranger = signature("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0).1;
    let signed = |timestamp: &str, signature: &str| (timestamp.to_owned(), signature.to_owned());
    for (timestamp, signature) in [
        signed(&timestamp, &stranger),
        signed(&timestamp, "v1,"),
        signed(&timestamp, &right[..11]),
        signed(&timestamp, &of_old),
        signed(&old, &of_old),
        signed(&early, &of_early),
        signed(&timestamp, ""),
    ] {
        let lines = [("webhook-id", "msg_1"), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
        assert_eq!(proved(&lines, BODY).await.unwrap_err().told(), Told::NotAccepted, "{signature}");
    }
    let lines = [("webhook-id", "msg_1"), ("webhook-timestamp", &timestamp), ("webhook-signature", &right)];
    assert_eq!(proved(&lines, b"{\"id\": \"1\"}").await.unwrap_err().told(), Told::NotAccepted);
    assert_eq!(whose(&proofs(), &["Bearer nobody"]).await.unwrap_err().told(), Told::NotAccepted);
}

#[tokio::test]
async fn headers_that_are_no_signature_are_malformed() {
    let (timestamp, right) = signature(NEW, 0);
    let (id, time, signature) =
        (("webhook-id", "msg_1"), ("webhook-timestamp", timestamp.as_str()), ("webhook-signature", right.as_str()));
    for lines in [
        &[time, signature][..],
        &[id, signature],
        &[id, time, signature, id],
        &[id, time, signature, signature],
        &[id, time, ("webhook-signature", "é")],
        &[("webhook-id", "msg.1"), time, signature],
        &[id, ("webhook-timestamp", "now"), signature],
        &[id, time, signature, ("svix-id", "msg_1")],
        &[id, time, ("svix-signature", right.as_str())],
        &[id, ("svix-timestamp", timestamp.as_str()), ("svix-signature", right.as_str())],
    ] {
        assert_eq!(proved(lines, BODY).await.unwrap_err().told(), Told::MalformedSignature, "{lines:?}");
    }
    assert_eq!(proved(&[id, time], BODY).await, Err(CredentialsError::Missing), "an id alone is no proof");
}

#[tokio::test]
async fn an_authorization_header_alone_decides() {
    let (timestamp, right) = signature(NEW, 0);
    let signed = [("webhook-id", "msg_1"), ("webhook-timestamp", &timestamp), ("webhook-signature", &right)];
    let with = |token: &'static str| [&[("authorization", token)][..], &signed.map(|(n, v)| (n, v))].concat();
    assert_eq!(proved(&with("Bearer new"), BODY).await, Ok(Proved { sender: name("billing"), signed_id: None }));
    assert_eq!(proved(&with("Bearer nobody"), BODY).await, Err(CredentialsError::UnknownToken));
}

#[tokio::test]
async fn where_nobody_signs_a_signature_is_refused_before_the_body_is_read() {
    let lines = [("webhook-id", "a"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,x")];
    let refused = Proofs::default().by_header(&headers(&lines), "").await;
    assert_eq!(refused.unwrap_err().told(), Told::NotAccepted);
}

#[tokio::test]
async fn what_two_senders_share_proves_neither() {
    let mut keyring = Keyring::default();
    for sender in ["billing", "orders"] {
        keyring.add_token(name(sender), Digest::of_bytes(b"same"));
        keyring.add_key(name(sender), Key::parse(NEW).unwrap());
    }
    let shared = Proofs::new(keyring, ServiceAccounts::default());
    assert_eq!(whose(&shared, &["Bearer same"]).await, Err(CredentialsError::Contested));
    let (timestamp, signature) = signature(NEW, 0);
    let lines = [("svix-id", "msg_1"), ("svix-timestamp", &*timestamp), ("svix-signature", &*signature)];
    assert_eq!(shared.by_signature(&headers(&lines), BODY, now()), Err(CredentialsError::Contested));
}

#[tokio::test]
async fn a_replaced_keyring_counts_for_every_clone() {
    let (proofs, mut keyring) = (proofs(), Keyring::default());
    let clone = proofs.clone();
    keyring.add_token(name("billing"), Digest::of_bytes(b"newest"));
    proofs.replace(keyring);
    assert_eq!(whose(&clone, &["Bearer newest"]).await, Ok(name("billing")));
    assert_eq!(whose(&clone, &["Bearer new"]).await, Err(CredentialsError::UnknownToken));
}

#[test]
fn nothing_of_a_token_or_key_is_printed() {
    let shown = format!("{:?}", proofs());
    assert!(shown.contains("Keyring(3 tokens, 3 keys)") && !shown.contains("whsec"), "{shown}");
}
