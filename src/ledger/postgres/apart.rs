//! Who of a group may be written at once: no two that share a name, because what comes of the second depends on the first.
//! Knows nothing of the database.

use std::collections::HashSet;

use crate::ledger::types::Sighting;

/// Those that share no name with an earlier one, and those that have to wait for one; both in their order.
pub(super) fn apart<T>(all: Vec<T>, sighting: impl Fn(&T) -> &Sighting) -> (Vec<T>, Vec<T>) {
    let (mut ids, mut keys) = (HashSet::with_capacity(all.len()), HashSet::new());
    all.into_iter().partition(|one| {
        let sighting = sighting(one);
        let mut free = ids.insert(sighting.event);
        // One that waits claims its names as well: whoever shares them waits for it in turn.
        let mut own = HashSet::new();
        for key in sighting.keys.iter().filter(|key| own.insert(**key)) {
            free &= keys.insert(*key);
        }
        free
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Digest, EventId, KeyId, SenderName};

    fn sighting(event: u8, keys: &[&str]) -> Sighting {
        let sender = SenderName::try_from("billing".to_owned()).unwrap();
        let keys = keys.iter().map(|key| KeyId::of(&sender, "idempotency-key", key)).collect();
        Sighting { event: EventId::from_bytes([event; 16]), content: Digest([0; 32]), keys }
    }

    fn split(all: &[Sighting]) -> (Vec<usize>, Vec<usize>) {
        let (now, later) = apart(all.iter().enumerate().collect(), |(_, sighting)| sighting);
        let places = |some: Vec<(usize, &Sighting)>| some.into_iter().map(|(place, _)| place).collect();
        (places(now), places(later))
    }

    #[test]
    fn events_of_different_names_go_together() {
        assert_eq!(split(&[sighting(1, &[]), sighting(2, &["a"]), sighting(3, &["b"])]), (vec![0, 1, 2], vec![]));
    }

    #[test]
    fn a_repeat_waits_for_the_first_and_others_do_not_wait_for_it() {
        let all = [sighting(1, &[]), sighting(1, &[]), sighting(2, &[]), sighting(1, &[])];
        assert_eq!(split(&all), (vec![0, 2], vec![1, 3]));
    }

    #[test]
    fn whoever_shares_a_key_waits() {
        assert_eq!(split(&[sighting(1, &["a", "b"]), sighting(2, &["b"])]), (vec![0], vec![1]));
    }

    #[test]
    fn one_that_waits_claims_its_names() {
        let all = [sighting(1, &[]), sighting(1, &["a"]), sighting(2, &["a"])];
        assert_eq!(split(&all), (vec![0], vec![1, 2]));
    }

    #[test]
    fn a_key_that_one_event_gives_twice_is_one_key() {
        assert_eq!(split(&[sighting(1, &["a", "a"])]), (vec![0], vec![]));
    }
}
