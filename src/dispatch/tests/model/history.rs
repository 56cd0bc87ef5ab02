//! Histories: a world to begin with and what happens in it, drawn at random and shrunk when one fails.
//! Knows nothing of how they are played.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::Index;

/// Who is named how, so that what must come of a history is certain:
/// by id; by e-mail address, perhaps invited; by external id, with time limits and one role; and by either of two names,
/// with changes that do not depend on what was there.
pub(super) const PEOPLE: usize = 4;
pub(super) const BY_ID: usize = 0;
pub(super) const BY_EMAIL: usize = 1;
pub(super) const LIMITED: usize = 2;
pub(super) const BY_EITHER: usize = 3;

/// The first is named by its id, the second by its slug.
pub(super) const PLACES: usize = 2;

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) says_what: bool,
    pub(super) seats: [usize; PLACES],
    pub(super) second_exists: bool,
    pub(super) signed_up: [bool; PEOPLE],
    /// Place, person, role.
    pub(super) members: Vec<(usize, usize, usize)>,
    /// Whether events say when they happened.
    pub(super) timed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Role (the last one is unknown), existing, missing user: by number.
    Grant(usize, usize, usize),
    Revoke,
}

#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) place: usize,
    pub(super) person: usize,
    /// For the one with two names.
    pub(super) by_id: bool,
    pub(super) what: What,
    /// Seconds, on the events' own clock.
    pub(super) time: i64,
    /// For the one with time limits: minutes from now.
    pub(super) until: Option<i64>,
    pub(super) urgent: bool,
}

/// What becomes of a call that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nobody there.
    Unreachable,
    /// 500 or a cut connection: nothing was done.
    LostBefore,
    /// 500, a cut connection or silence: it was done.
    LostAfter,
    /// 429, perhaps with seconds.
    TooMany(Option<u64>),
    /// The key is refused.
    Halt,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Send(Asked),
    /// The same event once more.
    Again(Index),
    /// Claim so many and make their calls.
    Begin(usize),
    /// Settle one of the calls made.
    End(Index),
    /// The next calls go wrong.
    Fault(Fault, usize),
    SignUp(usize),
    FreeSeats(usize),
    Crash,
    /// The clock is set, by seconds.
    Clock(i64),
    /// So many seconds go by.
    Pass(u64),
}

#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) world: World,
    pub(super) steps: Vec<Step>,
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.world)?;
        self.steps.iter().enumerate().try_for_each(|(number, step)| writeln!(f, "{number:3} {step:?}"))
    }
}

pub(super) fn history() -> impl Strategy<Value = History> {
    (world(), prop::collection::vec(step(), 4..48)).prop_map(|(world, steps)| History { world, steps })
}

fn world() -> impl Strategy<Value = World> {
    let seats = || prop_oneof![3 => Just(100), 1 => 0..3usize];
    let members = prop::collection::vec((0..PLACES, 0..PEOPLE, 0..3usize), 0..4);
    (any::<bool>(), [seats(), seats()], prop::bool::weighted(0.9), any::<[bool; PEOPLE]>(), members, any::<bool>())
        .prop_map(|(says_what, seats, second_exists, signed_up, members, timed)| World {
            says_what,
            seats,
            second_exists,
            signed_up,
            members,
            timed,
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => asked().prop_map(Step::Send),
        1 => any::<Index>().prop_map(Step::Again),
        6 => (1..5usize).prop_map(Step::Begin),
        6 => any::<Index>().prop_map(Step::End),
        3 => (fault(), 1..4usize).prop_map(|(fault, times)| Step::Fault(fault, times)),
        1 => (0..PEOPLE).prop_map(Step::SignUp),
        1 => (0..PLACES).prop_map(Step::FreeSeats),
        1 => Just(Step::Crash),
        1 => (-600..600i64).prop_map(Step::Clock),
        3 => (0..900u64).prop_map(Step::Pass),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        1 => Just(Fault::Unreachable),
        1 => Just(Fault::LostBefore),
        2 => Just(Fault::LostAfter),
        1 => prop::option::of(0..30u64).prop_map(Fault::TooMany),
        1 => Just(Fault::Halt),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    let what = prop_oneof![
        3 => (prop_oneof![9 => 0..3usize, 1 => Just(3)], 0..3usize, 0..3usize)
            .prop_map(|(role, existing, missing)| What::Grant(role, existing, missing)),
        1 => Just(What::Revoke),
    ];
    let place = prop_oneof![3 => Just(0), 1 => Just(1usize)];
    let until = prop::option::weighted(0.4, 1..60i64);
    // Of the past, and of a clock that is years ahead.
    let time = prop_oneof![5 => 0..100i64, 1 => Just(1_000_000_000)];
    (place, 0..PEOPLE, any::<bool>(), what, time, until, any::<bool>()).prop_map(
        |(place, person, by_id, what, time, until, urgent)| {
            Asked { place, person, by_id, what, time, until, urgent }.possible()
        },
    )
}

impl Asked {
    /// Bent into what its person can be asked.
    fn possible(mut self) -> Self {
        self.by_id &= self.person == BY_EITHER;
        if let What::Grant(role, existing, missing) = &mut self.what {
            match self.person {
                BY_ID => *missing = (*missing).min(1),
                // Whose invitation is withdrawn for a role that does not exist stays without one: Clerk cannot change one.
                BY_EMAIL => *role = (*role).min(2),
                LIMITED => (*role, *missing) = (1, (*missing).min(1)),
                // Replaced whatever it is, and nobody is invited: two names would be two invitations.
                _ => (*existing, *missing) = (2, (*missing).min(1)),
            }
        }
        if self.person != LIMITED || self.what == What::Revoke {
            self.until = None;
        }
        self
    }
}
