//! The stories of a change between its claim and its outcome.

use super::*;

#[tokio::test]
async fn one_change_of_a_key_is_claimed_at_a_time_and_in_the_order_of_acceptance() {
    let (_backend, ledger) = opened();
    // The later event has the earlier clock: acceptance decides, not the time.
    ledger.record(entry("1", 9, &["ada", "bob"])).await.unwrap();
    let first = take(&ledger, 10, 100).await;
    assert_eq!(names(&first), ["ada", "bob"]);
    ledger.record(entry("2", 1, &["ada", "eve"])).await.unwrap();
    assert_eq!(names(&take(&ledger, 10, 100).await), ["eve"]);
    ledger.settle(settlement(&first[0], done(Outcome::Dead))).await.unwrap();
    let second = take(&ledger, 10, 100).await;
    assert_eq!(second[0].change.id, entry("2", 0, &["ada"]).changes[0].id);
    assert_eq!(second.len(), 1);
}

#[tokio::test]
async fn a_claim_takes_no_more_than_it_may_and_only_what_is_due() {
    let (_backend, ledger) = opened();
    for (user, received) in [("ada", 3), ("bob", 1), ("eve", 2), ("dan", 50)] {
        ledger.record(entry(user, received, &[user])).await.unwrap();
    }
    assert_eq!(ledger.next_due().await, Ok(Some(at(1))));
    assert_eq!(names(&take(&ledger, 10, 2).await), ["bob", "eve"]);
    assert_eq!(names(&take(&ledger, 10, 2).await), ["ada"]);
    assert_eq!(ledger.next_due().await, Ok(Some(at(50))));
}

#[tokio::test]
async fn a_claim_tells_what_the_attempt_needs() {
    let (_backend, ledger) = opened();
    let wanted = entry("1", 0, &["ada"]);
    ledger.record(wanted.clone()).await.unwrap();
    let claim = take(&ledger, 0, 1).await.remove(0);
    assert_eq!(claim.change, wanted.changes[0]);
    assert_eq!((&claim.event.sender, &claim.event.kind), (&wanted.event.sender, &wanted.event.kind));
    assert_eq!((claim.event.received_at, claim.step, claim.lease), (at(0), Step::Create, 1));
    assert_eq!((claim.attempts, claim.first_attempt_at, claim.answer_lost), (0, None, false));
    let record = ledger.find(wanted.event.id).await.unwrap().unwrap();
    assert_eq!((record.changes[0].state, record.changes[0].next_attempt_at), (ChangeState::InFlight, None));
}

#[tokio::test]
async fn another_attempt_comes_when_it_is_due_and_knows_those_before() {
    let (_backend, ledger) = opened();
    ledger.record(entry("1", 0, &["ada"])).await.unwrap();
    let again = |due| {
        let reason = Some("rate limited".to_owned());
        Next::Again { step: Step::Inspect, due_at: at(due), reason, answer_lost: due == 200 }
    };
    for (now, counted, due) in [(0, false, 100), (100, true, 200), (200, true, 300)] {
        let claim = take(&ledger, now, 9).await.remove(0);
        let settlement = Settlement { counted, attempt: Some(attempt(now)), ..settlement(&claim, again(due)) };
        assert_eq!(ledger.settle(settlement).await, Ok(Settled::Recorded { finished: Vec::new() }));
        assert_eq!(take(&ledger, due - 1, 9).await, []);
        assert_eq!(ledger.next_due().await, Ok(Some(at(due))));
    }
    let claim = take(&ledger, 300, 9).await.remove(0);
    assert_eq!((claim.step.clone(), claim.attempts, claim.first_attempt_at), (Step::Inspect, 2, Some(at(100))));
    assert!(claim.answer_lost, "a lost answer is remembered although a later one arrived");
    ledger.settle(settlement(&claim, done(Outcome::Granted))).await.unwrap();

    let record = ledger.find(entry("1", 0, &[]).event.id).await.unwrap().unwrap();
    let change = &record.changes[0];
    assert_eq!(change.attempts, [attempt(0), attempt(100), attempt(200), attempt(5)]);
    assert_eq!((change.state, change.outcome), (ChangeState::Settled, Some(Outcome::Granted)));
    assert_eq!((change.membership_id.as_deref(), change.reason.as_deref()), (Some("orgmem_1"), Some("because")));
    assert_eq!((record.status(), change.next_attempt_at), (EventStatus::Done, None));
}

#[tokio::test]
async fn a_lapsed_lease_is_taken_up_and_its_holder_comes_too_late() {
    let (_backend, ledger) = opened();
    ledger.record(entry("1", 0, &["ada"])).await.unwrap();
    let first = take(&ledger, 0, 1).await.remove(0);
    assert_eq!(take(&ledger, 29_999, 1).await, []);
    assert_eq!(ledger.next_due().await, Ok(Some(at(30_000))));
    let second = take(&ledger, 30_000, 1).await.remove(0);
    assert!(second.answer_lost && second.lease > first.lease);

    let before = ledger.find(first.change.id.event).await;
    assert_eq!(ledger.settle(settlement(&first, done(Outcome::Dead))).await, Ok(Settled::Stale));
    assert_eq!(ledger.release(first.ticket, first.lease, at(0)).await, Ok(Settled::Stale));
    assert_eq!(ledger.find(first.change.id.event).await, before);
    assert_eq!(
        ledger.settle(settlement(&second, done(Outcome::Granted))).await,
        Ok(Settled::Recorded { finished: Vec::new() })
    );
    assert_eq!(ledger.settle(settlement(&second, done(Outcome::Dead))).await, Ok(Settled::Stale));
}

#[tokio::test]
async fn a_lease_that_lapsed_still_settles_while_nobody_else_took_it() {
    let (_backend, ledger) = opened();
    ledger.record(entry("1", 0, &["ada"])).await.unwrap();
    let claim = ledger.claim(ClaimRequest { lease: Duration::ZERO, ..request(0, 1) }).await.unwrap().claims.remove(0);
    assert_eq!(
        ledger.settle(settlement(&claim, done(Outcome::Granted))).await,
        Ok(Settled::Recorded { finished: Vec::new() })
    );
}

#[tokio::test]
async fn a_released_change_is_as_if_it_had_not_been_claimed() {
    let (_backend, ledger) = opened();
    ledger.record(entry("1", 0, &["ada"])).await.unwrap();
    let first = take(&ledger, 0, 1).await.remove(0);
    assert_eq!(ledger.release(first.ticket, first.lease, at(70)).await, Ok(Settled::Recorded { finished: Vec::new() }));
    assert_eq!(ledger.settle(settlement(&first, done(Outcome::Dead))).await, Ok(Settled::Stale));
    assert_eq!(take(&ledger, 69, 1).await, []);
    let second = take(&ledger, 70, 1).await.remove(0);
    assert_eq!(second, Claim { lease: second.lease, ..first });
}

#[tokio::test]
async fn what_was_claimed_before_a_reopening_is_due_at_once_and_its_answer_counts_as_lost() {
    let backend = backend();
    let ledger = backend.open();
    ledger.record(entry("1", 0, &["ada", "bob"])).await.unwrap();
    let first = ledger
        .claim(ClaimRequest { lease: Duration::from_secs(3600), ..request(0, 1) })
        .await
        .unwrap()
        .claims
        .remove(0);
    ledger.close().await;

    let ledger = backend.open();
    assert_eq!(ledger.settle(settlement(&first, done(Outcome::Dead))).await, Ok(Settled::Stale));
    let claims = take(&ledger, 0, 9).await;
    assert_eq!(claims.iter().map(|claim| claim.answer_lost).collect::<Vec<_>>(), [true, false]);
    assert!(claims[0].lease > first.lease);
}

#[tokio::test]
async fn an_unknown_change_is_stale() {
    let (_backend, ledger) = opened();
    ledger.record(entry("1", 0, &["ada"])).await.unwrap();
    assert_eq!(ledger.release(Ticket::default(), 1, at(0)).await, Ok(Settled::Stale));
}
