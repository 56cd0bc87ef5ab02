//! Who sent a request: a bearer token, compared in constant time.
//! Knows nothing of what the sender may do; no token is kept in memory, printed or logged.

pub mod jwks;
mod jws;
pub mod service_account;

use std::fmt;

use actix_web::http::header::{self, HeaderMap};
use subtle::ConstantTimeEq;

use crate::domain::{Digest, SenderName};

/// The tokens of all senders, as digests; a sender may have several, so that they can be rotated.
#[derive(Clone)]
pub struct Tokens(Vec<(Digest, SenderName)>);

/// Why nobody is authenticated; none of it tells a token that is almost right from one that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// No `Authorization` header.
    #[error("Send the sender's token as `Authorization: Bearer {{token}}`")]
    Missing,
    /// Something that is not one bearer token.
    #[error("Send exactly one Authorization header: `Authorization: Bearer {{token}}`")]
    Malformed,
    /// A token in the URL, where it ends up in logs.
    #[error("Send the token in the Authorization header; a token in a URL ends up in logs and is never taken")]
    InUrl,
    /// A token of nobody.
    #[error("This token is not known; ask the operator of usher for a valid one")]
    Unknown,
}

impl Tokens {
    /// The tokens as resolved from the configuration; empty ones count for nothing.
    pub fn new(tokens: Vec<(SenderName, String)>) -> Self {
        let filled = tokens.into_iter().filter(|(_, token)| !token.is_empty());
        Self(filled.map(|(sender, token)| (Digest::of_bytes(token.as_bytes()), sender)).collect())
    }

    /// Two senders that share a token, which proves neither; to be told at start.
    pub fn clash(&self) -> Option<(&SenderName, &SenderName)> {
        let pairs = self.0.iter().enumerate().flat_map(|(at, a)| self.0[..at].iter().map(move |b| (b, a)));
        pairs.filter(|(a, b)| a.0 == b.0 && a.1 != b.1).map(|(a, b)| (&a.1, &b.1)).next()
    }

    /// Whose request this is.
    pub fn authenticate(&self, headers: &HeaderMap, query: &str) -> Result<&SenderName, CredentialsError> {
        if query.split('&').any(|pair| pair.split('=').next() == Some("access_token")) {
            return Err(CredentialsError::InUrl);
        }
        self.owner(bearer(headers)?).ok_or(CredentialsError::Unknown)
    }

    /// Compares with every token, whichever fits, so that the time taken tells nothing.
    fn owner(&self, token: &[u8]) -> Option<&SenderName> {
        let presented = Digest::of_bytes(token);
        let mut owner = None;
        let mut contested = false;
        for (digest, sender) in &self.0 {
            if digest.0.ct_eq(&presented.0).into() {
                contested |= owner.is_some_and(|other| other != sender);
                owner = Some(sender);
            }
        }
        owner.filter(|_| !contested)
    }
}

/// The token of the only `Authorization` header; the scheme is matched in any case (RFC 9110 11.1).
fn bearer(headers: &HeaderMap) -> Result<&[u8], CredentialsError> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let value = values.next().ok_or(CredentialsError::Missing)?.as_bytes();
    let (scheme, token) = value.split_at_checked("bearer ".len()).ok_or(CredentialsError::Malformed)?;
    let token = token.trim_ascii();
    let well_formed = scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty() && values.next().is_none();
    if well_formed { Ok(token) } else { Err(CredentialsError::Malformed) }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn name(text: &str) -> SenderName {
        SenderName::try_from(text.to_owned()).unwrap()
    }

    fn tokens() -> Tokens {
        let pairs = [("billing", "old"), ("billing", "new"), ("orders", "other"), ("orders", "")];
        Tokens::new(pairs.map(|(sender, token)| (name(sender), token.to_owned())).into())
    }

    fn whose(tokens: &Tokens, authorization: &[&'static str]) -> Result<SenderName, CredentialsError> {
        let line = |value: &&'static str| (header::AUTHORIZATION, HeaderValue::from_static(value));
        tokens.authenticate(&authorization.iter().map(line).collect(), "").cloned()
    }

    #[test]
    fn each_token_of_a_sender_proves_it() {
        for token in ["Bearer old", "bearer new", "BEARER  new "] {
            assert_eq!(whose(&tokens(), &[token]), Ok(name("billing")), "{token}");
        }
        assert_eq!(whose(&tokens(), &["Bearer other"]), Ok(name("orders")));
    }

    #[test]
    fn anything_else_proves_nobody() {
        use CredentialsError as E;
        assert_eq!(whose(&tokens(), &[]), Err(E::Missing));
        for unknown in ["Bearer ne", "Bearer newx", "Bearer NEW", "Bearer old new"] {
            assert_eq!(whose(&tokens(), &[unknown]), Err(E::Unknown), "{unknown}");
        }
        for malformed in ["", "new", "Basic bmV3", "Bearer", "Bearer ", "Bearer  ", "Bearernew"] {
            assert_eq!(whose(&tokens(), &[malformed]), Err(E::Malformed), "{malformed}");
        }
        assert_eq!(whose(&tokens(), &["Bearer new", "Bearer new"]), Err(E::Malformed));
    }

    #[test]
    fn a_token_in_the_url_is_refused_even_beside_a_good_one() {
        let headers = [(header::AUTHORIZATION, HeaderValue::from_static("Bearer new"))].into_iter().collect();
        for query in ["access_token=new", "a=b&access_token=x", "access_token"] {
            assert_eq!(tokens().authenticate(&headers, query), Err(CredentialsError::InUrl), "{query}");
        }
        assert!(tokens().authenticate(&headers, "a=access_token").is_ok());
    }

    #[test]
    fn a_token_shared_by_two_senders_proves_neither() {
        let shared = Tokens::new(vec![(name("billing"), "same".to_owned()), (name("orders"), "same".to_owned())]);
        assert_eq!(whose(&shared, &["Bearer same"]), Err(CredentialsError::Unknown));
        assert_eq!(shared.clash(), Some((&name("billing"), &name("orders"))));
        assert_eq!(tokens().clash(), None);
    }

    #[test]
    fn nothing_of_a_token_is_printed() {
        assert_eq!(format!("{:?}", tokens()), "Tokens(3)");
    }
}
