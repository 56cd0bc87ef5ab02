//! A cluster's issuer of ServiceAccount tokens, with one key.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://kubernetes.default.svc";

pub struct Issuer {
    kid: String,
    pair: Ed25519KeyPair,
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    pub fn new(kid: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { kid: kid.to_owned(), pair: Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap() }
    }

    /// Its key set.
    pub fn jwks(&self) -> String {
        let x = encode(self.pair.public_key().as_ref());
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "use": "sig", "alg": "EdDSA"});
        json!({"keys": [key]}).to_string()
    }

    /// A token of the subject `payroll:sender` for `audience`, good for so many seconds.
    pub fn token_for(&self, audience: &str, seconds: i64) -> String {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
        let claims = json!({
            "iss": ISSUER, "aud": [audience], "sub": "system:serviceaccount:payroll:sender",
            "iat": now.min(now + seconds), "exp": now + seconds,
        });
        self.signed(&claims)
    }

    pub fn token(&self) -> String {
        self.token_for("usher", 600)
    }

    fn signed(&self, claims: &Value) -> String {
        let header = json!({"alg": "EdDSA", "kid": self.kid});
        let message = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", encode(signature.as_ref()))
    }
}
