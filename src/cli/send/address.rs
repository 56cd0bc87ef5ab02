//! Where events go: the address of a usher, completed to that of its events.
//! Knows nothing of connections.

use awc::http::Uri;

const PATH: &str = "/v1/events";

/// Why an address is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum AddressError {
    #[error("`{0}` is no address; one is `https://usher.example.com`")]
    Malformed(String),
    // Neither is repeated: it may be a secret.
    #[error("an address has no user, no password and no query; a proof comes from --token-env or its like")]
    Secret,
}

/// The URL that takes events: a base, with or without a path of its own, or the whole URL.
pub(super) fn events_url(text: &str) -> Result<String, AddressError> {
    if text.contains(['@', '?', '#']) {
        return Err(AddressError::Secret);
    }
    let malformed = || AddressError::Malformed(text.to_owned());
    let uri: Uri = text.parse().or(Err(malformed()))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(malformed());
    }
    let base = text.trim_end_matches('/');
    Ok(if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_completed_and_a_whole_url_stays() {
        let cases = [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/events"),
            ("https://usher.example.com/", "https://usher.example.com/v1/events"),
            ("https://example.com/usher", "https://example.com/usher/v1/events"),
            ("http://[::1]:8080/v1/events", "http://[::1]:8080/v1/events"),
        ];
        for (text, url) in cases {
            assert_eq!(events_url(text).as_deref(), Ok(url));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "127.0.0.1:8080", "ftp://host", "http://", "/v1/events", "http://a b"] {
            assert!(matches!(events_url(text), Err(AddressError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_secret_in_an_address_is_refused_and_not_repeated() {
        for text in ["http://user:hush@host", "http://host/?access_token=hush", "http://host/#hush"] {
            let error = events_url(text).unwrap_err();
            assert_eq!(error, AddressError::Secret);
            assert!(!error.to_string().contains("hush"));
        }
    }
}
