//! Which keys are being handled just now: a second request with one of them is told to come again.
//! Knows nothing of what a key names; that is the ledger's to say.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::KeyId;

/// The keys in flight; clones share them.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Mutex<HashSet<KeyId>>>);

/// A key that is in flight as long as this lives.
#[derive(Debug)]
pub(super) struct Guard {
    all: InFlight,
    key: KeyId,
}

impl InFlight {
    /// `None` while another request with this key is being handled.
    ///
    /// It leaves with its handler. One that is dropped while the ledger writes, because its caller went away, leaves
    /// before the commit is known: the ledger looks at keys again in its own order, so that there is one effect all the same.
    pub(super) fn enter(&self, key: KeyId) -> Option<Guard> {
        let entered = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        entered.then(|| Guard { all: self.clone(), key })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SenderName;

    #[test]
    fn a_key_is_in_flight_once_and_free_when_its_request_is_gone() {
        let sender = SenderName::try_from("billing".to_owned()).unwrap();
        let (key, other) = (KeyId::of(&sender, "idempotency-key", "a"), KeyId::of(&sender, "idempotency-key", "b"));
        let all = InFlight::default();
        let first = all.enter(key);
        assert!(first.is_some() && all.clone().enter(key).is_none() && all.enter(other).is_some());
        drop(first);
        assert!(all.enter(key).is_some());
    }
}
