//! Who sent a request: by bearer token, by a Kubernetes ServiceAccount token, or by a Standard Webhooks signature.
//! Knows nothing of what the sender may do; no token is kept in memory, printed or logged.

mod bearer;
pub mod jwks;
mod jws;
mod keyring;
pub mod service_account;
mod signature;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::http::header::HeaderMap;
use jiff::Timestamp;

use crate::domain::SenderName;
use crate::webhook::VerifyError;
use service_account::{ServiceAccountError, ServiceAccounts};

pub use keyring::Keyring;

/// A request whose sender is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Who.
    pub sender: SenderName,
    /// The `webhook-id` that the signature covers, if that is the proof.
    pub signed_id: Option<String>,
}

/// What all senders prove themselves with; the clones share it, so that a secret replaced in one is replaced in all.
#[derive(Clone, Default)]
pub struct Proofs {
    keyring: Arc<RwLock<Arc<Keyring>>>,
    accounts: ServiceAccounts,
}

/// Why nobody is authenticated, in words for the log; [`CredentialsError::told`] is what the caller may know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Neither `Authorization` nor a signature.
    #[error("no credentials were sent")]
    Missing,
    /// A token in the URL, where it ends up in logs.
    #[error("a token was sent in the URL")]
    InUrl,
    /// Something that is not one bearer token.
    #[error("not exactly one Authorization header with a bearer token")]
    Authorization,
    /// A part of a signature that is not there.
    #[error("signed, but without {0}")]
    NoHeader(&'static str),
    /// A header of a signature that is there twice or is no text.
    #[error("signed, but {0} is there twice or is no text")]
    Header(&'static str),
    /// `webhook-…` beside `svix-…`.
    #[error("signed under two families of names, webhook-* and svix-*")]
    Mixed,
    /// A bearer token of nobody.
    #[error("the token is nobody's")]
    UnknownToken,
    /// A ServiceAccount token that is not taken.
    #[error("not a ServiceAccount token that is taken: {0}")]
    ServiceAccount(ServiceAccountError),
    /// A signature that is not taken.
    #[error("the signature is not taken: {0}")]
    Signature(VerifyError),
    /// Two senders have the same token or key, which proves neither.
    #[error("the token or signing secret is that of two senders")]
    Contested,
    /// A sender that the rules do not have.
    #[error("the sender that it proves is not in the rules")]
    NoSuchSender,
    /// The signature of a question about one event beside the path of another.
    #[error("the webhook-id that is signed is not the id of the event in the path")]
    OtherEvent,
}

/// What a caller learns: enough to send it right, and nothing of what would be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing was sent.
    Missing,
    /// What was sent is in the wrong place.
    InUrl,
    /// What was sent has not the form of a token.
    MalformedToken,
    /// What was sent has not the form of a signature.
    MalformedSignature,
    /// It has the right form, and is not accepted; one answer whatever the reason.
    NotAccepted,
}

impl CredentialsError {
    /// What the caller is told of it.
    pub fn told(self) -> Told {
        match self {
            Self::Missing => Told::Missing,
            Self::InUrl => Told::InUrl,
            Self::Authorization => Told::MalformedToken,
            Self::NoHeader(_) | Self::Header(_) | Self::Mixed => Told::MalformedSignature,
            Self::Signature(error) if error.is_malformed() => Told::MalformedSignature,
            _ => Told::NotAccepted,
        }
    }
}

impl Proofs {
    /// These tokens, keys and accounts.
    pub fn new(keyring: Keyring, accounts: ServiceAccounts) -> Self {
        Self { keyring: Arc::new(RwLock::new(Arc::new(keyring))), accounts }
    }

    /// Takes other tokens and keys from the next request on, all at once.
    pub fn replace(&self, keyring: Keyring) {
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }

    /// Who it is by the head of the request; `None` if it is signed, so that the body is needed too.
    pub async fn by_header(&self, headers: &HeaderMap, query: &str) -> Result<Option<Proved>, CredentialsError> {
        if bearer::is_in_url(query) {
            return Err(CredentialsError::InUrl);
        }
        match bearer::token(headers)? {
            Some(token) => self.by_token(token).await.map(|sender| Some(Proved { sender, signed_id: None })),
            None if signature::Headers::read(headers)?.is_none() => Err(CredentialsError::Missing),
            // Where nobody signs, no stranger's body is read.
            None if !self.now().has_keys() => Err(CredentialsError::Signature(VerifyError::NoKey)),
            None => Ok(None),
        }
    }

    async fn by_token(&self, token: &[u8]) -> Result<SenderName, CredentialsError> {
        let found = self.now().owner_of_token(token);
        match (found, bearer::as_jwt(token)) {
            (Err(CredentialsError::UnknownToken), Some(jwt)) if !self.accounts.is_empty() => {
                self.accounts.verify(jwt, Timestamp::now()).await.map_err(CredentialsError::ServiceAccount)
            }
            (found, _) => found,
        }
    }

    /// Who signed these bytes.
    pub fn by_signature(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Proved, CredentialsError> {
        let signed = signature::Headers::read(headers)?.ok_or(CredentialsError::Missing)?;
        let sender = self.now().signer(&signed, body, now)?;
        Ok(Proved { sender, signed_id: Some(signed.id.to_owned()) })
    }

    fn now(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proofs").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests;
