//! How far a purge came: what is kept is not looked at again and again.
//! Knows nothing of events.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// A walk that passes no more steps without a deletion begins anew at once.
const FREE: u32 = 20;
/// Walking over what is kept takes one part of so many of the time.
const SHARE: u32 = 50;

#[derive(Default)]
pub(in crate::ledger::postgres) struct Progress {
    /// Everything up to this was looked at; 0 at the beginning.
    passed: Cell<i64>,
    /// So many steps of this walk went over events that are kept, and so long they took.
    in_vain: Cell<(u32, Duration)>,
    /// Before that no walk begins anew.
    rests: Cell<Option<Instant>>,
}

impl Progress {
    pub(super) fn passed(&self) -> i64 {
        self.passed.get()
    }

    pub(super) fn is_at_the_beginning(&self) -> bool {
        self.passed.get() == 0
    }

    /// What was looked at lies behind; so it goes on.
    pub(super) fn pass(&self, seq: i64, purged: usize, took: Duration) -> bool {
        self.passed.set(seq);
        if purged == 0 {
            let (steps, spent) = self.in_vain.get();
            self.in_vain.set((steps + 1, spent + took));
        }
        true
    }

    /// Only what is too young is left: says whether it goes on, from the beginning, with what may be over by now. Not so
    /// where it came from there, or where walking there takes long.
    pub(super) fn end(&self, whole: bool) -> bool {
        let now = Instant::now();
        let (steps, spent) = self.in_vain.take();
        if steps > FREE {
            self.rests.set(Some(now + spent * SHARE));
        }
        if self.rests.get().is_some_and(|rests| rests > now) {
            return false;
        }
        self.passed.set(0);
        !whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    #[test]
    fn a_walk_from_the_middle_goes_on_from_the_beginning_and_a_whole_one_ends() {
        let progress = Progress::default();
        assert!(progress.is_at_the_beginning());
        assert!(progress.pass(7, 0, STEP));
        assert_eq!(progress.passed(), 7);
        assert!(progress.end(false) && progress.is_at_the_beginning());
        assert!(progress.pass(9, 0, STEP));
        assert!(!progress.end(true) && progress.is_at_the_beginning());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_walk_over_what_is_kept_is_not_begun_anew_for_a_while() {
        let progress = Progress::default();
        (1..=21).for_each(|seq| assert!(progress.pass(seq, 0, STEP)));
        assert!(!progress.end(true));
        assert_eq!(progress.passed(), 21, "what comes next is still purged");
        progress.pass(99, 2, STEP);
        assert!(!progress.end(false));
        tokio::time::advance(Duration::from_secs(106)).await;
        assert!(progress.end(false) && progress.is_at_the_beginning());
    }

    #[test]
    fn what_it_takes_to_delete_is_no_reason_to_rest() {
        let progress = Progress::default();
        (1..=99).for_each(|seq| assert!(progress.pass(seq, 200, STEP)));
        assert!(!progress.end(true) && progress.is_at_the_beginning());
    }
}
