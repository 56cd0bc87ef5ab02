//! The tokens and keys of all senders, and whose they are.
//! Knows nothing of where they come from; tokens are kept as digests.

use std::fmt;

use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use super::CredentialsError;
use super::signature::Headers;
use crate::domain::{Digest, SenderName};
use crate::webhook::{self, Key};

/// A sender may have several of either, so that they can be rotated.
#[derive(Clone, Default)]
pub struct Keyring {
    tokens: Vec<(Digest, SenderName)>,
    keys: Vec<(Key, SenderName)>,
}

impl Keyring {
    /// Takes a token as the SHA-256 of its bytes.
    pub fn add_token(&mut self, sender: SenderName, token: Digest) {
        self.tokens.push((token, sender));
    }

    /// Takes a key that verifies signatures.
    pub fn add_key(&mut self, sender: SenderName, key: Key) {
        self.keys.push((key, sender));
    }

    pub(super) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Compares with every token, whichever fits, so that the time taken tells nothing.
    pub(super) fn owner_of_token(&self, token: &[u8]) -> Result<SenderName, CredentialsError> {
        let presented = Digest::of_bytes(token);
        let mut owner = None;
        let mut contested = false;
        for (digest, sender) in &self.tokens {
            if digest.0.ct_eq(&presented.0).into() {
                contested |= owner.is_some_and(|other| other != sender);
                owner = Some(sender);
            }
        }
        match owner {
            _ if contested => Err(CredentialsError::Contested),
            Some(owner) => Ok(owner.clone()),
            None => Err(CredentialsError::UnknownToken),
        }
    }

    /// Whose key made one of the signatures.
    pub(super) fn signer(
        &self,
        signed: &Headers<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<SenderName, CredentialsError> {
        let keys = self.keys.iter().map(|(key, _)| key);
        let found = webhook::verify(keys, signed.id, signed.timestamp, signed.signatures, body, now.as_second());
        let (key, owner) = &self.keys[found.map_err(CredentialsError::Signature)?];
        let is_contested = self.keys.iter().any(|(other, sender)| sender != owner && other.is_same(key));
        if is_contested { Err(CredentialsError::Contested) } else { Ok(owner.clone()) }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} tokens, {} keys)", self.tokens.len(), self.keys.len())
    }
}
