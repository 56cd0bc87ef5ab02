//! Fetches the key sets of issuers: from a file, or by HTTPS with what the rules file says to trust and to show there.
//! Knows nothing of keys or tokens. Names awc and rustls, because an issuer is no part of Clerk's API.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use awc::error::PayloadError;
use awc::http::StatusCode;
use awc::http::header::{self, HeaderValue};
use awc::{Client, Connector};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::CancellationToken;

use crate::ingest::authenticate::jwks::{KeySet, LONGEST};
use crate::rules::Jwks;

/// From the connection to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Kubernetes answers only who takes its own type.
const ACCEPT: &str = "application/jwk-set+json, application/json, */*;q=0.1";
/// No token and no bundle of certificates is longer.
const LONGEST_FILE: u64 = 256 * 1024;

/// Why a key set did not come; never with a token.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0} cannot be read: {1}")]
    File(String, io::Error),
    #[error("{0} holds no certificate that can be trusted")]
    Roots(String),
    #[error("{0} holds no token that can be sent in a header")]
    Token(String),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the issuer cannot be reached: {0}")]
    Unreachable(String),
    #[error("the issuer answered {0}")]
    Status(StatusCode),
    #[error("the answer cannot be read: {0}")]
    Body(#[from] PayloadError),
    #[error("the issuer did not answer within 10 s")]
    Timeout,
}

/// Keeps a key set up to date until `stop`.
pub(super) async fn keep_until(stop: CancellationToken, set: Arc<KeySet>) {
    stop.run_until_cancelled(set.keep(fetch)).await;
}

async fn fetch(place: &Jwks) -> Result<Vec<u8>, FetchError> {
    match place {
        Jwks::File(path) => read(path, LONGEST as u64),
        Jwks::Url { url, ca, token } => {
            let call = get(url, ca.as_deref(), token.as_deref());
            actix_web::rt::time::timeout(TIMEOUT, call).await.unwrap_or(Err(FetchError::Timeout))
        }
    }
}

/// Both files are read anew: the cluster exchanges them while we run.
async fn get(url: &str, ca: Option<&Path>, token: Option<&Path>) -> Result<Vec<u8>, FetchError> {
    let connector = Connector::new().timeout(TIMEOUT).handshake_timeout(TIMEOUT).rustls_0_23(Arc::new(tls(ca)?));
    let client = Client::builder().connector(connector).disable_redirects().disable_timeout().finish();
    let mut request = client.get(url).insert_header((header::ACCEPT, ACCEPT));
    if let Some(path) = token {
        request = request.insert_header((header::AUTHORIZATION, bearer(path)?));
    }
    let mut response = request.send().await.map_err(|error| FetchError::Unreachable(error.to_string()))?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    Ok(response.body().limit(LONGEST).await?.to_vec())
}

fn bearer(path: &Path) -> Result<HeaderValue, FetchError> {
    let text = read(path, LONGEST_FILE)?;
    let header = HeaderValue::from_bytes(&[b"Bearer ", text.trim_ascii()].concat());
    let mut header = header.ok().ok_or_else(|| FetchError::Token(path.display().to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// With an authority of its own, nobody else is trusted.
fn tls(ca: Option<&Path>) -> Result<ClientConfig, FetchError> {
    let roots = match ca {
        Some(path) => roots(path)?,
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    Ok(ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn roots(path: &Path) -> Result<RootCertStore, FetchError> {
    let bytes = read(path, LONGEST_FILE)?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok));
    if added == 0 { Err(FetchError::Roots(path.display().to_string())) } else { Ok(roots) }
}

/// One byte more than allowed is enough to know that it is too long.
fn read(path: &Path, longest: u64) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    let file = File::open(path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes));
    match file {
        Ok(_) => Ok(bytes),
        Err(error) => Err(FetchError::File(path.display().to_string(), error)),
    }
}
