//! When the next group goes: at once where nothing is under way, and beside one that is where that is worth it.
//! Knows nothing of what is in a group.

use std::time::Duration;

use tokio::time::Instant;

/// How many groups are under way at once: one is made ready while the other commits.
const GROUPS: usize = 2;

/// Each goes by a number that nobody else has.
pub(super) struct Flights<N> {
    under_way: Vec<Flight<N>>,
    /// How long a group takes, of late.
    usual: Duration,
}

impl<N> Default for Flights<N> {
    fn default() -> Self {
        Self { under_way: Vec::new(), usual: Duration::ZERO }
    }
}

struct Flight<N> {
    number: N,
    entries: usize,
    began: Instant,
}

impl<N: PartialEq> Flights<N> {
    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    pub(super) fn have_room(&self) -> bool {
        self.under_way.len() < GROUPS
    }

    /// A second group goes when it is as large as the first, or when the first takes longer than usual: the larger a
    /// group, the less each of it costs.
    pub(super) fn may_depart(&self, entries: usize, full: bool) -> bool {
        let worth_it = |flight: &Flight<N>| full || entries >= flight.entries;
        entries > 0 && self.have_room() && (self.under_way.iter().all(worth_it) || self.overdue() <= Instant::now())
    }

    /// When whoever waits has waited long enough for those under way.
    pub(super) fn overdue(&self) -> Instant {
        let last = self.under_way.last().map_or_else(Instant::now, |flight| flight.began);
        last + self.usual
    }

    pub(super) fn depart(&mut self, number: N, entries: usize) {
        self.under_way.push(Flight { number, entries, began: Instant::now() });
    }

    pub(super) fn land(&mut self, number: &N) {
        let Some(place) = self.under_way.iter().position(|flight| flight.number == *number) else { return };
        let took = self.under_way.remove(place).began.elapsed();
        self.usual = (self.usual * 7 + took) / 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_goes_at_once_where_nothing_is_under_way() {
        let flights = Flights::<u8>::default();
        assert!(flights.may_depart(1, false));
        assert!(!flights.may_depart(0, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_group_gathers_until_it_is_as_large_as_the_first() {
        let mut flights = Flights { usual: Duration::from_millis(5), ..Flights::default() };
        flights.depart(1, 10);
        assert!(!flights.may_depart(9, false));
        assert!(flights.may_depart(10, false));
        assert!(flights.may_depart(9, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_group_waits_no_longer_for_the_first_than_is_usual() {
        let mut flights = Flights { usual: Duration::from_millis(5), ..Flights::default() };
        flights.depart(1, 10);
        tokio::time::advance(Duration::from_millis(5)).await;
        assert!(flights.may_depart(1, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_third_group_waits_for_one_to_end() {
        let mut flights = Flights::default();
        flights.depart(1, 1);
        flights.depart(2, 1);
        assert!(!flights.may_depart(512, true));
        flights.land(&1);
        assert!(flights.may_depart(512, true));
    }
}
