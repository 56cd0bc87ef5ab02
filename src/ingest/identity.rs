//! What headers claim of an event's identity: keys that name it, and the id of a plain event that has none.
//! Knows nothing of bodies and signatures.

use actix_web::http::header::HeaderMap;

use crate::domain::{KeyId, SenderName};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const WEBHOOK_ID: &str = "webhook-id";

/// Longest identity taken, in bytes, from a header or from a body.
pub(super) const MAX_ID: usize = 255;

/// A header that is there and no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The header {header} must be there once and hold 1 to 255 visible ASCII characters, quoted or bare")]
pub(super) struct IdentityError {
    /// Which header.
    pub header: &'static str,
}

/// What the headers of a request claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// Keys that name the event from now on.
    pub(super) keys: Vec<KeyId>,
    /// The one of them that is the `Idempotency-Key`.
    pub(super) idempotency_key: Option<KeyId>,
    /// The id of a plain event whose body has none.
    pub(super) identity: Option<String>,
}

/// What `sender` claims; `signed_id` is the `webhook-id` that its signature covers.
///
/// A header that no signature covers is no identity for a signed event: whoever caught it could send it anew.
pub(super) fn claims(
    headers: &HeaderMap,
    sender: &SenderName,
    signed_id: Option<&str>,
) -> Result<Claims, IdentityError> {
    let key = of_header(headers, IDEMPOTENCY_KEY)?;
    let error = IdentityError { header: WEBHOOK_ID };
    let signed = signed_id.map(|id| fits(id).then(|| id.to_owned()).ok_or(error)).transpose()?;
    let idempotency_key = key.as_deref().map(|key| KeyId::of(sender, IDEMPOTENCY_KEY, key));
    let message = signed.as_deref().map(|id| KeyId::of(sender, WEBHOOK_ID, id));
    Ok(Claims {
        keys: idempotency_key.into_iter().chain(message).collect(),
        idempotency_key,
        identity: match signed.or(key) {
            None => of_header(headers, WEBHOOK_ID)?,
            some => some,
        },
    })
}

fn of_header(headers: &HeaderMap, header: &'static str) -> Result<Option<String>, IdentityError> {
    let mut values = headers.get_all(header);
    let Some(value) = values.next() else { return Ok(None) };
    let value = if values.next().is_none() { value.to_str().ok() } else { None };
    value.and_then(unquoted).map(Some).ok_or(IdentityError { header })
}

/// A Structured Field String (RFC 9651 3.3.3), or the bare text that most clients send.
fn unquoted(value: &str) -> Option<String> {
    let text = match value.trim().strip_prefix('"') {
        Some(rest) => unescaped(rest.strip_suffix('"')?)?,
        None => value.trim().to_owned(),
    };
    let bare = value.trim() == text;
    (fits(&text) && !(bare && text.contains('"'))).then_some(text)
}

fn fits(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
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

    fn sender() -> SenderName {
        SenderName::try_from("billing".to_owned()).unwrap()
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        lines.iter().map(line).collect()
    }

    fn claim(lines: &[(&'static str, &str)]) -> Result<Option<String>, IdentityError> {
        claims(&headers(lines), &sender(), None).map(|claims| claims.identity)
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

    #[test]
    fn only_what_a_signature_covers_is_the_identity_of_a_signed_event() {
        let headers = headers(&[("idempotency-key", "k"), ("webhook-id", "msg_2")]);
        let signed = claims(&headers, &sender(), Some("msg_1")).unwrap();
        let (key, message) =
            (KeyId::of(&sender(), "idempotency-key", "k"), KeyId::of(&sender(), "webhook-id", "msg_1"));
        assert_eq!(signed.identity.as_deref(), Some("msg_1"));
        assert_eq!((signed.keys, signed.idempotency_key), (vec![key, message], Some(key)));
        assert_eq!(claims(&headers, &sender(), Some("msg 1")), Err(IdentityError { header: "webhook-id" }));
    }

    #[test]
    fn a_webhook_id_that_no_signature_covers_is_no_key() {
        let unsigned = claims(&headers(&[("webhook-id", "msg_1")]), &sender(), None).unwrap();
        assert_eq!((unsigned.keys, unsigned.identity), (Vec::new(), Some("msg_1".to_owned())));
    }
}
