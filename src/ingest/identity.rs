//! The identity a plain JSON event takes from a header when its body has none.
//! Knows nothing of bodies.

use actix_web::http::header::HeaderMap;

/// The headers that may carry an identity, the more specific one first.
const HEADERS: [&str; 2] = ["idempotency-key", "webhook-id"];

/// Longest identity taken, in bytes, from a header or from a body.
pub(super) const MAX_ID: usize = 255;

/// A header that is there and no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The header {header} must be there once and hold 1 to 255 visible ASCII characters, quoted or bare")]
pub(super) struct IdentityError {
    /// Which header.
    pub header: &'static str,
}

/// The identity that the headers claim, if any does.
pub(super) fn claimed(headers: &HeaderMap) -> Result<Option<String>, IdentityError> {
    let Some(header) = HEADERS.into_iter().find(|header| headers.contains_key(*header)) else {
        return Ok(None);
    };
    let mut values = headers.get_all(header);
    let value = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    value.and_then(unquoted).map(Some).ok_or(IdentityError { header })
}

/// A Structured Field String (RFC 9651 3.3.3), or the bare text that most clients send.
fn unquoted(value: &str) -> Option<String> {
    let text = match value.trim().strip_prefix('"') {
        Some(rest) => unescaped(rest.strip_suffix('"')?)?,
        None => value.trim().to_owned(),
    };
    let bare = value.trim() == text;
    let fits = (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    (fits && !(bare && text.contains('"'))).then_some(text)
}

fn unescaped(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => text.push(rest.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            '"' => return None,
            plain => text.push(plain),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn claim(lines: &[(&'static str, &str)]) -> Result<Option<String>, IdentityError> {
        let line = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        claimed(&lines.iter().map(line).collect())
    }

    #[test]
    fn quoted_and_bare_are_the_same_key() {
        for value in ["abc-1", "\"abc-1\"", " abc-1 "] {
            assert_eq!(claim(&[("idempotency-key", value)]), Ok(Some("abc-1".to_owned())), "{value:?}");
        }
        assert_eq!(claim(&[("idempotency-key", r#""a\"\\b""#)]), Ok(Some(r#"a"\b"#.to_owned())));
    }

    #[test]
    fn the_idempotency_key_goes_before_the_webhook_id() {
        assert_eq!(claim(&[("webhook-id", "msg_1")]), Ok(Some("msg_1".to_owned())));
        assert_eq!(claim(&[("webhook-id", "msg_1"), ("idempotency-key", "k")]), Ok(Some("k".to_owned())));
        assert_eq!(claim(&[]), Ok(None));
    }

    #[test]
    fn a_key_that_is_none_is_an_error_and_not_ignored() {
        let long = "x".repeat(256);
        for bad in ["", "\"", "\"\"", "\"abc", "abc\"", "a b", "\"a b\"", "\"a\"b\"", r#""a\b""#, "é", long.as_str()] {
            assert_eq!(claim(&[("idempotency-key", bad)]), Err(IdentityError { header: "idempotency-key" }), "{bad:?}");
        }
        assert!(claim(&[("idempotency-key", "a"), ("idempotency-key", "a")]).is_err());
    }
}
