//! A secret or public key, from its text; what it is made of is never shown.
//! Knows nothing of headers or clocks.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use ring::{digest, hmac};
use subtle::ConstantTimeEq as _;

use super::{SignError, Signature, Signed};

const V1: &str = "v1";
pub(super) const V1A: &str = "v1a";
/// The versions of signatures that are known, and how many bytes each has.
pub(super) const VERSIONS: [(&str, usize); 2] = [(V1, 32), (V1A, 64)];

/// What HMAC-SHA256 fills a key up to with zeros.
const BLOCK: usize = 64;

/// Some tools leave the padding out; which key it is does not depend on it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key that verifies signatures, and makes them unless it is a public one.
#[derive(Clone)]
pub struct Key {
    made_of: Material,
    identity: [u8; 32],
}

#[derive(Clone)]
enum Material {
    Shared(hmac::Key),
    Public([u8; 32]),
    Pair(Arc<Ed25519KeyPair>),
}

/// Why a text is no key; it says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Some other text.
    #[error("is not base64, alone or after whsec_, whpk_ or whsk_")]
    Base64,
    /// A shared secret that is too short or too long.
    #[error("is no shared secret of 24 to 64 bytes")]
    SharedLength,
    /// A public key of another length.
    #[error("is no public key of 32 bytes")]
    PublicLength,
    /// A secret key of another length.
    #[error("is no secret key of 64 bytes")]
    PairLength,
    /// The halves of a secret key are not those of one pair.
    #[error("is a secret key whose public half does not belong to it")]
    Halves,
}

impl Key {
    /// Reads `whsec_…` (a shared secret, with or without the prefix), `whpk_…` (ed25519, public) or `whsk_…` (both halves).
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if let Some(encoded) = text.strip_prefix("whpk_") {
            return Self::public(&decoded(encoded)?);
        }
        if let Some(encoded) = text.strip_prefix("whsk_") {
            return Self::pair(&decoded(encoded)?);
        }
        Self::shared(&decoded(text.strip_prefix("whsec_").unwrap_or(text))?)
    }

    fn shared(bytes: &[u8]) -> Result<Self, KeyError> {
        if !(24..=BLOCK).contains(&bytes.len()) {
            return Err(KeyError::SharedLength);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        // Zeros at the end make no other key of it: told apart, one secret could be given to two senders.
        let mut filled = [0; BLOCK];
        filled[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { made_of: Material::Shared(key), identity: identity(V1, &filled) })
    }

    fn public(bytes: &[u8]) -> Result<Self, KeyError> {
        let public = <[u8; 32]>::try_from(bytes).map_err(|_wrong_length| KeyError::PublicLength)?;
        Ok(Self { made_of: Material::Public(public), identity: identity(V1A, bytes) })
    }

    fn pair(bytes: &[u8]) -> Result<Self, KeyError> {
        let (seed, public) = bytes.split_at_checked(32).ok_or(KeyError::PairLength)?;
        if public.len() != 32 {
            return Err(KeyError::PairLength);
        }
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public);
        let pair = pair.map_err(|_says_nothing| KeyError::Halves)?;
        Ok(Self { made_of: Material::Pair(Arc::new(pair)), identity: identity(V1A, public) })
    }

    /// Whether both take the same signatures, however they are written.
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    pub(super) fn version(&self) -> &'static str {
        match self.made_of {
            Material::Shared(_) => V1,
            Material::Public(_) | Material::Pair(_) => V1A,
        }
    }

    pub(super) fn sign(&self, signed: &Signed<'_>) -> Result<Vec<u8>, SignError> {
        match &self.made_of {
            Material::Shared(key) => Ok(tag(key, signed).as_ref().to_vec()),
            Material::Pair(pair) => Ok(pair.sign(signed.joined()).as_ref().to_vec()),
            Material::Public(_) => Err(SignError::PublicKey),
        }
    }

    /// Whether one of `signatures` is of this key; nothing that is compared byte by byte stops at the first difference.
    pub(super) fn made_one_of(&self, signatures: &[Signature], signed: &Signed<'_>) -> bool {
        let mut mine = signatures.iter().filter(|signature| signature.version == self.version()).peekable();
        if mine.peek().is_none() {
            return false;
        }
        match &self.made_of {
            Material::Shared(key) => {
                let right = tag(key, signed);
                mine.any(|signature| right.as_ref().ct_eq(&signature.bytes).into())
            }
            Material::Public(public) => fits(public, mine, signed),
            Material::Pair(pair) => fits(pair.public_key().as_ref(), mine, signed),
        }
    }
}

/// Two keys are one when this is: a hash, so that comparing tells nothing of the key.
fn identity(version: &str, material: &[u8]) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(version.as_bytes());
    hash.update(b".");
    hash.update(material);
    hash.finish().as_ref().try_into().unwrap_or_default()
}

fn decoded(encoded: &str) -> Result<Vec<u8>, KeyError> {
    LENIENT.decode(encoded).map_err(|_names_a_character| KeyError::Base64)
}

fn tag(key: &hmac::Key, signed: &Signed<'_>) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    signed.parts.into_iter().for_each(|part| context.update(part));
    context.sign()
}

fn fits<'s>(public: &[u8], mut signatures: impl Iterator<Item = &'s Signature>, signed: &Signed<'_>) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, public);
    signatures.any(|signature| key.verify(signed.joined(), &signature.bytes).is_ok())
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.version())
    }
}
