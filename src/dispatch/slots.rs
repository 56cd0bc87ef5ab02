//! The slots that calls wait for, as many as the limit of the moment; first come, first served.
//! Knows nothing of what the calls are.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::concurrency::{Ended, Limit};

/// So long the calls should have enough to do: the ledger may take this for a claim and for what is settled before it.
pub(super) const AHEAD: Duration = Duration::from_millis(10);
/// The same of a ledger that several share: a claim is a transaction, and costs hardly more for many than for one.
pub(super) const AHEAD_SHARED: Duration = Duration::from_millis(50);
/// Claimed for each slot at most, the one whose call is made included; and at least, however long a call takes.
const MOST_CLAIMED: usize = 8;
const LEAST_CLAIMED: usize = 2;

pub(super) struct Slots {
    limit: RefCell<Limit>,
    free: Semaphore,
    /// Free and taken ones together. More than the limit where it has shrunk below what is taken.
    issued: Cell<usize>,
    ahead: Duration,
}

/// One slot, as long as it is held.
pub(super) struct Held<'a>(&'a Slots);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.free.add_permits(1);
        self.0.fit(Instant::now());
    }
}

impl Slots {
    /// At most so many, with work for so long ahead.
    pub(super) fn new(most: usize, ahead: Duration) -> Self {
        let now = Instant::now();
        let limit = Limit::new(most.min(Semaphore::MAX_PERMITS / 2), now);
        let issued = limit.now(now);
        Self { limit: RefCell::new(limit), free: Semaphore::new(issued), issued: Cell::new(issued), ahead }
    }

    /// Waits for one.
    pub(super) async fn take(&self) -> Held<'_> {
        // It is never closed; if it were, a call too many would be better than none.
        match self.free.acquire().await {
            Ok(permit) => permit.forget(),
            Err(_) => self.issued.set(self.issued.get() + 1),
        }
        Held(self)
    }

    /// Heeds what came of a call.
    pub(super) fn ended(&self, now: Instant, call: Ended) {
        self.limit.borrow_mut().ended(now, call);
        self.fit(now);
    }

    /// Begins with few again.
    pub(super) fn begin_anew(&self, now: Instant) {
        self.limit.borrow_mut().begin_anew(now);
        self.fit(now);
    }

    /// How many there are at this time, measurements aside.
    pub(super) fn limit(&self) -> usize {
        self.limit.borrow().settled()
    }

    /// How many changes may be claimed at once: one for each slot, and as many more as their calls take while the ledger
    /// commits the next claim, so that no slot stands empty meanwhile.
    pub(super) fn claimable(&self) -> usize {
        let limit = self.limit.borrow();
        let calls = self.ahead.as_nanos() / limit.round_trip().as_nanos().max(1);
        let each = usize::try_from(calls).unwrap_or(usize::MAX).saturating_add(1).clamp(LEAST_CLAIMED, MOST_CLAIMED);
        limit.settled().saturating_mul(each)
    }

    /// As many slots as the limit says; those that are taken go when they come back.
    fn fit(&self, now: Instant) {
        let (limit, issued) = (self.limit.borrow().now(now), self.issued.get());
        if limit > issued {
            self.free.add_permits(limit - issued);
            self.issued.set(limit);
        } else {
            self.issued.set(issued - self.free.forget_permits(issued - limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn ended(slots: &Slots, in_order: bool) {
        slots.ended(Instant::now(), Ended { took: Duration::from_millis(1), in_flight: 64, in_order });
    }

    fn free(slots: &Slots) -> usize {
        std::iter::from_fn(|| slots.take().now_or_never()).collect::<Vec<_>>().len()
    }

    #[test]
    fn there_are_as_many_as_the_limit_and_each_comes_back() {
        let slots = Slots::new(3, AHEAD);
        assert_eq!((free(&slots), free(&slots)), (3, 3));
        let held = slots.take().now_or_never().unwrap();
        assert_eq!(free(&slots), 2);
        drop(held);
        assert_eq!(free(&slots), 3);
    }

    #[test]
    fn a_limit_that_shrinks_takes_those_that_come_back() {
        let slots = Slots::new(64, AHEAD);
        let held: Vec<_> = (0..8).filter_map(|_| slots.take().now_or_never()).collect();
        ended(&slots, false);
        assert_eq!(slots.limit(), 5);
        assert_eq!(free(&slots), 0);
        drop(held);
        assert_eq!(free(&slots), 5);
        slots.begin_anew(Instant::now());
        assert_eq!(free(&slots), 8);
    }

    #[test]
    fn the_shorter_a_call_the_more_is_claimed_ahead_of_it() {
        let slots = Slots::new(8, AHEAD);
        assert_eq!(slots.claimable(), 16);
        (0..64).for_each(|_| ended(&slots, true));
        assert_eq!(slots.claimable(), 64);
        let took = Duration::from_secs(1);
        slots.ended(Instant::now(), Ended { took, in_flight: 8, in_order: true });
        assert_eq!(slots.claimable(), 16);
    }

    #[test]
    fn a_limit_that_grows_lets_more_in() {
        let slots = Slots::new(64, AHEAD);
        (0..4).for_each(|_| ended(&slots, true));
        assert_eq!(free(&slots), 12);
    }
}
