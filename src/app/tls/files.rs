//! The files of TLS as bytes, and what they must hold: a chain, a key that fits it, roots.
//! Knows nothing of when they are read; no part of a key is ever shown.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{Error, InconsistentKeys, RootCertStore};

use super::live::{Identity, provider};
use crate::domain::Digest;
use crate::settings::tls::{CERTIFICATE, CLIENT_CA, KEY};
use crate::settings::{Mistake, TlsFiles};

/// No chain is longer; a path to something else should not be read into memory.
const LONGEST: u64 = 1024 * 1024;

/// What tells one content of the files from another.
pub(super) type Digests = Vec<Digest>;

/// The files as they were at one moment.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Contents {
    pub(super) fn read(files: &TlsFiles) -> Result<Self, Mistake> {
        Ok(Self {
            certificate: read(CERTIFICATE, &files.certificate)?,
            key: read(KEY, &files.key)?,
            client_ca: files.client_ca.as_deref().map(|path| read(CLIENT_CA, path)).transpose()?,
        })
    }

    pub(super) fn digests(&self) -> Digests {
        let all = [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()];
        all.into_iter().flatten().map(|bytes| Digest::of_bytes(bytes)).collect()
    }

    /// What they hold, or every mistake in them.
    pub(super) fn identity(&self, files: &TlsFiles) -> Result<Identity, Vec<Mistake>> {
        let chain = certificates(CERTIFICATE, &files.certificate, &self.certificate);
        let key = key(&files.key, &self.key);
        let clients = self.client_ca.as_deref().zip(files.client_ca.as_deref());
        let clients = clients.map(|(bytes, path)| clients_of(path, bytes)).transpose();
        let certificate = match (chain, key) {
            (Ok(chain), Ok(key)) => fitting(files, chain, key).map_err(|mistake| vec![mistake]),
            (chain, key) => Err([chain.err(), key.err()].into_iter().flatten().collect()),
        };
        match (certificate, clients) {
            (Ok(certificate), Ok(clients)) => Ok(Identity { certificate: Arc::new(certificate), clients }),
            (certificate, clients) => Err(certificate.err().into_iter().flatten().chain(clients.err()).collect()),
        }
    }
}

fn read(variable: &str, path: &Path) -> Result<Vec<u8>, Mistake> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length as u64 <= LONGEST => Ok(bytes),
        Ok(_) => Err(mistake(variable, path, format!("it has more than {LONGEST} bytes"))),
        Err(error) => Err(mistake(variable, path, error.to_string())),
    }
}

fn mistake(variable: &str, path: &Path, why: impl Into<String>) -> Mistake {
    let expected = match variable {
        KEY => "the private key of the certificate as PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase",
        CLIENT_CA => "certificates of authorities as PEM",
        _ => "a certificate as PEM, followed by those that lead to its root",
    };
    let help = "check that the file is mounted there, whole, and that this user may read it";
    Mistake::new(variable, format!("points to {}: {}", path.display(), why.into()), expected, help)
}

fn certificates(variable: &str, path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(mistake(variable, path, "there is no certificate in it")),
        Ok(chain) => Ok(chain),
        Err(error) => Err(mistake(variable, path, format!("it is not PEM: {error}"))),
    }
}

/// Why it is not one is not told: the reader's message might hold a piece of it.
pub(super) fn key(path: &Path, bytes: &[u8]) -> Result<Arc<dyn SigningKey>, Mistake> {
    let key = PrivateKeyDer::from_pem_slice(bytes).ok();
    let key = key.ok_or_else(|| mistake(KEY, path, "there is no private key in it"))?;
    let key = provider().key_provider.load_private_key(key).ok();
    key.ok_or_else(|| mistake(KEY, path, "the private key is of a kind that is not taken"))
}

fn fitting(
    files: &TlsFiles,
    chain: Vec<CertificateDer<'static>>,
    key: Arc<dyn SigningKey>,
) -> Result<CertifiedKey, Mistake> {
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // Not every key can tell its public half.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(Error::InconsistentKeys(_)) => {
            let why = format!("the key does not fit the certificate in {}", files.certificate.display());
            Err(mistake(KEY, &files.key, why))
        }
        Err(error) => Err(mistake(CERTIFICATE, &files.certificate, format!("it holds no certificate: {error}"))),
    }
}

fn clients_of(path: &Path, bytes: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, Mistake> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(CLIENT_CA, path, bytes)? {
        roots.add(certificate).map_err(|error| mistake(CLIENT_CA, path, error.to_string()))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    verifier.map_err(|error| mistake(CLIENT_CA, path, error.to_string()))
}
