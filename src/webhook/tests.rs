//! The vectors of the standard and its libraries, what must fail, and what holds for any key and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

const SHARED: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECRET: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

struct Vector {
    key: &'static str,
    id: &'static str,
    timestamp: i64,
    body: &'static str,
    signature: &'static str,
}

const VECTORS: [Vector; 5] = [
    Vector {
        key: SHARED,
        id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        timestamp: 1_649_367_553,
        body: r#"{"email":"test@example.com","username":"test_user"}"#,
        signature: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    },
    Vector {
        key: OTHER,
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: 1_614_265_330,
        body: r#"{"test": 2432232314}"#,
        signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    Vector {
        key: SECRET,
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: 1_614_265_330,
        body: r#"{"test": 2432232314}"#,
        signature: "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    },
    Vector {
        key: SHARED,
        id: "msg_empty",
        timestamp: 1_649_367_553,
        body: "",
        signature: "v1,uMQl7xjd2XfgbBFAL7jfVz+pDjPt99jBdb0RMWezarE=",
    },
    Vector {
        key: SHARED,
        id: "evt_01HZX",
        timestamp: 1_767_323_045,
        body: r#"{"type":"com.acme.billing.team_plan.purchased","timestamp":"2026-01-02T03:04:05Z","data":{"user_id":"user_1","org_id":"org_1"}}"#,
        signature: "v1,kMc3UQ1OvkRKy/8BFYxlMnjHJ4F2EQeLn6pF0M9/x74=",
    },
];

impl Vector {
    fn checked(&self, header: &str, now: i64) -> Result<usize, VerifyError> {
        let key = Key::parse(self.key).unwrap();
        verify([&key], self.id, &self.timestamp.to_string(), header, self.body.as_bytes(), now)
    }
}

#[test]
fn every_vector_is_signed_and_verified() {
    for vector in &VECTORS {
        let key = Key::parse(vector.key).unwrap();
        let signature = sign(&key, vector.id, vector.timestamp, vector.body.as_bytes());
        assert_eq!(signature.as_deref(), Ok(vector.signature));
        assert_eq!(vector.checked(vector.signature, vector.timestamp), Ok(0));
    }
}

#[test]
fn a_secret_needs_no_prefix_and_a_public_key_verifies_what_its_secret_signed() {
    let bare = Key::parse(&SHARED["whsec_".len()..]).unwrap();
    assert!(bare.is_same(&Key::parse(SHARED).unwrap()));
    let public = Key::parse(PUBLIC).unwrap();
    assert!(public.is_same(&Key::parse(SECRET).unwrap()) && !public.is_same(&bare));
    let of_pair = &VECTORS[2];
    let found =
        verify([&bare, &public], of_pair.id, "1614265330", of_pair.signature, of_pair.body.as_bytes(), 1_614_265_330);
    assert_eq!(found, Ok(1));
    assert_eq!(sign(&public, "a", 1, b""), Err(SignError::PublicKey));
    assert_eq!(sign(&bare, "a.b", 1, b""), Err(SignError::Id));
}

#[test]
fn one_changed_byte_of_a_body_is_refused() {
    for vector in &VECTORS {
        let key = Key::parse(vector.key).unwrap();
        let check = |body: &[u8]| {
            verify([&key], vector.id, &vector.timestamp.to_string(), vector.signature, body, vector.timestamp)
        };
        for at in 0..vector.body.len() {
            let mut body = vector.body.as_bytes().to_vec();
            body[at] ^= 1;
            assert_eq!(check(&body), Err(VerifyError::NoKey));
            body.remove(at);
            assert_eq!(check(&body), Err(VerifyError::NoKey));
        }
        assert_eq!(check(&[vector.body.as_bytes(), b"\n"].concat()), Err(VerifyError::NoKey));
    }
}

#[test]
fn what_is_no_whole_signature_is_refused() {
    for vector in &VECTORS {
        let (version, encoded) = vector.signature.split_once(',').unwrap();
        let truncated = format!("{version},{}", &encoded[..8]);
        let unpadded = vector.signature.trim_end_matches('=');
        let renamed = format!("v2,{encoded}");
        let other = format!("{},{encoded}", if version == "v1" { "v1a" } else { "v1" });
        for bad in ["v1,", "v1a,", "v1", "", " ", encoded, &truncated, unpadded, &renamed, &other, "v1,=", "v1,é"] {
            assert_eq!(vector.checked(bad, vector.timestamp), Err(VerifyError::NoSignature), "{bad}");
        }
        let longer = format!("{version},{}", STANDARD.encode([STANDARD.decode(encoded).unwrap(), vec![0]].concat()));
        assert_eq!(vector.checked(&longer, vector.timestamp), Err(VerifyError::NoSignature));
    }
}

#[test]
fn five_minutes_both_ways_are_taken_and_no_second_more() {
    for vector in &VECTORS {
        let at = |offset| vector.checked(vector.signature, vector.timestamp + offset);
        assert_eq!([at(0), at(300), at(-300)], [Ok(0); 3]);
        assert_eq!([at(301), at(-301)], [Err(VerifyError::TooOld), Err(VerifyError::TooNew)]);
    }
}

#[test]
fn one_right_signature_in_a_list_is_enough() {
    for vector in &VECTORS {
        let wrong = format!("v1,{} v1a,{} v9,x", STANDARD.encode([1; 32]), STANDARD.encode([1; 64]));
        assert_eq!(vector.checked(&wrong, vector.timestamp), Err(VerifyError::NoKey));
        let with_right = format!("v1, {wrong} {} garbage", vector.signature);
        assert_eq!(vector.checked(&with_right, vector.timestamp), Ok(0));
        let many = [vector.signature; 9].join(" ");
        assert_eq!(vector.checked(&many, vector.timestamp), Err(VerifyError::TooMany));
        assert_eq!(vector.checked(&many[..many.rfind(' ').unwrap()], vector.timestamp), Ok(0));
    }
}

#[test]
fn no_more_than_three_different_ones_of_public_keys_are_looked_at() {
    let (of_pair, shared) = (&VECTORS[2], &VECTORS[0]);
    let wrong = |version: &str, byte: u8, length: usize| format!("{version},{}", STANDARD.encode(vec![byte; length]));
    let public = |bytes: &[u8]| bytes.iter().map(|byte| wrong("v1a", *byte, 64)).collect::<Vec<_>>().join(" ");
    let right = of_pair.signature;
    for (header, expected) in [
        (format!("{} {right}", public(&[1, 2])), Ok(0)),
        (format!("{} {right}", public(&[1, 1, 2, 2, 2, 1])), Ok(0)),
        (format!("{} {right}", public(&[1, 2, 3])), Err(VerifyError::TooMany)),
        (format!("{right} {}", public(&[1, 2, 3])), Err(VerifyError::TooMany)),
    ] {
        assert_eq!(of_pair.checked(&header, of_pair.timestamp), expected, "{header}");
        let looked_at = signatures(&header).map_or(0, |signatures| signatures.len());
        assert!(looked_at <= MOST_V1A, "{looked_at} in {header}");
    }
    let cheap: String = (1..8).map(|byte| wrong("v1", byte, 32) + " ").collect();
    assert_eq!(shared.checked(&format!("{cheap}{}", shared.signature), shared.timestamp), Ok(0));
}

#[test]
fn zeros_at_the_end_of_a_shared_secret_make_no_other_key() {
    let of = |bytes: &[u8]| Key::parse(&STANDARD.encode(bytes)).unwrap();
    let short = of(&[7; 24]);
    for length in 25..=64 {
        let mut bytes = [7; 24].to_vec();
        bytes.resize(length, 0);
        let long = of(&bytes);
        assert_eq!(sign(&long, "a", 1, b"x"), sign(&short, "a", 1, b"x"));
        assert!(long.is_same(&short), "{length}");
        bytes[length - 1] = 1;
        assert!(!of(&bytes).is_same(&short), "{length}");
    }
    assert!(!of(&[[0; 1].as_slice(), &[7; 24]].concat()).is_same(&short));
}

#[test]
fn ids_and_timestamps_that_are_none_are_refused() {
    let (key, vector) = (Key::parse(SHARED).unwrap(), &VECTORS[0]);
    for id in ["", ".", "msg.1", "a."] {
        assert_eq!(verify([&key], id, "1", vector.signature, b"", 1), Err(VerifyError::Id), "{id}");
    }
    for timestamp in ["", "soon", "-1", "+1649367553", "1649367553.0", " 1649367553", "1e9", "99999999999999999999"] {
        let found = verify([&key], "a", timestamp, vector.signature, b"", 1);
        assert_eq!(found, Err(VerifyError::Timestamp), "{timestamp}");
    }
    let extremes = verify([&key], "a", &i64::MAX.to_string(), vector.signature, b"", i64::MIN);
    assert_eq!(extremes, Err(VerifyError::TooNew));
}

#[test]
fn a_text_that_is_no_key_is_told_without_showing_it() {
    let of = |prefix: &str, length: usize| format!("{prefix}{}", STANDARD.encode(vec![7; length]));
    let swapped = format!("whsk_{}", STANDARD.encode([7; 64]));
    for (text, expected) in [
        (String::new(), KeyError::SharedLength),
        ("whsec_".to_owned(), KeyError::SharedLength),
        (of("whsec_", 23), KeyError::SharedLength),
        (of("whsec_", 65), KeyError::SharedLength),
        (of("", 23), KeyError::SharedLength),
        (of("whpk_", 31), KeyError::PublicLength),
        (of("whpk_", 64), KeyError::PublicLength),
        (of("whsk_", 32), KeyError::PairLength),
        (of("whsk_", 65), KeyError::PairLength),
        (swapped, KeyError::Halves),
        (of("sk_test_", 32), KeyError::Base64),
        (of("whsec_whsec_", 32), KeyError::Base64),
        ("whsec_hush hush".to_owned(), KeyError::Base64),
    ] {
        let error = Key::parse(&text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
    assert_eq!([of("whsec_", 24), of("whsec_", 64), of("whpk_", 32)].map(|text| Key::parse(&text).is_ok()), [true; 3]);
    assert!(Key::parse(of("whsec_", 25).trim_end_matches('=')).is_ok(), "some tools leave the padding out");
    assert_eq!(format!("{:?}", Key::parse(SHARED).unwrap()), "Key(v1)");
}

/// Keys of both kinds.
fn keys() -> impl Strategy<Value = Key> {
    let shared = prop::collection::vec(any::<u8>(), 24..=64).prop_map(|bytes| STANDARD.encode(bytes));
    let pair = any::<[u8; 32]>().prop_map(|seed| {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        format!("whsk_{}", STANDARD.encode([&seed, pair.public_key().as_ref()].concat()))
    });
    prop_oneof![shared, pair].prop_map(|text| Key::parse(&text).unwrap())
}

proptest! {
    #[test]
    fn what_was_signed_is_taken(key in keys(), id in "[!-\\-/-~]{1,40}", time in 0i64..4_000_000_000, body: Vec<u8>) {
        let signature = sign(&key, &id, time, &body).unwrap();
        prop_assert_eq!(verify([&key], &id, &time.to_string(), &signature, &body, time), Ok(0));
    }

    #[test]
    fn one_flipped_bit_anywhere_is_refused(
        key in keys(), id in "[a-z0-9_]{1,20}", time in 1_000_000_000i64..2_000_000_000, body: Vec<u8>,
        at: prop::sample::Index, bit in 0u8..8,
    ) {
        let (signature, timestamp) = (sign(&key, &id, time, &body).unwrap(), time.to_string());
        let parts = [id.as_bytes(), timestamp.as_bytes(), signature.as_bytes(), &body];
        let mut flipped = parts.concat();
        flipped[at.index(parts.concat().len())] ^= 1 << bit;
        let mut rest = &flipped[..];
        let cut = parts.map(|part| { let (head, tail) = rest.split_at(part.len()); rest = tail; head });
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let found = verify([&key], &text(cut[0]), &text(cut[1]), &text(cut[2]), cut[3], time);
        prop_assert!(found.is_err(), "{:?}", found);
    }

    #[test]
    fn no_text_makes_it_panic(key: String, id: String, time: String, header: String, now: i64) {
        let keys: Vec<Key> = Key::parse(&key).into_iter().collect();
        let _ = verify(&keys, &id, &time, &header, b"", now);
        let _ = Key::parse(&format!("whsk_{key}"));
    }
}
