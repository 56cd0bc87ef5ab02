//! The bearer token of a request (RFC 6750), from where it may be and nowhere else.
//! Knows nothing of whose it is.

use actix_web::http::header::{self, HeaderMap};

use super::CredentialsError;

/// Whether a token was sent where it ends up in logs.
pub(super) fn is_in_url(query: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some("access_token"))
}

/// The token of the only `Authorization` header; the scheme is matched in any case (RFC 9110 11.1).
pub(super) fn token(headers: &HeaderMap) -> Result<Option<&[u8]>, CredentialsError> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    let parts = value.as_bytes().split_at_checked("bearer ".len());
    let (scheme, token) = parts.ok_or(CredentialsError::Authorization)?;
    let token = token.trim_ascii();
    let well_formed = scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty() && values.next().is_none();
    if well_formed { Ok(Some(token)) } else { Err(CredentialsError::Authorization) }
}

/// The token as text if it has the form of a signed JSON Web Token: three parts of base64url, the first one a JSON object.
pub(super) fn as_jwt(token: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(token).ok().filter(|text| text.starts_with("eyJ"))?;
    let is_base64url = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let parts: Vec<_> = text.split('.').collect();
    (parts.len() == 3 && parts.iter().all(|part| is_base64url(part))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_is_three_parts_of_base64url() {
        assert_eq!(as_jwt(b"eyJhbGciOiJub25lIn0.e-_0.c2ln"), Some("eyJhbGciOiJub25lIn0.e-_0.c2ln"));
        for other in [&b"eyJ.a"[..], b"eyJ.a.b.c", b"a.b.c", b"eyJ.a+.c", b"eyJ.a b.c", b"\xff", b""] {
            assert_eq!(as_jwt(other), None);
        }
    }
}
