//! Holds an answer until the changes of its event have ended, or the caller's patience.
//! Knows nothing of who ends them: whoever does tells, and now and then the ledger is asked.

use std::time::Duration;

use tokio::time::{self, Instant};

use super::Ingest;
use super::accept::{self, Accepted};
use super::refusal::Refusal;
use crate::domain::{EventId, EventRecord};
use crate::wake::{News, Watch};

/// The first pause between two looks that nobody asked for; it doubles, so that many who wait long ask little.
const FIRST_POLL: Duration = Duration::from_secs(1);
/// For each change that is still to end, so much rest between two looks: not one look for each that ends.
const REST: Duration = Duration::from_millis(1);
const LONGEST_REST: Duration = Duration::from_secs(1);

impl Ingest {
    /// Brings the event up to when it has ended, to `until`, or to when the service begins to stop.
    pub(super) async fn wait(&self, accepted: &mut Accepted, until: Instant) {
        if accepted.has_ended() || Instant::now() >= until {
            return;
        }
        let id = accepted.record.event.id;
        let (mut watch, mut poll) = (self.outcomes.watch(id), FIRST_POLL);
        // What ended before the watch began is told to nobody: the first look is at once.
        while let Some(record) = self.look(id).await {
            accepted.record = record;
            if accepted.has_ended() || Instant::now() >= until {
                break;
            }
            if pause(&mut watch, poll.mul_f64(0.5 + fastrand::f64()), until, rest(&accepted.record)).await.is_none() {
                break;
            }
            poll *= 2;
        }
    }

    /// As [`Ingest::wait`] for all that were accepted.
    pub(super) async fn wait_for_all(&self, results: &mut [Result<Accepted, Refusal>], until: Instant) {
        for accepted in results.iter_mut().flatten() {
            self.wait(accepted, until).await;
        }
    }

    /// `None` where the ledger does not say: what is known is answered.
    async fn look(&self, id: EventId) -> Option<EventRecord> {
        self.ledger.find(id).await.ok().flatten().map(accept::without_unseen)
    }
}

/// Returns when it is time for a look; `None` when there will be no more news.
async fn pause(watch: &mut Watch<EventId>, poll: Duration, until: Instant, rest: Duration) -> Option<()> {
    let rested = Instant::now() + rest;
    match time::timeout_at(until.min(Instant::now() + poll), watch.told()).await {
        Ok(News::Closed) => return None,
        Ok(News::Told) => time::sleep_until(rested.min(until)).await,
        Err(_) => {}
    }
    Some(())
}

fn rest(record: &EventRecord) -> Duration {
    let open = record.changes.iter().filter(|change| change.outcome.is_none()).count();
    // One that is the last, as most are, is looked at as soon as it is told.
    REST.saturating_mul(u32::try_from(open.saturating_sub(1)).unwrap_or(u32::MAX)).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::super::fixtures::{event, ingest, rules};
    use super::super::identity::Claims;
    use super::super::members::Origin;
    use super::*;
    use crate::domain::{EventStatus, Outcome, Turns};
    use crate::ledger::{ClaimRequest, Ledger, Next, Settlement};

    /// An event that is accepted and waits.
    async fn accepted(folder: &tempfile::TempDir) -> (Ingest, Accepted) {
        let ingest = ingest(&Ledger::open(folder.path()).unwrap(), rules("data.role", "org:member"));
        let sender = ingest.rules.senders()[0].clone();
        let accepted =
            ingest.accept(&sender, (event(&ingest.rules), Origin::Body), Claims::default(), true).await.unwrap();
        (ingest, accepted)
    }

    /// Ends its change, and tells nobody.
    async fn settle(ledger: &Ledger) {
        let (turns, brakes, lease) = (Turns::default(), Arc::default(), Duration::from_secs(60));
        let claimed =
            ledger.claim(ClaimRequest { now: Timestamp::now(), limit: 1, lease, turns, brakes }).await.unwrap();
        let (ticket, lease) = (claimed.claims[0].ticket, claimed.claims[0].lease);
        let next = Next::Done { outcome: Outcome::Granted, membership_id: None, reason: None };
        ledger.settle(Settlement { ticket, lease, attempt: None, counted: false, lowers: false, next }).await.unwrap();
    }

    #[tokio::test]
    async fn an_end_that_nobody_tells_of_is_found_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (ingest, mut accepted) = accepted(&folder).await;
        let accepted_id = accepted.record.event.id;
        let elsewhere = async {
            // Behind the first look.
            ingest.ledger.find(accepted_id).await.unwrap();
            settle(&ingest.ledger).await;
        };
        let (began, until) = (Instant::now(), Instant::now() + Duration::from_secs(30));
        tokio::join!(ingest.wait(&mut accepted, until), elsewhere);
        assert_eq!(accepted.record.status(), EventStatus::Done);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn an_end_before_the_wait_is_seen_at_once_and_no_end_ends_with_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let (ingest, mut accepted) = accepted(&folder).await;
        let short = Duration::from_millis(200);
        let began = Instant::now();
        ingest.wait(&mut accepted, began + short).await;
        assert_eq!((accepted.record.status(), ingest.outcomes.watched()), (EventStatus::Pending, 0));
        assert!(began.elapsed() >= short, "{:?}", began.elapsed());
        settle(&ingest.ledger).await;
        let began = Instant::now();
        ingest.wait(&mut accepted, began + short * 100).await;
        assert_eq!(accepted.record.status(), EventStatus::Done);
        assert!(began.elapsed() < FIRST_POLL / 2, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn nobody_waits_when_the_service_stops_and_who_is_dropped_waits_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let (ingest, mut accepted) = accepted(&folder).await;
        let until = Instant::now() + Duration::from_secs(30);
        assert!(time::timeout(Duration::from_millis(50), ingest.wait(&mut accepted, until)).await.is_err());
        assert_eq!(ingest.outcomes.watched(), 0);
        ingest.outcomes.close();
        time::timeout(Duration::from_secs(10), ingest.wait(&mut accepted, until)).await.unwrap();
        assert_eq!(accepted.record.status(), EventStatus::Pending);
    }
}
