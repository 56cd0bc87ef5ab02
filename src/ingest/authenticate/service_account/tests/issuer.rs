//! An issuer of tokens with one key of its own; it signs whatever it is told to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use serde_json::{Value, json};

/// Ring makes no RSA keys; this one is only for tests.
const RSA: &[u8] = include_bytes!("../../../../../tests/keys/rsa-of-tests.der");

pub(in crate::ingest) struct Issuer {
    kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ecdsa(algorithm: &'static signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()
}

impl Issuer {
    fn new(kid: &str, pair: Pair) -> Self {
        Self { kid: kid.to_owned(), pair }
    }

    pub(in crate::ingest) fn rsa(kid: &str) -> Self {
        Self::new(kid, Pair::Rsa(RsaKeyPair::from_pkcs8(RSA).unwrap()))
    }

    pub(in crate::ingest) fn p256(kid: &str) -> Self {
        Self::new(kid, Pair::P256(ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)))
    }

    pub(super) fn p384(kid: &str) -> Self {
        Self::new(kid, Pair::P384(ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING)))
    }

    pub(super) fn ed25519(kid: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::new(kid, Pair::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()))
    }

    pub(super) fn one_of_each() -> [Self; 4] {
        [Self::rsa("r"), Self::p256("p256"), Self::p384("p384"), Self::ed25519("d")]
    }

    pub(super) fn algorithms(&self) -> &[&str] {
        match self.pair {
            Pair::Rsa(_) => &["RS256", "RS384", "RS512", "PS256"],
            Pair::P256(_) => &["ES256"],
            Pair::P384(_) => &["ES384"],
            Pair::Ed25519(_) => &["EdDSA"],
        }
    }

    pub(super) fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::P256(pair) | Pair::P384(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(super) fn jwk(&self) -> Value {
        let (kid, public) = (&self.kid, self.public());
        let point = |crv: &str| {
            let (x, y) = public[1..].split_at(public.len() / 2);
            json!({"kty": "EC", "crv": crv, "x": encode(x), "y": encode(y), "kid": kid, "use": "sig"})
        };
        match &self.pair {
            Pair::Rsa(pair) => {
                let public: signature::RsaPublicKeyComponents<Vec<u8>> = pair.public_key().into();
                json!({"kty": "RSA", "n": encode(&public.n), "e": encode(&public.e), "kid": kid, "use": "sig"})
            }
            Pair::P256(_) => point("P-256"),
            Pair::P384(_) => point("P-384"),
            Pair::Ed25519(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&public), "kid": kid}),
        }
    }

    pub(in crate::ingest) fn jwks(&self) -> Value {
        json!({"keys": [self.jwk()]})
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &'static dyn signature::RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
            Pair::P256(pair) | Pair::P384(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// Signed as `algorithm`, whatever the header says.
    pub(super) fn signed(&self, header: &Value, claims: &Value, algorithm: &str) -> String {
        let message = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = self.sign(algorithm, message.as_bytes());
        format!("{message}.{}", encode(&signature))
    }

    pub(super) fn token_of(&self, algorithm: &str, claims: &Value) -> String {
        self.signed(&json!({"alg": algorithm, "kid": self.kid}), claims, algorithm)
    }

    pub(in crate::ingest) fn token(&self, claims: &Value) -> String {
        self.token_of(self.algorithms()[0], claims)
    }
}
