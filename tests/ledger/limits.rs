//! The stories of grants with a time limit.

use super::*;

/// A grant, and the revoke that ends it at that time; or a grant for good.
fn limited(name: &str, user: &str, until: Option<i64>) -> Entry {
    let mut entry = entry(name, 0, &[user]);
    entry.event.time = None;
    if let Some(until) = until {
        let grant = entry.changes[0].clone();
        let schedule = Some(Schedule { grant: 0, at: at(until) });
        entry.changes.push(Change { id: ChangeId { index: 1, ..grant.id }, action: Action::Revoke, schedule, ..grant });
    }
    entry
}

/// Records it, and has its grant end like that.
async fn granted(ledger: &Ledger, entry: Entry, outcome: Outcome) -> Vec<(ChangeId, Outcome)> {
    ledger.record(entry).await.unwrap();
    let claim = take(ledger, 0, 9).await.remove(0);
    match ledger.settle(settlement(&claim, done(outcome))).await.unwrap() {
        Settled::Recorded { finished } => finished.iter().map(|one| (one.change.id, one.outcome)).collect(),
        Settled::Stale => panic!("stale"),
    }
}

fn id(name: &str, index: u32) -> ChangeId {
    ChangeId { event: entry(name, 0, &[]).event.id, index }
}

#[tokio::test]
async fn a_scheduled_revoke_sleeps_until_its_time_and_keeps_nothing_open() {
    let (backend, ledger) = opened();
    assert_eq!(granted(&ledger, limited("1", "ada", Some(1_000)), Outcome::Granted).await, []);
    invariants::check(&backend);
    let record = ledger.find(id("1", 0).event).await.unwrap().unwrap();
    assert_eq!(record.status(), EventStatus::Done);
    let revoke = &record.changes[1];
    assert_eq!((revoke.state, revoke.next_attempt_at), (ChangeState::Waiting, Some(at(1_000))));
    assert_eq!(ledger.statistics().await.unwrap().unfinished, 0);
    assert_eq!((take(&ledger, 999, 9).await, ledger.next_due().await), (Vec::new(), Ok(Some(at(1_000)))));

    let claim = take(&ledger, 1_000, 9).await.remove(0);
    assert_eq!((claim.change.id, claim.step.clone()), (id("1", 1), Step::Delete));
    invariants::check(&backend);
    ledger.settle(settlement(&claim, done(Outcome::Revoked))).await.unwrap();
    assert_eq!(ledger.next_due().await, Ok(None));
    invariants::check(&backend);
}

#[tokio::test]
async fn a_later_grant_or_revoke_moves_or_removes_the_end() {
    let (backend, ledger) = opened();
    granted(&ledger, limited("1", "ada", Some(1_000)), Outcome::Granted).await;
    let superseded = |name| vec![(id(name, 1), Outcome::Superseded)];
    assert_eq!(granted(&ledger, limited("2", "ada", Some(2_000)), Outcome::Unchanged).await, superseded("1"));
    assert_eq!(ledger.next_due().await, Ok(Some(at(2_000))), "moved");
    assert_eq!(granted(&ledger, limited("3", "ada", None), Outcome::Unchanged).await, superseded("2"));
    assert_eq!(ledger.next_due().await, Ok(None), "removed");
    granted(&ledger, limited("4", "bob", Some(3_000)), Outcome::Granted).await;
    let mut revoke = limited("5", "bob", None);
    revoke.changes[0].action = Action::Revoke;
    assert_eq!(granted(&ledger, revoke, Outcome::Revoked).await, superseded("4"));
    invariants::check(&backend);
}

#[tokio::test]
async fn who_was_a_member_without_a_limit_stays_one() {
    let (backend, ledger) = opened();
    let ended = granted(&ledger, limited("1", "ada", Some(1_000)), Outcome::Unchanged).await;
    assert_eq!(ended, [(id("1", 1), Outcome::Unchanged)]);
    assert_eq!(ledger.next_due().await, Ok(None));
    invariants::check(&backend);
}

#[tokio::test]
async fn the_end_of_a_grant_that_is_dead_goes_with_it_and_comes_back_with_its_replay() {
    let (backend, ledger) = opened();
    let ended = granted(&ledger, limited("1", "ada", Some(1_000)), Outcome::Dead).await;
    assert_eq!(ended, [(id("1", 1), Outcome::Superseded)]);
    invariants::check(&backend);
    assert_eq!(ledger.replay(id("1", 0), false).await, Ok(Replay::Retried));
    invariants::check(&backend);
    let claim = take(&ledger, 0, 9).await.remove(0);
    ledger.settle(settlement(&claim, done(Outcome::Granted))).await.unwrap();
    assert_eq!(ledger.next_due().await, Ok(Some(at(1_000))));
}

#[tokio::test]
async fn the_end_follows_its_grant_to_the_membership_that_was_looked_up() {
    let (backend, ledger) = opened();
    let mut named = limited("1", "x", Some(1_000));
    for change in &mut named.changes {
        change.key.user = "email:ada@example.com".parse().unwrap();
    }
    ledger.record(named).await.unwrap();
    let claim = take(&ledger, 0, 9).await.remove(0);
    ledger.settle(settlement(&claim, Next::Found { key: key("ada") })).await.unwrap();
    let claim = take(&ledger, 0, 9).await.remove(0);
    ledger.settle(settlement(&claim, done(Outcome::Granted))).await.unwrap();
    let claim = take(&ledger, 1_000, 9).await.remove(0);
    assert_eq!((claim.change.id, claim.change.key, claim.step), (id("1", 1), key("ada"), Step::Delete));
    invariants::check(&backend);
}

#[tokio::test]
async fn a_limit_that_passed_before_its_grant_could_be_made_leaves_one_call() {
    let (backend, ledger) = opened();
    ledger.record(limited("1", "ada", Some(1_000))).await.unwrap();
    let claims = take(&ledger, 1_000, 9).await;
    // The first look finds the grant in time or not: in flight, its end waits for it.
    assert_eq!(claims.len(), 1);
    invariants::check(&backend);
    ledger.settle(settlement(&claims[0], done(Outcome::Granted))).await.unwrap();
    let last = take(&ledger, 1_000, 9).await;
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].change.action, Action::Revoke);
}

#[tokio::test]
async fn a_grant_that_is_forced_after_something_later_still_ends_at_its_time() {
    let (backend, ledger) = opened();
    granted(&ledger, limited("1", "ada", Some(1_000)), Outcome::Dead).await;
    granted(&ledger, limited("2", "ada", None), Outcome::Granted).await;
    assert_eq!(ledger.replay(id("1", 0), true).await, Ok(Replay::Retried));
    let claim = take(&ledger, 0, 9).await.remove(0);
    ledger.settle(settlement(&claim, done(Outcome::Updated))).await.unwrap();
    invariants::check(&backend);
    let end = take(&ledger, 1_000, 9).await.remove(0);
    assert_eq!((end.change.id, end.step), (id("1", 1), Step::Delete));
}

#[tokio::test]
async fn a_grant_and_its_end_that_a_later_revoke_stands_for_end_once_each() {
    let (backend, ledger) = opened();
    ledger.record(limited("1", "ada", Some(10))).await.unwrap();
    ledger.release(take(&ledger, 0, 9).await.remove(0).ticket, 1, at(20)).await.unwrap();
    let mut last = limited("2", "ada", None);
    last.changes[0].action = Action::Revoke;
    ledger.record(last).await.unwrap();
    take(&ledger, 15, 9).await.into_iter().for_each(|claim| assert_eq!(claim.change.id, id("2", 0)));
    let claim = take(&ledger, 60_000, 9).await.remove(0);
    let Ok(Settled::Recorded { finished }) = ledger.settle(settlement(&claim, done(Outcome::Revoked))).await else {
        panic!("stale")
    };
    let mut ended: Vec<_> = finished.iter().map(|one| one.change.id).collect();
    ended.sort();
    assert_eq!(ended, [id("1", 0), id("1", 1)]);
    invariants::check(&backend);
}
