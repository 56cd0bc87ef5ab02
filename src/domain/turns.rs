//! Whose turn it is among senders that share something by weight: stride scheduling.
//! Pure: knows nothing of what is shared.

use std::collections::HashMap;

use super::SenderName;

/// What a turn costs a sender of weight 1.
const STRIDE: u128 = 1 << 32;
/// So many strangers are kept in mind.
const STRANGERS: usize = 64;

/// A fair order of turns: of several senders that always wait, each gets turns in proportion to its weight.
///
/// Who did not wait for a while gets the next turn when it does, and no more than that: time without waiting earns nothing.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    weights: HashMap<SenderName, u32>,
    /// Where the next turn of each sender stands.
    passes: HashMap<SenderName, u128>,
    /// Where the last turn stood: nobody who waits stands before it.
    at: u128,
}

impl Turns {
    /// A sender without a weight has 1; a weight of 0 counts as 1.
    pub fn new(weights: impl IntoIterator<Item = (SenderName, u32)>) -> Self {
        Self { weights: weights.into_iter().collect(), ..Self::default() }
    }

    /// Whose turn it is among those that wait, and counts it as taken; `None` where nobody waits.
    pub fn next<'a>(&mut self, waiting: impl Iterator<Item = &'a SenderName>) -> Option<&'a SenderName> {
        let (at, pass, sender) = waiting.map(|sender| self.place(sender)).min()?;
        self.at = at;
        debug_assert!(pass <= at, "a place is never before the pass");
        let weight = self.weights.get(sender).copied().unwrap_or(1).max(1);
        self.passes.insert(sender.clone(), at + STRIDE / u128::from(weight));
        self.forget();
        Some(sender)
    }

    /// Whoever stands level with the last turn needs no place; where that is not enough, all stand level again.
    fn forget(&mut self) {
        let most = self.weights.len() + STRANGERS;
        if self.passes.len() > most {
            self.passes.retain(|_, pass| *pass > self.at);
        }
        if self.passes.len() > most {
            self.passes.clear();
        }
    }

    /// Between senders that stand level, who has waited for no turn the longest comes first.
    fn place<'a>(&self, sender: &'a SenderName) -> (u128, u128, &'a SenderName) {
        let pass = self.passes.get(sender).copied().unwrap_or(0);
        (pass.max(self.at), pass, sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(count: usize) -> Vec<SenderName> {
        (0..count).map(|number| SenderName::try_from(format!("sender_{number}")).unwrap()).collect()
    }

    fn turns(weights: &[u32]) -> (Turns, Vec<SenderName>) {
        let names = names(weights.len());
        (Turns::new(names.iter().cloned().zip(weights.iter().copied())), names)
    }

    #[test]
    fn nobody_waiting_is_nobodys_turn() {
        assert_eq!(Turns::default().next([].iter()), None);
    }

    #[test]
    fn a_sender_of_twice_the_weight_gets_twice_the_turns() {
        let (mut turns, names) = turns(&[2, 1]);
        let order: Vec<_> = (0..9).filter_map(|_| turns.next(names.iter())).collect();
        assert_eq!(order.iter().filter(|name| **name == &names[0]).count(), 6);
    }

    #[test]
    fn a_sender_that_was_idle_is_next_and_then_waits_like_the_rest() {
        let (mut turns, names) = turns(&[1, 1, 1]);
        (0..1000).for_each(|_| assert!(turns.next(names[..2].iter()).is_some()));
        assert_eq!(turns.next(names.iter()), Some(&names[2]));
        let of_idle = (0..30).filter(|_| turns.next(names.iter()) == Some(&names[2])).count();
        assert!((9..=11).contains(&of_idle), "no credit for the time without waiting: {of_idle}");
    }

    #[test]
    fn strangers_are_not_kept_for_ever() {
        let mut turns = Turns::default();
        for name in &names(10_000) {
            assert_eq!(turns.next([name].into_iter()), Some(name));
        }
        assert!(turns.passes.len() <= STRANGERS + 1);
    }

    proptest! {
        #[test]
        fn shares_are_as_the_weights_are(weights in proptest::collection::vec(0_u32..20, 1..8)) {
            let (mut turns, names) = turns(&weights);
            let total: u32 = weights.iter().map(|weight| (*weight).max(1)).sum();
            let mut taken = vec![0_u32; weights.len()];
            for _ in 0..total * 50 {
                let next = turns.next(names.iter()).unwrap();
                taken[names.iter().position(|name| name == next).unwrap()] += 1;
            }
            for (taken, weight) in taken.iter().zip(&weights) {
                let due = weight.max(&1) * 50;
                prop_assert!(taken.abs_diff(due) <= weights.len() as u32 + 1, "{taken} turns, {due} due");
            }
        }

        #[test]
        fn no_sender_that_waits_starves(
            weights in proptest::collection::vec(1_u32..50, 2..8),
            rounds in proptest::collection::vec(any::<u8>(), 1..500),
        ) {
            let (mut turns, names) = turns(&weights);
            // The first waits all the time, the others as they like.
            let mut without = 0;
            for round in rounds {
                let others = names.iter().enumerate().skip(1).filter(|(number, _)| round >> number & 1 == 1);
                let waiting = std::iter::once(&names[0]).chain(others.map(|(_, name)| name));
                without = if turns.next(waiting) == Some(&names[0]) { 0 } else { without + 1 };
                // One round of everybody's weights, as the first counts its own.
                let longest = weights[1..].iter().map(|weight| weight.div_ceil(weights[0]) + 1).sum::<u32>();
                prop_assert!(without <= longest, "{without} turns of others");
            }
        }

        #[test]
        fn a_new_sender_is_next_whatever_came_before(
            weights in proptest::collection::vec(1_u32..50, 2..8),
            before in 8_usize..300,
        ) {
            let (mut turns, names) = turns(&weights);
            let (new, old) = names.split_last().unwrap();
            (0..before).for_each(|_| assert!(turns.next(old.iter()).is_some()));
            prop_assert_eq!(turns.next(names.iter()), Some(new));
        }
    }
}
