//! Kubernetes ServiceAccount tokens: signed by the cluster, for this audience, of this subject, and not expired (RFC 7519).
//! Knows nothing of requests; no part of a token is kept, printed or logged.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header, dangerous};
use serde::Deserialize;

use super::jwks::{Key, KeySet, Keys};
use super::jws;
use crate::domain::SenderName;
use crate::rules::ServiceAccount;

/// No token is longer; Kubernetes makes them of about 1 KB.
const LONGEST: usize = 16 * 1024;
/// How far the clocks of issuer and usher may be apart, in seconds.
const LEEWAY: f64 = 60.0;
/// Public keys only: a key set is public, so that a symmetric signature would prove nothing.
const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Whose tokens are taken, and the keys that verify them.
#[derive(Clone, Default)]
pub struct ServiceAccounts(Arc<Vec<Account>>);

struct Account {
    sender: SenderName,
    wanted: ServiceAccount,
    keys: Arc<KeySet>,
}

/// Why a token proves nobody, for the log only: a caller learns that it is not taken, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountError {
    /// Nothing of that length is a token.
    #[error("the token has more than {LONGEST} bytes")]
    TooLong,
    /// Not three parts of base64url with a header and claims in them.
    #[error("it is no signed JSON web token with an algorithm that exists and the claims iss, sub and aud")]
    Malformed,
    /// Header parameters that must be understood, and are not.
    #[error("the token has critical header parameters")]
    Critical,
    /// Not an algorithm with public keys.
    #[error("the token is signed with an algorithm that is not taken")]
    Algorithm,
    /// No sender has this issuer.
    #[error("the token has an issuer (iss) that no sender has")]
    Issuer,
    /// No sender of this issuer has one of these audiences.
    #[error("the token is for another audience (aud)")]
    Audience,
    /// No sender of this issuer and audience has this subject.
    #[error("the token has a subject (sub) that no sender has")]
    Subject,
    /// Several senders fit, for instance by two audiences.
    #[error("the token fits more than one sender")]
    Contested,
    /// It would be good for ever.
    #[error("the token has no time of expiry (exp)")]
    NoExpiry,
    /// `exp` has passed.
    #[error("the token has expired (exp)")]
    Expired,
    /// `nbf` or `iat` is in the future.
    #[error("the token is not valid yet (nbf, iat)")]
    NotYet,
    /// The key set has never been fetched.
    #[error("the issuer's keys are not known: they could not be fetched yet")]
    NoKeys,
    /// Not in the key set, even after a refresh where one was due.
    #[error("the token is signed with a key (kid) that the issuer does not have")]
    UnknownKey,
    /// The key is of another type, curve or purpose.
    #[error("the key of this kid is not for the token's algorithm")]
    OtherKey,
    /// It was not made with that key, or was changed since.
    #[error("the signature is wrong")]
    Signature,
}

use ServiceAccountError as E;

/// The claims that decide; whatever else is there says nothing to us.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Option<f64>,
    nbf: Option<f64>,
    iat: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl ServiceAccounts {
    /// Those of all senders that have one; senders whose keys are at the same place share them.
    pub fn new(accounts: Vec<(SenderName, ServiceAccount)>) -> Self {
        let mut sets = HashMap::new();
        let account = |(sender, wanted): (SenderName, ServiceAccount)| {
            let set = sets.entry(wanted.jwks.clone()).or_insert_with(|| Arc::new(KeySet::new(wanted.jwks.clone())));
            Account { sender, keys: Arc::clone(set), wanted }
        };
        Self(Arc::new(accounts.into_iter().map(account).collect()))
    }

    /// Whether no sender has one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every key set, once; somebody has to poll [`KeySet::keep`] of each.
    pub fn key_sets(&self) -> Vec<Arc<KeySet>> {
        let mut sets: Vec<Arc<KeySet>> = Vec::new();
        for account in &*self.0 {
            if !sets.iter().any(|set| Arc::ptr_eq(set, &account.keys)) {
                sets.push(Arc::clone(&account.keys));
            }
        }
        sets
    }

    /// Whose token this is; may wait a moment for keys that are not known yet.
    ///
    /// All that needs no key is checked first, so that only a token that would be taken can cause a fetch.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<SenderName, ServiceAccountError> {
        let (header, claims) = read(token)?;
        let account = self.account(&claims)?;
        claims.are_timely(now)?;
        let found = account.keys.find(|keys| key(keys, &header)).await;
        let missing = if account.keys.is_empty() { E::NoKeys } else { E::UnknownKey };
        let key = found.ok_or(missing)??;
        let (message, signature) = token.rsplit_once('.').ok_or(E::Malformed)?;
        let is_signed = jws::is_signed(message, signature, header.alg, &key.public);
        if is_signed { Ok(account.sender.clone()) } else { Err(E::Signature) }
    }

    /// The only account that the claims fit.
    fn account(&self, claims: &Claims) -> Result<&Account, ServiceAccountError> {
        let mut fitting: Vec<&Account> = self.0.iter().collect();
        let mut narrow = |fits: &dyn Fn(&ServiceAccount) -> bool, error| {
            fitting.retain(|account| fits(&account.wanted));
            if fitting.is_empty() { Err(error) } else { Ok(()) }
        };
        narrow(&|wanted| wanted.issuer == claims.iss, E::Issuer)?;
        narrow(&|wanted| claims.aud.names(&wanted.audience), E::Audience)?;
        narrow(&|wanted| wanted.subject == claims.sub, E::Subject)?;
        match fitting[..] {
            [account] => Ok(account),
            _ => Err(E::Contested),
        }
    }
}

/// What a token says, before anything of it is proved.
fn read(token: &str) -> Result<(Header, Claims), ServiceAccountError> {
    if token.len() > LONGEST {
        return Err(E::TooLong);
    }
    let token = dangerous::insecure_decode::<Claims>(token).ok().ok_or(E::Malformed)?;
    if token.header.crit.is_some() {
        return Err(E::Critical);
    }
    if !ALGORITHMS.contains(&token.header.alg) {
        return Err(E::Algorithm);
    }
    Ok((token.header, token.claims))
}

/// The key that the header names; `None` if the set does not have it.
fn key(keys: &Keys, header: &Header) -> Option<Result<Key, ServiceAccountError>> {
    let mut named = keys.named(header.kid.as_deref()).peekable();
    named.peek()?;
    Some(named.find(|key| key.verifies(header.alg)).cloned().ok_or(E::OtherKey))
}

impl Claims {
    fn are_timely(&self, now: Timestamp) -> Result<(), ServiceAccountError> {
        let now = now.as_second() as f64;
        let begins = [self.nbf, self.iat].into_iter().flatten();
        match self.exp {
            None => Err(E::NoExpiry),
            Some(exp) if exp + LEEWAY <= now => Err(E::Expired),
            _ if begins.into_iter().any(|time| time > now + LEEWAY) => Err(E::NotYet),
            _ => Ok(()),
        }
    }
}

impl Audience {
    fn names(&self, wanted: &str) -> bool {
        match self {
            Self::One(audience) => audience == wanted,
            Self::Several(audiences) => audiences.iter().any(|audience| audience == wanted),
        }
    }
}

#[cfg(test)]
pub(in crate::ingest) mod tests;
