//! How much may be in the house at once: the memory of bodies and of what is made of them, and unfinished changes.
//! Knows nothing of what a body means, nor of how a refusal is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What all bodies together may cost, in bytes of memory; a larger body limit brings more.
const ROOM: usize = 24 * 1024 * 1024;
/// However small a body, its request and its event cost something.
const LEAST: usize = 4 * 1024;
/// The bytes as they came, as a value, as a row, and what the allocator keeps of the last one.
const COPIES: usize = 4;
/// What each value costs beyond its text.
const VALUE: usize = 96;
/// What each object costs: a node of its map has room for eleven members.
const OBJECT: usize = 1024;

/// The memory that bodies may take; clones share it.
#[derive(Debug, Clone)]
pub struct Admission {
    taken: Arc<AtomicUsize>,
    room: usize,
}

/// A share of that memory, held until what it stands for is gone.
#[derive(Debug)]
pub struct Permit {
    admission: Admission,
    held: usize,
}

impl Admission {
    /// Room for some bodies as large as the limit, and for many small ones.
    pub fn new(body_limit: usize) -> Self {
        Self { taken: Arc::default(), room: ROOM.max(body_limit.saturating_mul(2 * COPIES)) }
    }

    /// A smaller one, for bodies of which nobody knows yet who sent them.
    pub fn of_strangers(body_limit: usize) -> Self {
        Self { taken: Arc::default(), room: (ROOM / 4).max(body_limit.saturating_mul(2 * COPIES)) }
    }

    /// Takes in a body of the announced length, or one that grows as it comes; `None` when there is no room.
    pub fn admit(&self, announced: Option<u64>) -> Option<Permit> {
        let announced = announced.map_or(Some(0), |length| usize::try_from(length).ok())?;
        let mut permit = Permit { admission: self.clone(), held: 0 };
        permit.hold(LEAST.saturating_add(announced.saturating_mul(COPIES))).then_some(permit)
    }

    fn take(&self, more: usize) -> bool {
        let taken = |taken: usize| taken.checked_add(more).filter(|taken| *taken <= self.room);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }
}

impl Permit {
    /// Makes sure that a body of `length` bytes is paid for; false when there is no room.
    pub(super) fn cover_bytes(&mut self, length: usize) -> bool {
        self.hold(LEAST.saturating_add(length.saturating_mul(COPIES)))
    }

    /// Makes sure that what is made of this JSON is paid for; false when there is no room.
    pub(super) fn cover_parsed(&mut self, body: &[u8]) -> bool {
        self.hold(LEAST.saturating_add(cost(body)))
    }

    /// Gives everything back.
    fn release(&mut self) {
        self.admission.taken.fetch_sub(std::mem::take(&mut self.held), Ordering::Relaxed);
    }

    /// Whoever alone needs more than all the room gets all of it: better that than never.
    fn hold(&mut self, wanted: usize) -> bool {
        let more = wanted.min(self.admission.room).saturating_sub(self.held);
        if more > 0 && !self.admission.take(more) {
            return false;
        }
        self.held += more;
        true
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.release();
    }
}

/// The most memory that this JSON takes up once it is parsed, from the marks that begin a value or an object.
fn cost(body: &[u8]) -> usize {
    let mark = |byte: &u8| match byte {
        b',' | b'[' => VALUE,
        b'{' => OBJECT,
        _ => 0,
    };
    body.len().saturating_mul(COPIES) + body.iter().map(mark).sum::<usize>()
}

/// How many changes may be unfinished before no more events are taken; clones share what is known.
#[derive(Debug, Clone)]
pub struct Backlog {
    unfinished: Arc<AtomicU64>,
    limit: u64,
}

impl Backlog {
    /// None unfinished yet, as far as is known.
    pub fn new(limit: u64) -> Self {
        Self { unfinished: Arc::default(), limit }
    }

    /// So many are unfinished now.
    pub fn set(&self, unfinished: u64) {
        self.unfinished.store(unfinished, Ordering::Relaxed);
    }

    /// Whether the limit was reached when somebody last looked.
    pub fn is_full(&self) -> bool {
        self.unfinished.load(Ordering::Relaxed) >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: usize = 256 * 1024;

    #[test]
    fn bodies_are_taken_in_until_the_room_is_full_and_again_when_some_left() {
        let admission = Admission::new(LIMIT);
        let mut permits: Vec<_> = std::iter::from_fn(|| admission.admit(Some(LIMIT as u64))).collect();
        assert_eq!(permits.len(), 23);
        permits.pop();
        permits[0].release();
        assert!(admission.clone().admit(Some(LIMIT as u64)).is_some());
        drop(permits);
        assert_eq!(admission.taken.load(Ordering::Relaxed), 0, "released once, whether by hand or not");
    }

    #[test]
    fn a_body_that_grows_pays_as_it_does() {
        let admission = Admission::new(LIMIT);
        let mut permits: Vec<_> = (0..50).map(|_| admission.admit(None).unwrap()).collect();
        assert_eq!(permits.iter_mut().filter_map(|permit| permit.cover_bytes(LIMIT).then_some(())).count(), 23);
        assert!(permits[0].cover_bytes(10), "what is paid for is paid for");
    }

    #[test]
    fn a_body_that_costs_more_than_there_is_gets_in_when_it_is_alone() {
        let admission = Admission::new(LIMIT);
        let dear = "{\"\":0},".repeat(LIMIT / 7);
        let mut permit = admission.admit(Some(dear.len() as u64)).unwrap();
        assert!(permit.cover_parsed(dear.as_bytes()));
        assert!(admission.admit(None).is_none());
        drop(permit);
        let _other = admission.admit(None).unwrap();
        assert!(!admission.admit(None).unwrap().cover_parsed(dear.as_bytes()));
        assert!(admission.admit(Some(u64::MAX)).is_none());
    }

    #[test]
    fn a_large_limit_brings_room_for_large_bodies() {
        let large = 64 * 1024 * 1024;
        assert!(Admission::new(large).admit(Some(large as u64)).is_some());
    }

    #[test]
    fn a_backlog_is_full_from_its_limit_on() {
        let backlog = Backlog::new(3);
        let full = |unfinished| {
            backlog.set(unfinished);
            backlog.clone().is_full()
        };
        assert_eq!([0, 2, 3, 4, 0].map(full), [false, false, true, true, false]);
    }

    proptest! {
        #[test]
        fn the_room_is_never_overdrawn_and_comes_back(steps in prop::collection::vec((0u64..600_000, any::<bool>()), 1..200)) {
            let admission = Admission::new(LIMIT);
            let mut permits = Vec::new();
            for (length, leaves) in steps {
                if leaves && !permits.is_empty() {
                    permits.swap_remove(length as usize % permits.len());
                } else {
                    permits.extend(admission.admit(Some(length)));
                }
                let held: usize = permits.iter().map(|permit: &Permit| permit.held).sum();
                prop_assert_eq!(held, admission.taken.load(Ordering::Relaxed));
                prop_assert!(held <= admission.room);
            }
            drop(permits);
            prop_assert_eq!(admission.taken.load(Ordering::Relaxed), 0);
        }
    }
}
