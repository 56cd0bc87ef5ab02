//! usher beside a small model of Clerk: whatever happens on the way, in the end each membership is what was asked for.
//!
//! Ledger, recipe and schedule are the real ones; time, Clerk and the network are played. `USHER_HISTORIES` says how many
//! histories are drawn, `USHER_SEED` draws the same again; a failure prints its seed and the smallest history that fails.

mod clerk;
mod history;
mod oracle;
mod play;

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use self::history::history;
use self::play::Play;

/// Few enough for every build; many more are drawn now and then.
const HISTORIES: u32 = 1000;

#[test]
fn in_the_end_each_membership_is_what_was_asked_for() {
    let cases = std::env::var("USHER_HISTORIES").map_or(HISTORIES, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let config = Config { cases, max_shrink_iters: 20_000, failure_persistence: None, ..Config::default() };
    let seed = std::env::var("USHER_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes(seed));
    let mut runner = TestRunner::new_with_rng(config, random);
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
        Err(TestError::Fail(reason, history)) => panic!("{reason}\nwith USHER_SEED={seed}\n{history}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}
