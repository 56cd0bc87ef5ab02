//! Secrets whose files change: looked at again and again, since a mounted Secret changes by a swap of symbolic links.
//! Knows nothing of who uses them; whatever is wrong with a new one, the old one stays.

use std::path::Path;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Held, Kind, Proof, Secrets};
use crate::ingest::authenticate::Proofs;
use crate::settings;

const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What a look at the file of one secret found; nothing if it has no file.
pub(super) type Found = Option<Result<Proof, String>>;

impl Secrets {
    /// Keeps `proofs` to what is in the files until `stop`.
    pub(in super::super) async fn watch_until(mut self, stop: CancellationToken, proofs: Proofs) {
        if self.0.iter().all(|held| held.path.is_none()) {
            return;
        }
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let files: Vec<_> = self.0.iter().map(|held| (held.kind, held.path.clone())).collect();
            // A mounted file may be slow to answer, and this thread has signals to listen to.
            let look = move || files.iter().map(|(kind, path)| Some(look(*kind, path.as_deref()?))).collect();
            match spawn_blocking(look).await {
                Ok(found) => {
                    if self.take(found) {
                        proofs.replace(self.keyring());
                    }
                }
                Err(error) => tracing::error!(%error, "the files of secrets cannot be looked at"),
            }
        }
    }

    /// Takes what can be taken, in the order of the secrets; whether anything changed.
    pub(super) fn take(&mut self, mut found: Vec<Found>) -> bool {
        self.refuse_shared(&mut found);
        let news = self.0.iter_mut().zip(found).filter_map(|(held, found)| Some((held, found?)));
        news.fold(false, |changed, (held, found)| held.take(found) || changed)
    }

    /// Each refusal leaves an old secret in place, which may be what another has now: so until nothing is refused.
    fn refuse_shared(&self, found: &mut [Found]) {
        while let Some((at, other)) = self.shared(found) {
            found[at] = Some(Err(format!("is now the same as one of sender {}", self.0[other].sender)));
        }
    }

    /// A changed secret that one of another sender is the same as, and that one.
    fn shared(&self, found: &[Found]) -> Option<(usize, usize)> {
        let next = |at: usize| match &found[at] {
            Some(Ok(proof)) => proof,
            _ => &self.0[at].proof,
        };
        let is_new = |at: usize| next(at).digest != self.0[at].proof.digest;
        let clashes =
            |at: usize, other: usize| self.0[at].sender != self.0[other].sender && next(at).is_same(next(other));
        let all = || 0..self.0.len();
        all().filter(|&at| is_new(at)).find_map(|at| Some((at, all().find(|&other| clashes(at, other))?)))
    }
}

impl Held {
    /// Whether it changed; what is worth a line is logged once.
    fn take(&mut self, found: Result<Proof, String>) -> bool {
        let path = self.path.as_deref().unwrap_or(Path::new("")).display();
        let (sender, kind) = (&self.sender, self.kind.noun());
        match found {
            Ok(proof) => {
                self.trouble = None;
                let is_new = proof.digest != self.proof.digest;
                if is_new {
                    tracing::info!(%sender, kind, %path, "secret replaced");
                    self.proof = proof;
                }
                is_new
            }
            Err(trouble) => {
                if self.trouble.as_ref() != Some(&trouble) {
                    tracing::error!(%sender, kind, %path, reason = trouble, "secret not replaced, the one before stays");
                    self.trouble = Some(trouble);
                }
                false
            }
        }
    }
}

fn look(kind: Kind, path: &Path) -> Result<Proof, String> {
    let secret = settings::secret_file("the file", path).map_err(|mistake| mistake.problem)?;
    kind.read(&secret)
}
