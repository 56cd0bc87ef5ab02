//! TLS as the command line wants it: which certificates to trust, and which to show.
//! Knows nothing of HTTP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::super::exit::Failure;

const CERTIFICATE: &str = "a certificate in PEM, from -----BEGIN CERTIFICATE----- on";
const KEY: &str = "a private key in PEM, such as from -----BEGIN PRIVATE KEY----- on";

/// Which certificates.
#[derive(clap::Args)]
pub(super) struct TlsArgs {
    /// Trust only the certificate authorities in this PEM file
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The client certificate to show, in PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key of the client certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

/// Reads the certificates; without ALPN, so HTTP/1.1.
pub(super) fn config(args: &TlsArgs) -> Result<ClientConfig, Failure> {
    let roots = match &args.ca {
        Some(path) => roots(path)?,
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Failure::software)?
        .with_root_certificates(roots);
    let (Some(certificate), Some(key)) = (&args.cert, &args.key) else { return Ok(builder.with_no_client_auth()) };
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error, KEY))?;
    let unfit =
        |error| Failure::no_input(format!("{} and {} are not usable: {error}", certificate.display(), key.display()));
    builder.with_client_auth_cert(certificates(certificate)?, private).map_err(unfit)
}

fn roots(path: &Path) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(path)?);
    if added == 0 {
        return Err(Failure::no_input(format!("{} has no certificate that can be trusted", path.display())));
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found = found.map_err(|error| unusable(path, &error, CERTIFICATE))?;
    if found.is_empty() {
        return Err(unusable(path, &pem::Error::NoItemsFound, CERTIFICATE));
    }
    Ok(found)
}

fn unusable(path: &Path, error: &pem::Error, expected: &str) -> Failure {
    let path = path.display();
    Failure::no_input(match error {
        pem::Error::Io(error) => format!("{path} cannot be read: {error}"),
        pem::Error::NoItemsFound => format!("{path} holds nothing of use: expected {expected}"),
        error => format!("{path} cannot be used: {error}; expected {expected}"),
    })
}
