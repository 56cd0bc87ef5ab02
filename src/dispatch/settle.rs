//! Writes to the ledger what came of a claim, again and again until it is written.
//! Knows nothing of calls and answers.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::time;
use jiff::Timestamp;

use crate::ledger::{Claim, LedgerError, Settled, Settlement};

use super::context::Context;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a shutdown waits for a ledger that does not take the last settlements; their leases lapse, nothing is lost.
const GRACE: Duration = Duration::from_secs(5);

impl Context {
    /// Settles an attempt; `None` where the ledger takes nothing more.
    pub(super) async fn settle(&self, settlement: &Arc<Settlement>) -> Option<Settled> {
        self.insist(|| self.ledger.settle(Arc::clone(settlement))).await
    }

    /// Gives a claim back without an attempt.
    pub(super) async fn release(&self, claim: &Claim, due_at: Timestamp) {
        self.insist(|| self.ledger.release(claim.ticket, claim.lease, due_at)).await;
    }

    async fn insist<F>(&self, write: impl Fn() -> F) -> Option<Settled>
    where
        F: Future<Output = Result<Settled, LedgerError>>,
    {
        let first = self.said(write().await);
        if !passes(&first) {
            return first.ok();
        }
        self.unwritten.set(self.unwritten.get() + 1);
        let settled = self.try_again(write).await;
        self.unwritten.set(self.unwritten.get() - 1);
        settled
    }

    async fn try_again<F>(&self, write: impl Fn() -> F) -> Option<Settled>
    where
        F: Future<Output = Result<Settled, LedgerError>>,
    {
        let (begun, mut pause) = (time::Instant::now(), FIRST_PAUSE);
        while !self.shutdown.is_cancelled() || begun.elapsed() <= GRACE {
            time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            let result = self.said(write().await);
            if !passes(&result) {
                return result.ok();
            }
        }
        None
    }

    /// Says when the ledger begins to fail and when it works again, not each time in between.
    pub(super) fn said<T>(&self, result: Result<T, LedgerError>) -> Result<T, LedgerError> {
        match &result {
            Err(error) if !self.troubled.replace(true) => {
                tracing::error!(%error, "the ledger fails; dispatching waits for it");
            }
            Ok(_) if self.troubled.replace(false) => tracing::warn!("the ledger works again"),
            _ => {}
        }
        result
    }
}

/// Whether this is a failure that another try may not meet.
fn passes(result: &Result<Settled, LedgerError>) -> bool {
    matches!(result, Err(LedgerError::Full | LedgerError::Busy | LedgerError::Unavailable(_)))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio_util::sync::CancellationToken;

    use super::super::Policy;
    use super::*;
    use crate::bapi::{Client, ClientConfig, SecretKey};
    use crate::ledger::Ledger;
    use crate::metrics::Metrics;

    /// What comes of a write that meets these results in turn, and at each try how much was known to be unwritten; time
    /// runs by itself.
    async fn insist(
        results: Vec<Result<Settled, LedgerError>>,
        shutdown: CancellationToken,
    ) -> (Option<Settled>, Vec<usize>) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let client = Client::new(ClientConfig::new("http://127.0.0.1:1", SecretKey::new("sk_test_1"))).unwrap();
        let context = Context::new(ledger, client, Policy::default(), Arc::new(Metrics::new()), shutdown);
        let (results, tries) = (RefCell::new(results.into_iter()), RefCell::new(Vec::new()));
        let settled = context
            .insist(|| {
                tries.borrow_mut().push(context.unwritten.get());
                std::future::ready(results.borrow_mut().next().unwrap())
            })
            .await;
        assert_eq!(context.unwritten.get(), 0);
        (settled, tries.into_inner())
    }

    #[actix_rt::test]
    async fn a_settlement_is_written_when_the_ledger_works_again() {
        tokio::time::pause();
        let results = vec![
            Err(LedgerError::Full),
            Err(LedgerError::Unavailable("io".to_owned())),
            Ok(Settled::Recorded { finished: Vec::new() }),
        ];
        assert_eq!(
            insist(results, CancellationToken::new()).await,
            (Some(Settled::Recorded { finished: Vec::new() }), vec![0, 1, 1])
        );
    }

    #[actix_rt::test]
    async fn a_stale_settlement_and_a_closed_ledger_end_the_tries() {
        tokio::time::pause();
        assert_eq!(insist(vec![Ok(Settled::Stale)], CancellationToken::new()).await, (Some(Settled::Stale), vec![0]));
        assert_eq!(insist(vec![Err(LedgerError::Closed)], CancellationToken::new()).await, (None, vec![0]));
    }

    #[actix_rt::test]
    async fn a_shutdown_does_not_wait_for_ever() {
        tokio::time::pause();
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let (settled, tries) = insist((0..100).map(|_| Err(LedgerError::Full)).collect(), shutdown).await;
        assert_eq!(settled, None);
        assert!(tries.len() > 2);
    }
}
