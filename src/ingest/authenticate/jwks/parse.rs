//! A JSON Web Key Set (RFC 7517): the keys in it that can verify a signature; the others are passed over.
//! Knows nothing of where it came from.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

use super::LONGEST;

/// More keys than any issuer has.
const MOST: usize = 64;
/// In bytes; shorter moduli can be factored, longer ones are refused by ring.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// The usable keys of a set.
#[derive(Default)]
pub(in crate::ingest::authenticate) struct Keys(Vec<Key>);

/// One public key and what it may verify.
#[derive(Clone)]
pub(in crate::ingest::authenticate) struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    pub(in crate::ingest::authenticate) public: DecodingKey,
}

/// Why a document is no key set to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeysError {
    #[error("it has more than {LONGEST} bytes")]
    TooLong,
    #[error("it is not a JSON Web Key Set: an object with a list `keys`")]
    NotKeys,
    #[error("it has more than {MOST} keys")]
    TooMany,
    #[error("it has no key that can verify a signature")]
    NoneUsable,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl Keys {
    /// Reads a document.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, KeysError> {
        if bytes.len() > LONGEST {
            return Err(KeysError::TooLong);
        }
        let document: Document = serde_json::from_slice(bytes).ok().ok_or(KeysError::NotKeys)?;
        if document.keys.len() > MOST {
            return Err(KeysError::TooMany);
        }
        let keys: Vec<_> = document.keys.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() { Err(KeysError::NoneUsable) } else { Ok(Self(keys)) }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys of this id; a token without one can mean only the single key there is.
    pub(in crate::ingest::authenticate) fn named<'a>(&'a self, id: Option<&'a str>) -> impl Iterator<Item = &'a Key> {
        let only = self.0.len() == 1;
        self.0.iter().filter(move |key| id.map_or(only, |id| key.id.as_deref() == Some(id)))
    }
}

impl Key {
    /// The key in a member of a set, if there is one that we can use.
    fn read(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let public = DecodingKey::from_jwk(&jwk).ok()?;
        let mut algorithms = of_type(&jwk.algorithm, &public)?.to_vec();
        let common = jwk.common;
        let for_signatures = common.public_key_use.is_none_or(|wanted| wanted == PublicKeyUse::Signature)
            && common.key_operations.is_none_or(|wanted| wanted.contains(&KeyOperations::Verify));
        if let Some(wanted) = common.key_algorithm {
            let wanted = Algorithm::try_from(wanted).ok();
            algorithms.retain(|algorithm| Some(*algorithm) == wanted);
        }
        let usable = for_signatures && !algorithms.is_empty();
        usable.then_some(Self { id: common.key_id, algorithms, public })
    }

    pub(in crate::ingest::authenticate) fn verifies(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}

/// What a key of this type, curve and length can verify; nothing symmetric, whatever a token claims.
fn of_type(parameters: &AlgorithmParameters, public: &DecodingKey) -> Option<&'static [Algorithm]> {
    use Algorithm as A;
    let length = match public.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.len(),
        DecodingKeyKind::SecretOrDer(point) => point.len(),
    };
    match parameters {
        AlgorithmParameters::RSA(_) if MODULUS.contains(&length) => Some(&[A::RS256, A::RS384, A::RS512, A::PS256]),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 && length == 65 => {
            Some(&[A::ES256])
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 && length == 97 => {
            Some(&[A::ES384])
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 && length == 32 => {
            Some(&[A::EdDSA])
        }
        _ => None,
    }
}
