//! The keys of a token's issuer: kept in memory, replaced whole, asked for again when a token names one that is not there.
//! Knows nothing of claims, nor how a key set is fetched.

mod parse;

use std::fmt::Display;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use crate::rules::Jwks;

pub(super) use parse::{Key, Keys};

/// No set is longer; a few keys take 2 KB.
pub const LONGEST: usize = 256 * 1024;
/// How long a request waits for a key that is not known yet.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two fetches that requests ask for, however many ask: anybody can send a token with an unknown key.
const BETWEEN_ASKED: Duration = Duration::from_secs(10);
/// Between two fetches that nobody asked for.
const EVERY: Duration = Duration::from_secs(300);
/// The same after one that failed.
const EVERY_FAILED: Duration = Duration::from_secs(30);
/// The same for a file, which costs nothing.
const EVERY_FILE: Duration = Duration::from_secs(2);

/// One key set in memory, shared by the senders whose tokens it verifies.
pub struct KeySet {
    place: Jwks,
    keys: watch::Sender<Arc<Keys>>,
    asked: Mutex<Asked>,
    wanted: Notify,
}

/// What requests have asked for.
struct Asked {
    /// A fetch is under way or about to begin: one more would not be faster.
    pending: bool,
    last: Option<Instant>,
}

impl KeySet {
    /// A set without keys, until the first fetch.
    pub(super) fn new(place: Jwks) -> Self {
        let asked = Mutex::new(Asked { pending: true, last: None });
        Self { place, keys: watch::Sender::new(Arc::default()), asked, wanted: Notify::new() }
    }

    /// Where it is fetched.
    pub fn place(&self) -> &Jwks {
        &self.place
    }

    /// Whether it never had a key.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.borrow().is_empty()
    }

    /// Gives `look` the keys as they are, and once more as fetched if it finds nothing there.
    pub(super) async fn find<T>(&self, look: impl Fn(&Keys) -> Option<T>) -> Option<T> {
        let mut news = self.keys.subscribe();
        let known = news.borrow_and_update().clone();
        let found = look(&known);
        if found.is_some() {
            return found;
        }
        if self.ask(Instant::now()) {
            // Whether in time or not: what is known then decides.
            let _ = timeout(PATIENCE, news.changed()).await;
        }
        let known = news.borrow().clone();
        look(&known)
    }

    /// Asks for a fetch, and says whether one is to be waited for.
    fn ask(&self, now: Instant) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.pending {
            return true;
        }
        if asked.last.is_some_and(|last| now.duration_since(last) < BETWEEN_ASKED) {
            return false;
        }
        *asked = Asked { pending: true, last: Some(now) };
        self.wanted.notify_one();
        true
    }

    /// Keeps the set up to date for as long as it is polled, with what `fetch` brings.
    pub async fn keep<E: Display>(&self, mut fetch: impl AsyncFnMut(&Jwks) -> Result<Vec<u8>, E>) {
        let mut bout = Bout::default();
        loop {
            self.set_pending(true);
            let keys = match fetch(&self.place).await {
                Ok(document) => Keys::parse(&document).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            bout.tell(&self.place, &keys);
            let pause = pause(&self.place, keys.is_ok());
            self.set_pending(false);
            // Those who wait are woken by a failure too.
            self.keys.send_modify(|known| {
                if let Ok(keys) = keys {
                    *known = Arc::new(keys);
                }
            });
            // In time, or at once when asked.
            let _ = timeout(pause, self.wanted.notified()).await;
        }
    }

    fn set_pending(&self, pending: bool) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).pending = pending;
    }
}

fn pause(place: &Jwks, good: bool) -> Duration {
    match place {
        Jwks::File(_) => EVERY_FILE,
        Jwks::Url { .. } if good => EVERY,
        Jwks::Url { .. } => EVERY_FAILED,
    }
}

/// Failures in a row, told once.
#[derive(Default)]
struct Bout(bool);

impl Bout {
    fn tell(&mut self, place: &Jwks, keys: &Result<Keys, String>) {
        let place = match place {
            Jwks::File(path) => path.display().to_string(),
            Jwks::Url { url, .. } => url.clone(),
        };
        match keys {
            Ok(keys) if mem::take(&mut self.0) => tracing::info!(place, keys = keys.len(), "the key set is back"),
            Err(error) if !mem::replace(&mut self.0, true) => {
                tracing::error!(place, error, "the key set cannot be fetched; the keys that are known stay");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
