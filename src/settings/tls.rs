//! Which files the public listener takes its TLS from: certificate and key together, or neither.
//! Knows nothing of what is in them.

use std::path::PathBuf;

use super::Mistake;

/// `USHER_TLS_CERT_FILE`
pub const CERTIFICATE: &str = "USHER_TLS_CERT_FILE";
/// `USHER_TLS_KEY_FILE`
pub const KEY: &str = "USHER_TLS_KEY_FILE";
/// `USHER_TLS_CLIENT_CA_FILE`
pub const CLIENT_CA: &str = "USHER_TLS_CLIENT_CA_FILE";

/// The files, each read again when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead to a root, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM.
    pub key: PathBuf,
    /// The roots of the certificates that clients must show, as PEM.
    pub client_ca: Option<PathBuf>,
}

/// The files that are set.
pub(super) fn files(
    certificate: Option<String>,
    key: Option<String>,
    client_ca: Option<String>,
) -> Result<Option<TlsFiles>, Mistake> {
    match (certificate, key, client_ca) {
        (Some(certificate), Some(key), client_ca) => Ok(Some(TlsFiles {
            certificate: certificate.into(),
            key: key.into(),
            client_ca: client_ca.map(PathBuf::from),
        })),
        (None, None, None) => Ok(None),
        (Some(_), None, _) => Err(alone(CERTIFICATE, KEY)),
        (None, Some(_), _) => Err(alone(KEY, CERTIFICATE)),
        (None, None, Some(_)) => Err(alone(CLIENT_CA, CERTIFICATE)),
    }
}

fn alone(set: &str, missing: &str) -> Mistake {
    let expected = format!("{CERTIFICATE} and {KEY} together, or neither for plain HTTP");
    Mistake::new(set, format!("is set, and {missing} is not"), expected, format!("set {missing} too, or unset {set}"))
}
