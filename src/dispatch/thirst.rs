//! The calls that wait for a token that all replicas share, and what wakes them; and what wakes whoever takes the tokens.
//! Knows nothing of how many there are.

use std::cell::Cell;
use std::time::Instant;

use actix_rt::time;
use tokio::sync::Notify;

#[derive(Default)]
pub(super) struct Thirst {
    calls: Cell<usize>,
    tokens: Notify,
    errands: Notify,
}

/// One call that waits, as long as it does.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn new(calls: &'a Cell<usize>) -> Self {
        calls.set(calls.get() + 1);
        Self(calls)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Thirst {
    /// Waits until then, or until there are more tokens.
    pub(super) async fn wait_until(&self, at: Instant) {
        let _waiting = Waiting::new(&self.calls);
        self.errand();
        tokio::select! {
            () = self.tokens.notified() => {}
            () = time::sleep_until(at.into()) => {}
        }
    }

    /// How many calls wait.
    pub(super) fn calls(&self) -> usize {
        self.calls.get()
    }

    /// More tokens came, or it is known that none do.
    pub(super) fn more(&self) {
        self.tokens.notify_waiters();
    }

    /// Something may be to do.
    pub(super) fn errand(&self) {
        self.errands.notify_one();
    }

    /// Waits until something may be to do.
    pub(super) async fn errand_came(&self) {
        self.errands.notified().await;
    }
}
