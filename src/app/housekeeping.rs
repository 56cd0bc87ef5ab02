//! What is done beside the work: the ledger's figures become metrics, and what is past its retention goes.
//! Knows nothing of events or calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::ingest::admission::Backlog;
use crate::ledger::{Ledger, LedgerError};
use crate::metrics::Metrics;

const REPORT_EVERY: Duration = Duration::from_secs(2);
/// Counting a backlog costs what is in it: the longer it took, the longer the pause, so that it never takes over 2 %.
const REPORT_SHARE: u32 = 50;
const PURGE_EVERY: Duration = Duration::from_secs(60);
/// Small enough that intake, which shares the writer, does not notice.
const BATCH: usize = 200;
const BETWEEN_BATCHES: Duration = Duration::from_millis(50);

/// Keeps the backlog metrics, and what intake knows of the backlog, up to date until `stop`.
pub(super) async fn report_until(stop: CancellationToken, ledger: Ledger, metrics: Arc<Metrics>, backlog: Backlog) {
    let mut pause = Duration::ZERO;
    while stop.run_until_cancelled(sleep(pause)).await.is_some() {
        let began = Instant::now();
        if let Err(error) = report(&ledger, &metrics, &backlog, ledger.now()).await {
            tracing::warn!(%error, "the ledger's figures cannot be read");
        }
        pause = REPORT_EVERY.max(began.elapsed() * REPORT_SHARE);
    }
}

/// Purges what is older than `retention` until `stop`.
pub(super) async fn purge_until(stop: CancellationToken, ledger: Ledger, retention: Duration) {
    every(PURGE_EVERY, stop.clone(), async || {
        if let Err(error) = purge(&stop, &ledger, retention).await {
            tracing::warn!(%error, "events past their retention cannot be purged");
        }
    })
    .await;
}

async fn every(period: Duration, stop: CancellationToken, mut step: impl AsyncFnMut()) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        step().await;
    }
}

async fn report(ledger: &Ledger, metrics: &Metrics, backlog: &Backlog, now: Timestamp) -> Result<(), LedgerError> {
    let figures = ledger.statistics().await?;
    let age = figures.oldest_received_at.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64().max(0.0));
    // Nothing purges dead letters: a rule that fails on every event must not fill the disk.
    backlog.set(figures.unfinished.saturating_add(figures.dead));
    metrics.backlog(figures.unfinished, age, figures.dead);
    Ok(())
}

async fn purge(stop: &CancellationToken, ledger: &Ledger, retention: Duration) -> Result<(), LedgerError> {
    // Settings bound the retention, so that the subtraction cannot leave the range of a timestamp.
    let received_before = ledger.now() - retention;
    while ledger.purge(received_before, BATCH).await? == BATCH && !stop.is_cancelled() {
        sleep(BETWEEN_BATCHES).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, EventId, EventType, Extensions, SenderName};
    use crate::ledger::Entry;

    /// An event that no rule matched: finished as soon as it is recorded.
    fn finished(name: &str, received_at: Timestamp) -> Entry {
        let sender = SenderName::try_from("billing".to_owned()).unwrap();
        let event = Event {
            id: EventId::of(&sender, "shop", name),
            sender,
            source: "shop".to_owned(),
            event_id: name.to_owned(),
            kind: EventType::try_from("plan.seen".to_owned()).unwrap(),
            subject: None,
            time: None,
            extensions: Extensions::default(),
            trace: None,
            data: serde_json::Value::Null,
        };
        Entry { event, received_at, failure: None, changes: Vec::new(), urgent: false, keys: Vec::new() }
    }

    #[actix_web::test]
    async fn what_is_past_its_retention_goes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, stop) = (Ledger::open(folder.path()).unwrap(), CancellationToken::new());
        let hour = Duration::from_secs(3600);
        let (entry, newest) = (finished("1", Timestamp::now() - hour), finished("2", Timestamp::now() - hour));
        let (id, newest_id) = (entry.event.id, newest.event.id);
        ledger.record(entry).await.unwrap();
        ledger.record(newest).await.unwrap();
        purge(&stop, &ledger, hour * 2).await.unwrap();
        assert!(ledger.find(id).await.unwrap().is_some());
        purge(&stop, &ledger, hour / 2).await.unwrap();
        assert!(ledger.find(id).await.unwrap().is_none());
        assert!(
            ledger.find(newest_id).await.unwrap().is_some(),
            "the newest stays, so that its number is not given again"
        );
    }

    #[actix_web::test]
    async fn an_empty_ledger_has_no_age() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, metrics) = (Ledger::open(folder.path()).unwrap(), Metrics::new());
        report(&ledger, &metrics, &Backlog::new(1), Timestamp::now()).await.unwrap();
        assert!(metrics.render().contains("usher_oldest_unfinished_age_seconds 0.0\n"));
    }
}
