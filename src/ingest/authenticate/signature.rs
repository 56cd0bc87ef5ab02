//! The three headers of a signed request, under one of their two families of names.
//! Knows nothing of keys.

use actix_web::http::header::HeaderMap;

use super::CredentialsError;

/// The names of the standard, and those of the brand that it comes from.
const FAMILIES: [[&str; 3]; 2] =
    [["webhook-id", "webhook-timestamp", "webhook-signature"], ["svix-id", "svix-timestamp", "svix-signature"]];

/// What a signature covers besides the body, and the signature.
#[derive(Debug)]
pub(super) struct Headers<'h> {
    pub(super) id: &'h str,
    pub(super) timestamp: &'h str,
    pub(super) signatures: &'h str,
}

impl<'h> Headers<'h> {
    /// Those of a request; `None` if it is not signed: an id alone is an identity and no proof.
    pub(super) fn read(headers: &'h HeaderMap) -> Result<Option<Self>, CredentialsError> {
        let mut families = FAMILIES.iter().filter(|[_, _, signature]| headers.contains_key(*signature));
        let Some(family) = families.next() else { return Ok(None) };
        if families.next().is_some() || is_mixed(headers, family) {
            return Err(CredentialsError::Mixed);
        }
        let [id, timestamp, signatures] = family.map(|name| only(headers, name));
        Ok(Some(Self { id: id?, timestamp: timestamp?, signatures: signatures? }))
    }
}

/// Which of two ids was meant is nothing to guess.
fn is_mixed(headers: &HeaderMap, family: &[&'static str; 3]) -> bool {
    FAMILIES.iter().filter(|other| *other != family).flatten().any(|name| headers.contains_key(*name))
}

fn only<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, CredentialsError> {
    let mut values = headers.get_all(name);
    let value = values.next().ok_or(CredentialsError::NoHeader(name))?;
    value.to_str().ok().filter(|_| values.next().is_none()).ok_or(CredentialsError::Header(name))
}
