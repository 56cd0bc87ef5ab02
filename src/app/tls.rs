//! TLS where senders post: certificate, key and the roots of clients from files, exchanged while connections go on.
//! Knows nothing of HTTP. Names rustls, because it is the public listener and not a call that is protected here.

mod files;
mod live;

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::settings::{Mistake, TlsFiles};
use files::{Contents, Digests};
use live::{Identity, Live};

/// Between two looks at the files.
const POLL: Duration = Duration::from_secs(2);

/// The TLS of a listener: what is in use, and where it came from.
pub struct Tls {
    files: TlsFiles,
    live: Arc<Live>,
    /// What was found last, good or not, so that nothing is said of it twice.
    seen: Result<Digests, Mistake>,
}

impl Tls {
    /// Reads the files, and names every mistake in them.
    pub(super) fn load(files: &TlsFiles) -> Result<Self, Vec<Mistake>> {
        let contents = Contents::read(files).map_err(|mistake| vec![mistake])?;
        let live = Arc::new(Live::new(contents.identity(files)?, files.client_ca.is_some()));
        Ok(Self { files: files.clone(), live, seen: Ok(contents.digests()) })
    }

    /// What the listener needs; it follows every exchange by itself.
    pub(super) fn server_config(&self) -> Result<ServerConfig, rustls::Error> {
        let builder =
            ServerConfig::builder_with_provider(live::provider()).with_protocol_versions(&[&TLS13, &TLS12])?;
        let mut config = match self.files.client_ca {
            Some(_) => builder.with_client_cert_verifier(self.live.clone()),
            None => builder.with_no_client_auth(),
        }
        .with_cert_resolver(self.live.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if self.files.client_ca.is_some() {
            // A resumed session would not be verified anew, whatever the roots are by then.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    /// Takes up what changes in the files until `stop`.
    pub(super) async fn watch_until(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(POLL)).await.is_some() {
            self.look();
        }
    }

    /// Exchanges what is in use if the files hold something else that is good.
    fn look(&mut self) {
        let contents = Contents::read(&self.files);
        let found = contents.as_ref().map(Contents::digests).map_err(Clone::clone);
        if found == self.seen {
            return;
        }
        self.seen = found;
        match contents.map_err(|mistake| vec![mistake]).and_then(|contents| contents.identity(&self.files)) {
            Ok(identity) => self.exchange(identity),
            Err(mistakes) => mistakes.iter().for_each(refused),
        }
    }

    fn exchange(&self, identity: Identity) {
        self.live.exchange(identity);
        tracing::info!(path = %self.files.certificate.display(), "the TLS files were read again and are in use");
    }
}

fn refused(mistake: &Mistake) {
    let Mistake { variable, problem, expected, .. } = mistake;
    tracing::error!(variable, problem, expected, "the TLS files cannot be used; what was read before stays");
}

#[cfg(test)]
mod tests;
