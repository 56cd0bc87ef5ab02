//! Standard Webhooks 1.0.0: signs what is sent and verifies what came, over the bytes as they are. A leaf, and pure.
//! Knows nothing of HTTP, of senders, or of where keys are kept.

mod key;

use std::cell::OnceCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use key::{Key, KeyError};

/// How far the clocks of two honest machines may be apart, in seconds, both ways.
pub const TOLERANCE: u64 = 300;

/// Signatures looked at in one header.
const MOST_SIGNATURES: usize = 8;
/// Different ones of v1a: whoever sends one, each is checked with each public key over the whole body.
/// A rotation needs two.
const MOST_V1A: usize = 3;

/// Why nothing is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key only verifies.
    #[error("a public key (whpk_…) cannot sign")]
    PublicKey,
    /// The id would make the signed bytes mean something else.
    #[error("an id has at least one character and no `.`")]
    Id,
}

/// Why a signature is not taken; for a log, not for whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The id would make the signed bytes mean something else.
    #[error("the id of the message is empty or has a `.`")]
    Id,
    /// Not a whole number of seconds.
    #[error("the timestamp is not a number of seconds")]
    Timestamp,
    /// More than [`TOLERANCE`] ago.
    #[error("the timestamp is more than {TOLERANCE} s in the past")]
    TooOld,
    /// More than [`TOLERANCE`] from now.
    #[error("the timestamp is more than {TOLERANCE} s in the future")]
    TooNew,
    /// A list that only costs time.
    #[error("there are more than {MOST_SIGNATURES} signatures, or more than {MOST_V1A} different ones of version v1a")]
    TooMany,
    /// Nothing in the list is a whole signature of a version that is known.
    #[error("there is no whole signature of version v1 or v1a")]
    NoSignature,
    /// Nobody's.
    #[error("no signature fits any key")]
    NoKey,
}

impl VerifyError {
    /// Whether the headers themselves are wrong, whatever the keys and the clock are.
    pub fn is_malformed(self) -> bool {
        matches!(self, Self::Id | Self::Timestamp | Self::TooMany)
    }
}

/// One signature as the header carries it: `v1,…` or `v1a,…`.
pub fn sign(key: &Key, id: &str, timestamp: i64, body: &[u8]) -> Result<String, SignError> {
    if !is_id(id) {
        return Err(SignError::Id);
    }
    let signature = key.sign(&Signed::new(id, &timestamp.to_string(), body))?;
    Ok(format!("{},{}", key.version(), STANDARD.encode(signature)))
}

/// Which of `keys` made one of the signatures in `header`; `now` is in Unix seconds.
pub fn verify<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    id: &str,
    timestamp: &str,
    header: &str,
    body: &[u8],
    now: i64,
) -> Result<usize, VerifyError> {
    if !is_id(id) {
        return Err(VerifyError::Id);
    }
    is_fresh(timestamp, now)?;
    let signatures = signatures(header)?;
    let signed = Signed::new(id, timestamp, body);
    keys.into_iter().position(|key| key.made_one_of(&signatures, &signed)).ok_or(VerifyError::NoKey)
}

/// What is signed: the three with a `.` between them.
struct Signed<'m> {
    parts: [&'m [u8]; 5],
    joined: OnceCell<Vec<u8>>,
}

impl<'m> Signed<'m> {
    fn new(id: &'m str, timestamp: &'m str, body: &'m [u8]) -> Self {
        Self { parts: [id.as_bytes(), b".", timestamp.as_bytes(), b".", body], joined: OnceCell::new() }
    }

    /// In one piece: ed25519 goes over it twice, and all keys share the copy.
    fn joined(&self) -> &[u8] {
        self.joined.get_or_init(|| self.parts.concat())
    }
}

/// A signature from a header.
#[derive(PartialEq, Eq)]
struct Signature {
    version: &'static str,
    bytes: Vec<u8>,
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && !id.contains('.')
}

fn is_fresh(timestamp: &str, now: i64) -> Result<(), VerifyError> {
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i64 = timestamp.parse().ok().filter(|_| digits).ok_or(VerifyError::Timestamp)?;
    match seconds.abs_diff(now) {
        0..=TOLERANCE => Ok(()),
        _ if seconds < now => Err(VerifyError::TooOld),
        _ => Err(VerifyError::TooNew),
    }
}

/// Those of a version that is known, each once; one that is not whole fits nothing and is left out.
fn signatures(header: &str) -> Result<Vec<Signature>, VerifyError> {
    if header.split_ascii_whitespace().count() > MOST_SIGNATURES {
        return Err(VerifyError::TooMany);
    }
    let mut whole: Vec<Signature> = Vec::new();
    for signature in header.split_ascii_whitespace().filter_map(signature) {
        if !whole.contains(&signature) {
            whole.push(signature);
        }
    }
    match whole.iter().filter(|signature| signature.version == key::V1A).count() {
        0 if whole.is_empty() => Err(VerifyError::NoSignature),
        0..=MOST_V1A => Ok(whole),
        _ => Err(VerifyError::TooMany),
    }
}

fn signature(text: &str) -> Option<Signature> {
    let (version, encoded) = text.split_once(',')?;
    let (version, length) = key::VERSIONS.into_iter().find(|(name, _)| *name == version)?;
    let bytes = STANDARD.decode(encoded).ok()?;
    (bytes.len() == length).then_some(Signature { version, bytes })
}

#[cfg(test)]
mod tests;
