//! A bell: whoever makes work rings it, the one who waits for work hears it.
//! Knows nothing of what the work is.

mod outcomes;

use std::sync::Arc;

use tokio::sync::Notify;

pub use outcomes::{News, Outcomes, Watch};

/// A handle on the bell; clones ring the same one.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Says that there may be work; rings that nobody has heard yet count as one.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for a ring. One that came while nobody waited is kept, so that looking for work and then waiting misses none.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_ring_before_the_wait_is_kept_once() {
        let wake = Wake::default();
        wake.clone().ring();
        wake.ring();
        assert!(wake.rung().now_or_never().is_some());
        assert!(wake.rung().now_or_never().is_none());
    }

    #[test]
    fn a_ring_heard_by_an_abandoned_wait_is_not_lost() {
        let wake = Wake::default();
        {
            let mut abandoned = Box::pin(wake.rung());
            assert!(abandoned.as_mut().now_or_never().is_none());
            wake.ring();
        }
        assert!(wake.rung().now_or_never().is_some());
    }
}
