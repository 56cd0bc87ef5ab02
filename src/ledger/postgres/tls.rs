//! How a connection to the database is kept secret, and whom it is kept secret from: the words are those of libpq.
//! Knows nothing of addresses.

use std::fs;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ledger::location::BadLocation;

/// Who may be at the other end of a connection under TLS.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trust {
    /// Whoever answers.
    Anyone,
    /// Whoever one of these signed for.
    Signed(Roots),
    /// The server of this very name.
    Named(Roots),
}

/// Whose signature counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Roots {
    /// The authorities that browsers trust; they are inside the binary.
    Web,
    /// Those of a file.
    Own(Vec<CertificateDer<'static>>),
}

/// The word after `sslmode=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl FromStr for Mode {
    type Err = BadLocation;
    fn from_str(text: &str) -> Result<Self, BadLocation> {
        match text {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(bad("has an sslmode that is none of disable, prefer, require, verify-ca and verify-full")),
        }
    }
}

fn bad(problem: &str) -> BadLocation {
    BadLocation(problem.to_owned())
}

impl Mode {
    /// What is meant. Where no word is said and others could listen in, the server must prove its name.
    pub(super) fn decide(
        mode: Option<Self>,
        roots: Option<Roots>,
        is_local: bool,
    ) -> Result<(SslMode, Trust), BadLocation> {
        let trust = match (mode, roots) {
            (Some(Self::Disable), _) => return Ok((SslMode::Disable, Trust::Anyone)),
            (None | Some(Self::Prefer), None) if is_local => return Ok((SslMode::Prefer, Trust::Anyone)),
            (Some(Self::Prefer), _) => {
                return Err(bad("has sslmode=prefer, which may send the password in clear over the network: \
                    use verify-full or require, or sslmode=disable where the network itself is safe"));
            }
            (Some(Self::VerifyCa), None | Some(Roots::Web)) => {
                return Err(bad("has sslmode=verify-ca, which needs sslrootcert=/path/of/root.pem: \
                    the authorities of the web sign for anyone"));
            }
            (Some(Self::Require), None) => Trust::Anyone,
            (Some(Self::Require | Self::VerifyCa), Some(roots @ Roots::Own(_))) => Trust::Signed(roots),
            (None | Some(Self::Require | Self::VerifyFull), roots) => Trust::Named(roots.unwrap_or(Roots::Web)),
        };
        Ok((SslMode::Require, trust))
    }
}

impl Roots {
    /// Those that `sslrootcert=` names.
    pub(super) fn read(path: &str) -> Result<Self, BadLocation> {
        if path == "system" {
            return Ok(Self::Web);
        }
        let cannot = |why: String| BadLocation(format!("has sslrootcert={path}, which cannot be used: {why}"));
        let pem = fs::read(path).map_err(|error| cannot(error.to_string()))?;
        let own: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|error| cannot(error.to_string()))?;
        let own = Self::Own(own);
        own.store().map_err(|error| cannot(error.to_string()))?;
        Ok(own)
    }

    fn own(&self) -> Vec<CertificateDer<'static>> {
        if let Self::Own(own) = self { own.clone() } else { Vec::new() }
    }

    fn store(&self) -> Result<RootCertStore, Error> {
        let mut store = RootCertStore::empty();
        match self {
            Self::Web => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Self::Own(own) if own.is_empty() => return Err(Error::General("it holds no certificate".to_owned())),
            Self::Own(own) => own.iter().try_for_each(|root| store.add(root.clone()))?,
        }
        Ok(store)
    }
}

impl Trust {
    /// What makes connections under TLS.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        // Servers that speak TLS from the first byte ask for it; older ones do not mind.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(MakeRustlsConnect::new(config))
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        let by = |roots: &Roots| {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.store()?), Arc::clone(provider));
            builder.build().map_err(|error| Error::General(error.to_string()))
        };
        let provider = Arc::clone(provider);
        Ok(match self {
            Self::Named(roots) => {
                Arc::new(Lenient { signed: Some(by(roots)?), own: roots.own(), named: true, provider })
            }
            Self::Signed(roots) => {
                Arc::new(Lenient { signed: Some(by(roots)?), own: roots.own(), named: false, provider })
            }
            Self::Anyone => Arc::new(Lenient { signed: None, own: Vec::new(), named: false, provider }),
        })
    }
}

/// Looks at signature and name as far as it is told to, and always whether the other end has the key of what it shows.
#[derive(Debug)]
struct Lenient {
    signed: Option<Arc<WebPkiServerVerifier>>,
    /// Taken for what they are, too: a server that signed for itself is its own authority.
    own: Vec<CertificateDer<'static>>,
    named: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(signed) = &self.signed else { return Ok(ServerCertVerified::assertion()) };
        if self.own.iter().any(|own| own.as_ref() == end_entity.as_ref()) {
            if self.named {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match signed.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is what is looked at last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.named => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    /// An authority, and a certificate for `db` that it signed.
    fn signed() -> (CertificateDer<'static>, CertificateDer<'static>) {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let leaf = CertificateParams::new(vec!["db".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        (issuer.der().clone(), leaf.der().clone())
    }

    fn accepts(trust: &Trust, certificate: &CertificateDer<'static>, name: &str) -> bool {
        let verifier = trust.verifier(&Arc::new(ring::default_provider())).unwrap();
        let (name, now) = (ServerName::try_from(name.to_owned()).unwrap(), UnixTime::now());
        verifier.verify_server_cert(certificate, &[], &name, &[], now).is_ok()
    }

    #[test]
    fn each_trust_is_as_far_as_it_says() {
        let ((ca, leaf), (_, strange)) = (signed(), signed());
        let named = Trust::Named(Roots::Own(vec![ca.clone()]));
        assert!(accepts(&named, &leaf, "db") && !accepts(&named, &leaf, "other") && !accepts(&named, &strange, "db"));
        let by = Trust::Signed(Roots::Own(vec![ca]));
        assert!(accepts(&by, &leaf, "db") && accepts(&by, &leaf, "other") && !accepts(&by, &strange, "db"));
        assert!(accepts(&Trust::Anyone, &strange, "other"));
        assert!(!accepts(&Trust::Named(Roots::Web), &leaf, "db"));
    }

    #[test]
    fn a_server_that_signed_for_itself_is_known_by_its_certificate() {
        let mut both = CertificateParams::new(vec!["db".to_owned()]).unwrap();
        both.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let both = both.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();
        let named = Trust::Named(Roots::Own(vec![both.clone()]));
        assert!(accepts(&named, &both, "db") && !accepts(&named, &both, "other"));
        assert!(accepts(&Trust::Signed(Roots::Own(vec![both.clone()])), &both, "other"));
    }
}
