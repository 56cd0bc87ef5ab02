//! Why there is no answer, and what a person can do about it.
//! Knows nothing of requests.

use std::io;

use actix_http::error::ParseError;
use awc::error::{ConnectError, SendRequestError};
use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

use crate::cli::terminal::harmless;

const NO_TLS: &str = "the service does not speak TLS at this port: try http:// instead of https://";
const MAYBE_TLS: &str = "the service may speak TLS at this port: try https:// instead of http://";
const SHOW: &str = "the service wants a client certificate: name one with --cert and --key";
const MAYBE_SHOW: &str =
    "a service that wants a client certificate may end a connection like this: name one with --cert and --key";
const OTHER: &str = "the service does not trust the authority that signed the certificate of --cert";
const TRUST: &str = "if that certificate is to be trusted, name the authority that signed it with --ca";

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(super) struct NoAnswer {
    why: Why,
    help: Option<&'static str>,
}

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("no answer in time")]
    TooSlow,
    #[error("the connection was lost: {0}")]
    Lost(String),
}

/// What the sender does, as far as it may be the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// Without TLS.
    Plain,
    /// With TLS, and no certificate to show.
    Anonymous,
    /// With TLS and a certificate.
    Certified,
}

impl NoAnswer {
    /// Nothing came in time.
    pub(super) fn too_slow() -> Self {
        Self { why: Why::TooSlow, help: None }
    }

    /// The answer broke off.
    pub(super) fn lost(error: impl ToString) -> Self {
        Self { why: Why::Lost(harmless(&error.to_string())), help: None }
    }

    /// The request was not answered.
    pub(super) fn of(error: &SendRequestError, face: Face) -> Self {
        let why = why(error);
        let help = tls_fault(error).map_or_else(|| guess(error, &why, face), remedy);
        Self { why, help }
    }

    /// What to do about it.
    pub(super) fn help(&self) -> Option<&'static str> {
        self.help
    }
}

fn why(error: &SendRequestError) -> Why {
    match error {
        // awc's name for a connection that closed where the answer should have been.
        SendRequestError::Connect(ConnectError::Disconnected) => Why::Lost("it was closed".to_owned()),
        SendRequestError::Connect(error) => Why::Unreachable(harmless(&error.to_string())),
        SendRequestError::Url(error) => Why::Unreachable(harmless(&error.to_string())),
        SendRequestError::Timeout => Why::TooSlow,
        error => Why::Lost(harmless(&error.to_string())),
    }
}

/// What TLS itself said.
fn tls_fault(error: &SendRequestError) -> Option<&TlsError> {
    let error: &io::Error = match error {
        SendRequestError::Connect(ConnectError::Io(error)) | SendRequestError::Send(error) => error,
        SendRequestError::Response(ParseError::Io(error)) => error,
        _ => return None,
    };
    error.get_ref()?.downcast_ref()
}

fn remedy(fault: &TlsError) -> Option<&'static str> {
    match fault {
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => Some(NO_TLS),
        TlsError::AlertReceived(AlertDescription::CertificateRequired) => Some(SHOW),
        TlsError::AlertReceived(AlertDescription::UnknownCA) => Some(OTHER),
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => Some(TRUST),
        _ => None,
    }
}

fn guess(error: &SendRequestError, why: &Why, face: Face) -> Option<&'static str> {
    match (error, why, face) {
        (SendRequestError::Response(_), _, Face::Plain) => Some(MAYBE_TLS),
        // The connection may end before the alert that says why is read.
        (_, Why::Lost(_), Face::Anonymous) => Some(MAYBE_SHOW),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(fault: TlsError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, fault)
    }

    #[test]
    fn what_tls_says_is_told_with_what_to_do() {
        let cases = [
            (TlsError::InvalidMessage(InvalidMessage::InvalidContentType), "http://"),
            (TlsError::AlertReceived(AlertDescription::CertificateRequired), "--cert"),
            (TlsError::InvalidCertificate(CertificateError::UnknownIssuer), "--ca"),
        ];
        for (fault, word) in cases {
            let connecting = SendRequestError::Connect(ConnectError::Io(tls(fault.clone())));
            let reading = SendRequestError::Response(ParseError::Io(tls(fault)));
            for error in [connecting, reading] {
                let help = NoAnswer::of(&error, Face::Certified).help();
                assert!(help.is_some_and(|help| help.contains(word)), "{error}: {help:?}");
            }
        }
    }

    #[test]
    fn what_may_be_the_reason_is_told_only_where_it_can_be() {
        let help = |error: &SendRequestError, face| NoAnswer::of(error, face).help();
        let reset = SendRequestError::Send(io::ErrorKind::ConnectionReset.into());
        assert_eq!(
            [Face::Plain, Face::Anonymous, Face::Certified].map(|face| help(&reset, face)),
            [None, Some(MAYBE_SHOW), None]
        );
        let strange = SendRequestError::Response(ParseError::Version);
        assert_eq!((help(&strange, Face::Plain), help(&strange, Face::Certified)), (Some(MAYBE_TLS), None));
        let refused = SendRequestError::Connect(ConnectError::Io(io::ErrorKind::ConnectionRefused.into()));
        assert_eq!([Face::Plain, Face::Anonymous].map(|face| help(&refused, face)), [None, None]);
    }
}
