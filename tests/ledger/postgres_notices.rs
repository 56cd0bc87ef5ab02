//! What one process tells another that shares the ledger.

use std::time::Duration;

use tokio::time::timeout;
use usher::domain::RuleFailure;
use usher::ledger::{Entry, Subscriber};
use usher::wake::{News, Outcomes, Wake};

use super::Backend;
use super::stories::entry;

/// So long a notice that nobody listened for yet is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

fn failure() -> RuleFailure {
    let text = String::new;
    RuleFailure { rule: text(), part: text(), expression: text(), message: text() }
}

#[tokio::test]
async fn another_process_hears_of_work_and_of_what_ended() {
    let backend = Backend::new();
    let (one, two) = (backend.open(), backend.open());
    let subscriber = Subscriber { wake: Wake::default(), outcomes: Outcomes::default() };
    two.subscribe(subscriber.clone());
    // Whoever begins to listen hears what is said from then on.
    let heard = (0..100).map(|number| entry(&format!("{number}"), number, &[]));
    let mut all = heard.map(|entry| Entry { failure: Some(failure()), ..entry });
    let told = loop {
        let Some(entry) = all.next() else { panic!("nothing is heard") };
        let event = entry.event.id;
        let mut watch = subscriber.outcomes.watch(event);
        one.record(entry).await.unwrap();
        one.reconsider(event, Ok(Vec::new())).await.unwrap();
        if let Ok(told) = timeout(PATIENCE, watch.told()).await {
            break told;
        }
    };
    assert_eq!(told, News::Told);
    while timeout(PATIENCE, subscriber.wake.rung()).await.is_ok() {}
    one.record(entry("work", 0, &["ada"])).await.unwrap();
    assert!(timeout(PATIENCE * 20, subscriber.wake.rung()).await.is_ok());
}

#[tokio::test]
async fn nobody_is_told_what_it_did_itself() {
    let backend = Backend::new();
    let (one, two) = (backend.open(), backend.open());
    let [own, other] = [&one, &two].map(|ledger| {
        let subscriber = Subscriber { wake: Wake::default(), outcomes: Outcomes::default() };
        ledger.subscribe(subscriber.clone());
        subscriber.wake
    });
    for wake in [&own, &other] {
        // Both listen now, and have looked for what came before.
        wake.rung().await;
        while timeout(PATIENCE, wake.rung()).await.is_ok() {}
    }
    one.record(entry("1", 0, &["ada"])).await.unwrap();
    assert!(timeout(PATIENCE * 20, other.rung()).await.is_ok());
    assert!(timeout(PATIENCE, own.rung()).await.is_err());
}
