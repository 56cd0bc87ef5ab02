//! usher beside a small model of Clerk: whatever happens on the way, in the end each membership is what was asked for.
//!
//! Ledger, recipe and schedule are the real ones; time, Clerk and the network are played. `PROPTEST_CASES` says how
//! many histories are drawn, `PROPTEST_RNG_SEED` draws the same again; a failure prints its seed and the smallest history that fails.

mod clerk;
mod history;
mod oracle;
mod play;
mod words;

use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use self::history::history;
use self::play::Play;

/// Few enough for every build; many more are drawn now and then.
const HISTORIES: u32 = 1000;

#[test]
fn in_the_end_each_membership_is_what_was_asked_for() {
    let standard = Config::default();
    let seed = match standard.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => fastrand::u64(..),
    };
    let config = Config {
        cases: standard.cases.max(HISTORIES),
        max_shrink_iters: 20_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..standard
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut runner = TestRunner::new(config);
    let result = runner.run(&history(), |history| {
        runtime.block_on(async {
            let mut play = Play::begin(&history.world).await;
            for step in &history.steps {
                play.step(&history.world, step).await;
            }
            play.end().await;
            play.check(&history.world).await;
        });
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, history)) => panic!("{reason}\nwith PROPTEST_RNG_SEED={seed}\n{history}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
