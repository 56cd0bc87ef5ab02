//! A bell for each thing that somebody waits for: who waits for one hears of it, and of nothing else.
//! Knows nothing of what the things are, and keeps nothing of those that nobody waits for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A handle on all the bells; clones share them.
#[derive(Debug)]
pub struct Outcomes<K>(Arc<Shared<K>>);

#[derive(Debug)]
struct Shared<K> {
    bells: Mutex<HashMap<K, Hung>>,
    closed: AtomicBool,
}

/// A bell in its place.
#[derive(Debug, Default)]
struct Hung {
    bell: Arc<Bell>,
    /// Counted under the lock. The `Arc` is no such count: a waiter lets go of its own when the lock is free again.
    waiters: usize,
}

#[derive(Debug, Default)]
struct Bell {
    /// How often it rang: what came between two looks is not missed.
    rings: AtomicU64,
    heard: Notify,
}

/// What a waiter hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// There is something new; rings that came before anybody listened count as one.
    Told,
    /// Nobody is told anything more.
    Closed,
}

/// Somebody who waits for one thing, as long as it lives.
#[derive(Debug)]
pub struct Watch<K: Copy + Eq + Hash> {
    shared: Arc<Shared<K>>,
    key: K,
    bell: Arc<Bell>,
    seen: u64,
}

impl<K> Clone for Outcomes<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for Outcomes<K> {
    fn default() -> Self {
        Self(Arc::new(Shared { bells: Mutex::default(), closed: AtomicBool::new(false) }))
    }
}

impl<K> Shared<K> {
    fn bells(&self) -> MutexGuard<'_, HashMap<K, Hung>> {
        // Nothing that panics is done under the lock.
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash> Shared<K> {
    fn join(&self, key: K) -> Arc<Bell> {
        let mut bells = self.bells();
        let hung = bells.entry(key).or_default();
        hung.waiters += 1;
        Arc::clone(&hung.bell)
    }

    /// The last who waits takes the bell down.
    fn leave(&self, key: &K) {
        let mut bells = self.bells();
        let Some(hung) = bells.get_mut(key) else { return };
        hung.waiters -= 1;
        if hung.waiters > 0 {
            return;
        }
        bells.remove(key);
        // A burst of waiters leaves no large table behind.
        if bells.capacity() > 64 && bells.len() < bells.capacity() / 8 {
            bells.shrink_to_fit();
        }
    }
}

impl<K: Copy + Eq + Hash> Outcomes<K> {
    /// Waits for this one from now on: look at how it stands only after this, and no ring is missed.
    pub fn watch(&self, key: K) -> Watch<K> {
        let bell = self.0.join(key);
        let seen = bell.rings.load(Ordering::Acquire);
        Watch { shared: Arc::clone(&self.0), key, bell, seen }
    }

    /// There is something new about this one.
    pub fn tell(&self, key: &K) {
        if let Some(hung) = self.0.bells().get(key) {
            hung.bell.ring();
        }
    }

    /// Lets go of everybody who waits, and of everybody who comes later.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.bells().values().for_each(|hung| hung.bell.ring());
    }

    /// How many are waited for.
    pub fn watched(&self) -> usize {
        self.0.bells().len()
    }
}

impl Bell {
    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::AcqRel);
        self.heard.notify_waiters();
    }
}

impl<K: Copy + Eq + Hash> Watch<K> {
    /// Waits until it is told of something that it has not been told of.
    pub async fn told(&mut self) -> News {
        loop {
            // Before the look at the count: a ring after it wakes this one.
            let heard = self.bell.heard.notified();
            if self.shared.closed.load(Ordering::Acquire) {
                return News::Closed;
            }
            let rings = self.bell.rings.load(Ordering::Acquire);
            if rings != self.seen {
                self.seen = rings;
                return News::Told;
            }
            heard.await;
        }
    }
}

impl<K: Copy + Eq + Hash> Drop for Watch<K> {
    fn drop(&mut self) {
        self.shared.leave(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn only_those_who_wait_for_it_hear_of_it_and_all_of_them_do() {
        let outcomes = Outcomes::default();
        let (mut one, mut same, mut other) = (outcomes.watch(1), outcomes.watch(1), outcomes.watch(2));
        outcomes.clone().tell(&1);
        outcomes.tell(&1);
        assert_eq!((one.told().now_or_never(), same.told().now_or_never()), (Some(News::Told), Some(News::Told)));
        assert_eq!((one.told().now_or_never(), other.told().now_or_never()), (None, None));
    }

    #[tokio::test]
    async fn a_ring_wakes_who_sleeps_and_one_between_two_waits_is_kept() {
        let outcomes = Outcomes::default();
        let mut watch = outcomes.watch(1);
        assert_eq!(tokio::join!(watch.told(), async { outcomes.tell(&1) }).0, News::Told);
        {
            let mut abandoned = Box::pin(watch.told());
            assert_eq!(abandoned.as_mut().now_or_never(), None);
            outcomes.tell(&1);
        }
        assert_eq!(watch.told().now_or_never(), Some(News::Told));
        assert_eq!(outcomes.watch(1).told().now_or_never(), None, "what was before it is not told");
    }

    #[test]
    fn who_waits_no_more_leaves_nothing_behind() {
        let outcomes = Outcomes::default();
        let (one, same) = (outcomes.watch(1), outcomes.watch(1));
        drop(one);
        assert_eq!(outcomes.watched(), 1);
        drop(same);
        assert_eq!(outcomes.watched(), 0);
        let many: Vec<_> = (0..10_000).map(|key| outcomes.watch(key)).collect();
        drop(many);
        assert_eq!(outcomes.watched(), 0);
        assert!(outcomes.0.bells().capacity() <= 64);
    }

    #[test]
    fn those_who_leave_at_the_same_moment_leave_nothing_behind() {
        let outcomes = Outcomes::default();
        let together = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for key in 0..20_000 {
                        let watch = outcomes.watch(key);
                        together.wait();
                        drop(watch);
                    }
                });
            }
        });
        assert_eq!(outcomes.watched(), 0);
    }

    #[test]
    fn the_end_is_told_to_those_who_wait_and_to_those_who_come_later() {
        let outcomes = Outcomes::default();
        let mut early = outcomes.watch(1);
        let mut waiting = Box::pin(early.told());
        assert_eq!(waiting.as_mut().now_or_never(), None);
        outcomes.close();
        assert_eq!(waiting.now_or_never(), Some(News::Closed));
        assert_eq!(outcomes.watch(2).told().now_or_never(), Some(News::Closed));
    }
}
