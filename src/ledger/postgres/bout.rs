//! A bout of failures, said once when it begins and once when it is over: each failure would fill the log.
//! Knows nothing of what failed.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::error::Failure;

/// So long nothing must have failed: a disk that is full for the one has room for the other.
const QUIET: Duration = Duration::from_secs(3);

/// So long after something found no room nothing else is promised any. What says that this process is here is written over
/// itself and finds room where nothing else does.
const FULL: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Bout {
    failed_last: Cell<Option<Instant>>,
    full_last: Cell<Option<Instant>>,
}

impl Bout {
    /// Notes a failure.
    pub(super) fn failed(&self, failure: &Failure) {
        if matches!(failure, Failure::Closed | Failure::Full) {
            return;
        }
        if failure.is_of_room() {
            self.full_last.set(Some(Instant::now()));
        }
        if self.failed_last.replace(Some(Instant::now())).is_none() {
            tracing::error!(error = %failure, "the ledger fails; nothing of what fails is acknowledged");
        }
    }

    /// Whether the disk was full a moment ago.
    pub(super) fn is_full(&self) -> bool {
        self.full_last.get().is_some_and(|at| at.elapsed() < FULL)
    }

    /// Notes the failure of a result that is one.
    pub(super) fn note<T>(&self, result: &Result<T, Failure>) {
        if let Err(failure) = result {
            self.failed(failure);
        }
    }

    /// Notes that something was written.
    pub(super) fn works(&self) {
        if self.failed_last.get().is_some_and(|at| at.elapsed() >= QUIET) {
            self.failed_last.set(None);
            tracing::info!("the ledger works again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bout_lasts_until_nothing_failed_for_a_while() {
        let bout = Bout::default();
        bout.failed(&Failure::Closed);
        assert!(bout.failed_last.get().is_none(), "an end is no failure");
        bout.failed(&Failure::Slow(QUIET));
        bout.works();
        assert!(bout.failed_last.get().is_some());
        bout.failed_last.set(Instant::now().checked_sub(QUIET));
        bout.works();
        assert!(bout.failed_last.get().is_none());
    }

    #[test]
    fn no_room_is_no_news_and_makes_no_room_last_no_longer() {
        let bout = Bout::default();
        bout.failed(&Failure::Full);
        assert!(!bout.is_full() && bout.failed_last.get().is_none());
        bout.full_last.set(Some(Instant::now()));
        assert!(bout.is_full());
        bout.full_last.set(Instant::now().checked_sub(FULL));
        assert!(!bout.is_full());
    }
}
