//! Groups: answered after their commit, all or none; and a disk that is full for a while.

use std::pin::Pin;
use std::sync::mpsc;

use futures_util::FutureExt;
use serde_json::json;

use super::super::*;
use crate::domain::{Change, ChangeId, Digest, Event, EventType, Extensions, KeyId, SenderName};

/// Every third has a key.
pub(super) fn entry(name: u32) -> Entry {
    let sender = SenderName::try_from("billing".to_owned()).unwrap();
    let keys = if name.is_multiple_of(3) { vec![KeyId::of(&sender, "key", &name.to_string())] } else { Vec::new() };
    let event = Event {
        id: EventId::of(&sender, "shop", &name.to_string()),
        sender,
        source: "shop".to_owned(),
        event_id: name.to_string(),
        kind: EventType::try_from("plan.purchased".to_owned()).unwrap(),
        subject: None,
        time: None,
        extensions: Extensions::default(),
        trace: None,
        data: json!({ "pad": "x".repeat(1000) }),
    };
    Entry { event, received_at: Timestamp::UNIX_EPOCH, failure: None, changes: Vec::new(), urgent: false, keys }
}

fn request(limit: usize) -> ClaimRequest {
    let (turns, brakes) = (crate::domain::Turns::default(), std::sync::Arc::default());
    ClaimRequest { now: Timestamp::UNIX_EPOCH, limit, lease: Duration::from_secs(9), turns, brakes }
}

pub(super) type Answer = Pin<Box<dyn Future<Output = Result<(), LedgerError>>>>;

/// Work that keeps the writer inside its transaction until the sender is dropped.
fn hold(ledger: &Ledger) -> (Answer, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((began, begun), (go, gate)) = (mpsc::channel(), mpsc::channel::<()>());
    let writer = ledger.embedded().writer.clone();
    let work = move |_: &super::super::store::Store| {
        let _ = (began.send(()), gate.recv());
        Ok(())
    };
    let mut answer: Answer = Box::pin(async move { writer.ask(work).await });
    assert!(answer.as_mut().now_or_never().is_none());
    (answer, begun, go)
}

/// As [`hold`], once the writer is in it: whatever is asked from now on is the next group.
pub(super) fn occupy(ledger: &Ledger) -> (Answer, mpsc::Sender<()>) {
    let (answer, begun, go) = hold(ledger);
    begun.recv().unwrap();
    (answer, go)
}

#[tokio::test]
async fn an_answer_comes_after_the_commit_of_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let (seen, commits) = mpsc::channel();
    let observe = move |_, size| seen.send(size).unwrap_or_default();
    let ledger = Ledger::open_with(folder.path(), observe).unwrap();
    let (first, open_first) = occupy(&ledger);
    let mut record = Box::pin(ledger.record(entry(1)));
    assert!(record.as_mut().now_or_never().is_none());
    let (last, begun, open_last) = hold(&ledger);

    drop(open_first);
    first.await.unwrap();
    begun.recv().unwrap();
    // The event is written, but its group waits for its last member.
    assert!(record.as_mut().now_or_never().is_none());
    assert_eq!(ledger.find(entry(1).event.id).await, Ok(None));
    assert!(commits.try_recv().is_err());
    drop(open_last);
    assert!(matches!(record.await, Ok(Recorded::New(_))));
    assert_eq!(last.await, Ok(()));
    assert_eq!(commits.recv(), Ok(2));
    assert!(ledger.find(entry(1).event.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_group_that_fails_is_acknowledged_to_nobody_and_the_next_one_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let (first, open) = occupy(&ledger);
    let fails = ledger.embedded().writer.ask(|connection| connection.execute("INSERT INTO nowhere VALUES (1)", []));
    let (first, recorded, failed, ()) = tokio::join!(first, ledger.record(entry(1)), fails, async move { drop(open) });
    assert_eq!(first, Ok(()));
    assert!(matches!(recorded, Err(LedgerError::Unavailable(_))), "{recorded:?}");
    assert!(failed.is_err());
    assert_eq!(ledger.find(entry(1).event.id).await, Ok(None));
    assert!(matches!(ledger.record(entry(1)).await, Ok(Recorded::New(_))));
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_works_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let limit = |pages: u32| {
        ledger.embedded().writer.ask(move |connection| {
            connection.pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))
        })
    };
    limit(30).await.unwrap();
    let mut recorded = 0;
    while let Ok(Recorded::New(_)) = ledger.record(entry(recorded)).await {
        recorded += 1;
    }
    assert_eq!(ledger.record(entry(recorded)).await, Err(LedgerError::Full));
    for name in 0..=recorded {
        assert_eq!(ledger.find(entry(name).event.id).await.unwrap().is_some(), name < recorded);
    }
    limit(1_000_000).await.unwrap();
    assert!(matches!(ledger.record(entry(recorded)).await, Ok(Recorded::New(_))));
    assert_eq!(ledger.check().await, Ok(()));
}

#[tokio::test]
async fn too_many_waiting_events_are_refused_and_settlements_wait_for_room() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let (_first, open) = occupy(&ledger);
    let mut waiting = Vec::new();
    let refused = loop {
        let mut record = Box::pin(ledger.record(entry(waiting.len() as u32 % 10)));
        match record.as_mut().now_or_never() {
            None => waiting.push(record),
            Some(answer) => break answer,
        }
    };
    assert_eq!(refused, Err(LedgerError::Busy));
    assert!(ledger.is_behind());
    let mut claim = Box::pin(ledger.claim(request(1)));
    assert!(claim.as_mut().now_or_never().is_none());
    drop(open);
    assert_eq!(claim.await.unwrap().claims, []);
    for answer in waiting {
        assert!(answer.await.is_ok());
    }
}

/// As [`entry`], with a change for the user.
fn revoke(name: u32, user: &str) -> Entry {
    let mut entry = entry(name);
    entry.changes.push(Change {
        id: ChangeId { event: entry.event.id, index: 0 },
        rule: "rule".to_owned(),
        rules_digest: Digest::of_bytes(b""),
        key: crate::domain::MembershipKey { organization: "org_1".parse().unwrap(), user: user.parse().unwrap() },
        action: crate::domain::Action::Revoke,
        schedule: None,
        superseded_by: None,
    });
    entry
}

#[tokio::test]
async fn a_change_that_cannot_be_read_is_an_error_and_no_guess() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let entry = revoke(1, "user_1");
    let id = entry.event.id;
    ledger.record(entry).await.unwrap();
    ledger.embedded().writer.ask(|c| c.execute("UPDATE changes SET action = 'destroy'", [])).await.unwrap();
    let Err(LedgerError::Unavailable(why)) = ledger.find(id).await else { panic!() };
    assert!(why.contains("expected grant or revoke"), "{why}");
    assert!(ledger.statistics().await.is_ok());
}

#[tokio::test]
async fn a_change_that_cannot_be_read_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    ledger.record(revoke(1, "user_1")).await.unwrap();
    ledger.embedded().writer.ask(|c| c.execute("UPDATE changes SET action = 'destroy'", [])).await.unwrap();
    ledger.record(revoke(2, "user_2")).await.unwrap();
    let claims = ledger.claim(request(1)).await.unwrap().claims;
    assert_eq!((claims.len(), &*claims[0].change.key.user.to_text()), (1, "user_2"));
    let due = ledger.next_due().await.unwrap().unwrap();
    assert_eq!(due, Timestamp::from_second(9).unwrap(), "it is looked at again");
}
