//! However many replicas take slices, come and go: all of them together keep to the limit, use it up and share it.

use super::super::Rate;
use super::*;
use crate::ledger::Standing;
use proptest::prelude::*;

const STEP: Duration = Duration::from_millis(1);
const TEN_SECONDS: Duration = Duration::from_secs(10);

fn rate(calls: u32) -> Rate {
    Rate { calls, per: TEN_SECONDS }
}

/// The bucket as the ledger keeps it.
struct Bucket {
    share: Share,
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    fn take(&mut self, want: u32, now: Instant) -> (u32, f64) {
        let since = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + since * self.share.per_second).min(self.share.burst);
        self.filled_at = self.filled_at.max(now);
        let given = f64::from(want).min(self.tokens).floor();
        self.tokens -= given;
        (given as u32, self.tokens)
    }
}

/// A slice on its way: asked for, taken, back.
struct Trip {
    want: u32,
    asked: Instant,
    taken: Instant,
    back: Instant,
    slice: Option<Slice>,
}

/// A replica with so many calls to make in a millisecond.
struct Replica {
    slices: Slices,
    trip: Option<Trip>,
    demand: f64,
    backlog: f64,
    left: Vec<Instant>,
    asks: usize,
    lives: bool,
}

struct World {
    now: Instant,
    random: fastrand::Rng,
    bucket: Bucket,
    replicas: Vec<Replica>,
    /// Nobody makes a call, and all keep what they have.
    stalled: bool,
    /// The longest way to the ledger or back, in milliseconds.
    way: u64,
}

impl World {
    fn new(calls: u32, demands: &[f64], way: u64, seed: u64) -> Self {
        let (now, share) = (Instant::now(), Share::of_the_pace(rate(calls)));
        let replica = |demand: &f64| Replica {
            slices: Slices::new(share, now),
            trip: None,
            demand: *demand,
            backlog: 0.0,
            left: Vec::new(),
            asks: 0,
            lives: true,
        };
        let bucket = Bucket { share, tokens: share.burst, filled_at: now };
        let random = fastrand::Rng::with_seed(seed);
        Self { now, random, bucket, replicas: demands.iter().map(replica).collect(), stalled: false, way }
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += STEP;
            (0..self.replicas.len()).for_each(|number| self.step(number));
        }
    }

    fn step(&mut self, number: usize) {
        let (now, all) = (self.now, self.replicas.iter().filter(|replica| replica.lives).count() as u32);
        let replica = &mut self.replicas[number];
        if let Some(trip) = replica.trip.as_mut().filter(|trip| trip.slice.is_none() && trip.taken <= now) {
            trip.slice = Some(slice(self.bucket.take(trip.want, now), trip.want, self.bucket.share, all));
        }
        if !replica.lives {
            return;
        }
        if let Some(trip) = replica.trip.take_if(|trip| trip.back <= now) {
            let slice = trip.slice.unwrap();
            replica.slices.came(&slice, trip.want, trip.asked, now, self.random.f64());
        }
        let waiting = replica.call(now, self.stalled);
        if let (None, Want::Now(want)) = (&replica.trip, replica.slices.want(now, waiting)) {
            replica.asks += 1;
            let taken = now + Duration::from_millis(self.random.u64(1..=self.way));
            let back = taken + Duration::from_millis(self.random.u64(1..=self.way));
            replica.trip = Some(Trip { want, asked: now, taken, back, slice: None });
        }
    }

    /// Whether any ten seconds saw more calls than this.
    fn exceeds(&self, most: usize) -> bool {
        let mut left: Vec<_> = self.replicas.iter().flat_map(|replica| replica.left.iter().copied()).collect();
        left.sort_unstable();
        left.iter().zip(left.iter().skip(most)).any(|(first, last)| *last < *first + TEN_SECONDS)
    }

    fn calls(&self) -> Vec<usize> {
        self.replicas.iter().map(|replica| replica.left.len()).collect()
    }
}

impl Replica {
    /// Makes the calls that have tokens, and says how many wait for some.
    fn call(&mut self, now: Instant, stalled: bool) -> usize {
        self.backlog += self.demand;
        let room = self.slices.room(now);
        let claimed = room.min(self.backlog as usize);
        let calls = if stalled { 0 } else { claimed.min(self.slices.tokens(now)) };
        (0..calls).for_each(|_| self.slices.take(now));
        self.left.extend((0..calls).map(|_| now));
        self.backlog -= calls as f64;
        claimed - calls
    }
}

fn slice((tokens, left): (u32, f64), want: u32, share: Share, replicas: u32) -> Slice {
    let next_in = (tokens < want).then(|| Duration::from_secs_f64((1.0 - left).max(0.0) / share.per_second));
    Slice { tokens, good_for: Slice::GOOD_FOR, next_in, replicas, standing: Standing::default() }
}

#[test]
fn a_lonely_replica_uses_nearly_all() {
    for (calls, way) in [(9, 5), (90, 5), (900, 5), (90, 50), (900, 50)] {
        let mut world = World::new(calls, &[10.0], way, 1);
        world.run(Duration::from_secs(60));
        let share = world.calls()[0] as f64 / (f64::from(calls) * 6.0);
        assert!(share > 0.9, "{share} of {calls} with {way} ms");
    }
}

#[test]
fn the_busy_share_what_the_idle_leave() {
    for calls in [90, 900] {
        let mut world = World::new(calls, &[10.0, 10.0, 10.0, 0.0003, 0.0], 5, 2);
        world.run(Duration::from_secs(60));
        let left = world.calls();
        let all: usize = left.iter().sum();
        assert!(all as f64 > f64::from(calls) * 6.0 * 0.88, "{left:?} of {calls}");
        assert!(left[..3].iter().all(|one| *one as f64 > all as f64 * 0.25), "{left:?} of {calls}");
        assert!(left[3] >= 17, "who seldom asks gets what it asks for: {left:?}");
    }
}

#[test]
fn nobody_asks_for_each_call_where_the_pace_is_lifted() {
    let mut world = World::new(1_000_000, &[3.0, 3.0], 3, 3);
    world.run(Duration::from_secs(10));
    for replica in &world.replicas {
        assert!(replica.left.len() > 29_500, "{} calls", replica.left.len());
        assert!(replica.asks < 200, "{} asks", replica.asks);
    }
}

#[test]
fn who_has_nothing_to_do_looks_once_a_second_and_takes_nothing() {
    let mut world = World::new(900, &[0.0], 3, 4);
    world.run(TEN_SECONDS);
    assert!((9..=11).contains(&world.replicas[0].asks), "{}", world.replicas[0].asks);
    assert!(world.bucket.tokens >= world.bucket.share.burst);
}

#[test]
fn a_slice_that_came_too_late_is_worth_nothing() {
    let now = Instant::now();
    let mut slices = Slices::new(Share::of_the_pace(rate(90)), now);
    slices.came(&slice((3, 0.0), 3, slices.share(), 1), 3, now, now + Slice::GOOD_FOR, 0.5);
    assert_eq!(slices.tokens(now + Slice::GOOD_FOR), 0);
    slices.came(&slice((3, 0.0), 3, slices.share(), 1), 3, now, now, 0.5);
    assert_eq!(slices.tokens(now), 3);
    slices.void();
    assert_eq!(slices.tokens(now), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_ten_seconds_see_more_than_ten_ninths_of_the_rate(
        calls in 1_u32..400,
        way in 1_u64..400,
        seed in any::<u64>(),
        demands in proptest::collection::vec(prop_oneof![Just(5.0), 0.0..0.05_f64], 1..6),
        turns in proptest::collection::vec((0_u64..4000, 0_usize..6, any::<bool>()), 1..8),
    ) {
        let mut world = World::new(calls, &demands, way, seed);
        for (pause, who, stalled) in turns {
            world.stalled = stalled;
            world.run(Duration::from_millis(pause));
            let (now, share) = (world.now, world.bucket.share);
            let replica = &mut world.replicas[who % demands.len()];
            replica.lives = !replica.lives;
            if replica.lives {
                // A new process knows nothing of what it took before.
                (replica.slices, replica.trip) = (Slices::new(share, now), None);
            }
        }
        // What the last of them holds is spent with what comes in from now on.
        world.stalled = false;
        world.run(TEN_SECONDS);
        let most = calls + (calls / 9).max(1);
        prop_assert!(!world.exceeds(most as usize), "{:?} of {calls}", world.calls());
    }
}
