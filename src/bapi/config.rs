//! What a client needs to know, checked before its first call.
//! Knows nothing of where the values come from.

use std::path::PathBuf;
use std::time::Duration;

use awc::http::Uri;

use super::SecretKey;

/// What a client needs to know.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Scheme and host, as in `https://api.clerk.com`; `/v1` is added.
    pub api_url: String,
    /// Clerk's secret key.
    pub secret_key: SecretKey,
    /// Sent as User-Agent.
    pub user_agent: String,
    /// For connecting, name resolution included; a TLS handshake has as much again.
    pub connect_timeout: Duration,
    /// For a whole call, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// A PEM file of further root certificates, beside those inside the binary.
    pub extra_roots: Option<PathBuf>,
}

impl ClientConfig {
    /// The defaults for everything that has one.
    pub fn new(api_url: impl Into<String>, secret_key: impl Into<SecretKey>) -> Self {
        Self {
            api_url: api_url.into(),
            secret_key: secret_key.into(),
            user_agent: concat!("usher/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            extra_roots: None,
        }
    }

    /// What every URL begins with.
    pub(super) fn base(&self) -> Result<String, ConfigError> {
        let trimmed = self.api_url.trim_end_matches('/');
        let uri: Uri = trimmed.parse().or(Err(ConfigError::ApiUrl))?;
        let web = matches!(uri.scheme_str(), Some("http" | "https"));
        let host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if web && host && uri.query().is_none() && !trimmed.ends_with("/v1") {
            Ok(format!("{trimmed}/v1"))
        } else {
            Err(ConfigError::ApiUrl)
        }
    }
}

/// Why a client cannot be built: what to mend, never the value itself.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The API's URL.
    #[error(
        "expected an API URL such as https://api.clerk.com: http or https, a host, no user, no query, and no /v1, which is added"
    )]
    ApiUrl,
    /// The secret key.
    #[error("expected a secret key of visible ASCII characters: no spaces, no line breaks")]
    SecretKey,
    /// The User-Agent.
    #[error("expected a User-Agent of visible ASCII characters")]
    UserAgent,
    /// The further root certificates.
    #[error("expected PEM certificates in {}: {why}", path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// What was wrong with it.
        why: String,
    },
    /// The TLS library.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_a_host_and_perhaps_a_path() {
        let base = |url: &str| ClientConfig::new(url, SecretKey::new("k")).base().ok();
        assert_eq!(base("https://api.clerk.com"), Some("https://api.clerk.com/v1".to_owned()));
        assert_eq!(base("http://127.0.0.1:9/fake/"), Some("http://127.0.0.1:9/fake/v1".to_owned()));
        for bad in
            ["", "api.clerk.com", "ftp://x", "https://u:p@x", "https://x?y", "https://x/v1", "https://x/v1/", "/x"]
        {
            assert_eq!(base(bad), None, "{bad}");
        }
    }
}
