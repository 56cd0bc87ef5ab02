//! A pause: nothing is called, nothing is claimed, nothing is lost.

use super::bench::{Bench, Log, created, member};
use crate::domain::{ChangeState, Outcome};

/// Waits until the log has so many lines that say this.
async fn said(log: &Log, what: &str, times: usize) {
    let count = || log.lines().iter().filter(|line| line["fields"]["message"].to_string().contains(what)).count();
    while count() < times {
        tokio::task::yield_now().await;
    }
}

#[actix_rt::test]
async fn while_paused_nothing_is_called_and_what_is_accepted_waits() {
    let bench = Bench::new(1, |_, seen| created(seen));
    let (log, _guard) = Log::start();
    bench.ledger.pause().await.unwrap();
    bench.accept(1, "user_1", member()).await;
    let operating = async {
        said(&log, "paused: no call", 1).await;
        assert_eq!(bench.record(1, "user_1").await.state, ChangeState::Waiting);
        assert_eq!(bench.fake.seen().len(), 0);
        bench.ledger.resume().await.unwrap();
        said(&log, "resumed", 1).await;
    };
    tokio::join!(bench.run(), operating);
    assert_eq!(bench.record(1, "user_1").await.outcome, Some(Outcome::Granted));
    assert_eq!(log.lines().len(), 3, "each is said once: {:?}", log.lines());
}

#[actix_rt::test]
async fn a_pause_is_heard_while_the_loop_runs() {
    let bench = Bench::new(9, |_, seen| created(seen));
    let (log, _guard) = Log::start();
    let operating = async {
        bench.accept(1, "user_1", member()).await;
        while bench.record(1, "user_1").await.outcome.is_none() {
            tokio::task::yield_now().await;
        }
        bench.ledger.pause().await.unwrap();
        said(&log, "paused: no call", 1).await;
        bench.accept(2, "user_2", member()).await;
        bench.shutdown.cancel();
    };
    tokio::join!(bench.run(), operating);
    assert_eq!((bench.record(2, "user_2").await.outcome, bench.fake.seen().len()), (None, 1));
}
