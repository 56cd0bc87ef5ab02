//! One HTTP exchange with Clerk: headers, timeouts, a bounded body, and what went wrong where it did.
//! Knows nothing of memberships.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use awc::error::{ConnectError, SendRequestError};
use awc::http::header::{self, HeaderMap, HeaderValue, HttpDate};
use awc::http::{Method, StatusCode};
use awc::{ClientResponse, Connector};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig as TlsConfig, RootCertStore};
use serde::Serialize;
use serde_json::Value;

use super::config::{ClientConfig, ConfigError};
use super::error::Kind;
use super::key::KeyInUse;
use super::{API_VERSION, wire};

/// Longest body read; a membership is about 2 KB.
const MAX_BODY: usize = 1024 * 1024;
/// Longest trace id kept.
const MAX_TRACE_ID: usize = 128;

/// An answer of any status; a body that is not JSON, or too long, is `Null`.
pub(super) struct Exchange {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    pub(super) retry_after: Option<Duration>,
    pub(super) trace_id: Option<String>,
}

#[derive(Clone)]
pub(super) struct Transport {
    http: awc::Client,
    key: Rc<KeyInUse>,
    timeout: Duration,
}

impl Transport {
    pub(super) fn new(config: &ClientConfig) -> Result<Self, ConfigError> {
        let connector = Connector::new()
            .timeout(config.connect_timeout)
            .handshake_timeout(config.connect_timeout)
            .rustls_0_23(Arc::new(tls(config)?))
            // The caller bounds its calls; a second, hidden limit would only make them wait where nobody sees it.
            .limit(0);
        let http = awc::Client::builder()
            .connector(connector)
            .disable_redirects()
            // The timeout below covers the body as well.
            .disable_timeout()
            .add_default_header((header::USER_AGENT, user_agent(config)?))
            .add_default_header((header::ACCEPT, HeaderValue::from_static("application/json")))
            .add_default_header(("Clerk-API-Version", HeaderValue::from_static(API_VERSION)))
            .finish();
        let key = Rc::new(KeyInUse::new(config.secret_key.clone())?);
        Ok(Self { http, key, timeout: config.timeout })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn refresh_key(&self) -> bool {
        self.key.refresh()
    }

    pub(super) async fn exchange(
        &self,
        method: Method,
        url: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Exchange, Kind> {
        let request = self.http.request(method, url).insert_header((header::AUTHORIZATION, self.key.header()));
        let call = async {
            let response = match body {
                Some(body) => request.send_json(body).await,
                None => request.send().await,
            };
            Ok(read(response.map_err(|error| what_failed(&error))?).await)
        };
        actix_rt::time::timeout(self.timeout, call).await.unwrap_or(Err(Kind::Timeout))
    }
}

fn user_agent(config: &ClientConfig) -> Result<HeaderValue, ConfigError> {
    HeaderValue::from_str(&config.user_agent).or(Err(ConfigError::UserAgent))
}

/// Without ALPN, so HTTP/1.1: one call in flight for each connection, and a lost connection loses one answer.
fn tls(config: &ClientConfig) -> Result<TlsConfig, ConfigError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = &config.extra_roots {
        let unusable = |why: String| ConfigError::Roots { path: path.clone(), why };
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))? {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
    }
    Ok(TlsConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

async fn read<S>(mut response: ClientResponse<S>) -> Exchange
where
    S: futures_util::Stream<Item = Result<actix_web::web::Bytes, awc::error::PayloadError>>,
{
    let status = response.status();
    let headers = response.headers().clone();
    let bytes = response.body().limit(MAX_BODY).await;
    let body: Value = bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let trace_id = wire::trace_id(&body)
        .or_else(|| text(&headers, "clerk-trace-id"))
        .or_else(|| text(&headers, "cf-ray"))
        .map(|id| id.chars().filter(char::is_ascii_graphic).take(MAX_TRACE_ID).collect());
    // A date is counted from Clerk's own clock, where it says what that is.
    let now = text(&headers, "date").and_then(date).unwrap_or_else(SystemTime::now);
    let retry_after = text(&headers, "retry-after").and_then(|text| retry_after(text, now));
    Exchange { status, body, retry_after, trace_id }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// RFC 9110 10.2.3: seconds or a date; a date that has passed is no time at all.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are a long time.
        Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
    } else {
        Some(date(text)?.duration_since(now).unwrap_or_default())
    }
}

fn date(text: &str) -> Option<SystemTime> {
    text.parse::<HttpDate>().ok().map(SystemTime::from)
}

/// Whether the request may have reached Clerk.
fn what_failed(error: &SendRequestError) -> Kind {
    match error {
        // awc's name for a connection that closed where the answer should have been.
        SendRequestError::Connect(ConnectError::Disconnected) => Kind::Lost,
        SendRequestError::Connect(_) | SendRequestError::Url(_) => Kind::Unreachable,
        SendRequestError::Timeout => Kind::Timeout,
        _ => Kind::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let cases = [
            ("9", Some(9)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:49:47 GMT", Some(10)),
            ("Sun Nov  6 08:49:57 1994", Some(20)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ];
        for (text, expected) in cases {
            assert_eq!(retry_after(text, now), expected.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn further_roots_are_read_or_named_as_the_mistake() {
        let mut config = ClientConfig::new("https://api.clerk.com", super::super::SecretKey::new("sk_test_1"));
        assert!(tls(&config).is_ok_and(|tls| tls.alpn_protocols.is_empty()));
        config.extra_roots = Some("/nowhere/roots.pem".into());
        assert!(tls(&config).is_err_and(|error| error.to_string().contains("/nowhere/roots.pem")));
    }
}
