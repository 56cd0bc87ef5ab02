//! The stories of operators: the brake, dead letters, replays.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn revoke(name: &str, received: i64, user: &str) -> Entry {
    let mut entry = entry(name, received, &[user]);
    entry.event.time = None;
    entry.changes[0].action = Action::Revoke;
    entry
}

fn grant_to(name: &str, user: &str) -> Entry {
    let mut entry = entry(name, 0, &[user]);
    entry.event.time = None;
    entry
}

fn id(name: &str) -> ChangeId {
    ChangeId { event: entry(name, 0, &[]).event.id, index: 0 }
}

async fn braked(ledger: &Ledger, now: i64) -> Vec<Claim> {
    let brake = Brake { limit: 2, window: HOUR, ..Brake::default() };
    let brakes = Brakes::new([(SenderName::try_from("billing".to_owned()).unwrap(), Some(brake))]);
    ledger.claim(ClaimRequest { brakes: Arc::new(brakes), ..request(now, 9) }).await.unwrap().claims
}

fn held() -> Next {
    Next::Held { reason: "too many".to_owned() }
}

async fn end(ledger: &Ledger, claim: &Claim, next: Next) {
    assert_ne!(ledger.settle(settlement(claim, next)).await, Ok(Settled::Stale));
}

async fn state(ledger: &Ledger, name: &str) -> (ChangeState, Option<Outcome>) {
    let change = ledger.find(id(name).event).await.unwrap().unwrap().changes.remove(0);
    (change.state, change.outcome)
}

fn failure() -> RuleFailure {
    RuleFailure { rule: "r".into(), part: "when".into(), expression: "e".into(), message: "m".into() }
}

#[tokio::test]
async fn removals_are_counted_while_they_are_to_come_and_for_the_window_after() {
    let (backend, ledger) = opened();
    for user in ["ada", "bob", "eve", "dan"] {
        ledger.record(revoke(user, 0, user)).await.unwrap();
    }
    ledger.record(grant_to("g", "gil")).await.unwrap();
    let claims = braked(&ledger, 0).await;
    assert_eq!(claims.iter().map(|claim| claim.removals).collect::<Vec<_>>(), [3, 3, 3, 3, 0], "one beyond the limit");
    for (claim, outcome) in claims.iter().zip([Outcome::Revoked, Outcome::Unchanged, Outcome::Dead, Outcome::Revoked]) {
        end(&ledger, claim, done(outcome)).await;
    }
    invariants::check(&backend);
    ledger.record(revoke("late", 0, "late")).await.unwrap();
    let claim = braked(&ledger, 0).await.remove(0);
    assert_eq!(claim.removals, 3, "two took effect within the hour");
    ledger.release(claim.ticket, claim.lease, at(0)).await.unwrap();
    assert_eq!(
        braked(&ledger, 3_600_100).await.iter().find(|claim| claim.change.id == id("late")).unwrap().removals,
        1
    );
    assert_eq!(take(&ledger, 9_000_000, 9).await[0].removals, 0, "without a brake nothing is counted");
}

#[tokio::test]
async fn a_demotion_counts_once_it_is_seen() {
    let (_backend, ledger) = opened();
    let mut lowered = grant_to("1", "ada");
    lowered.changes[0].action = Action::Grant(Grant::new("org:viewer".parse().unwrap(), Existing::Replace, Vec::new()));
    ledger.record(lowered).await.unwrap();
    let claim = braked(&ledger, 0).await.remove(0);
    assert_eq!(claim.removals, 0, "a create lowers nothing");
    let next = |step| Next::Again { step, due_at: at(0), reason: None, answer_lost: false };
    end(&ledger, &claim, next(Step::Inspect)).await;
    let claim = braked(&ledger, 0).await.remove(0);
    assert_eq!(claim.removals, 1);
    let seen = Settlement { lowers: true, ..settlement(&claim, next(Step::Update)) };
    ledger.settle(seen).await.unwrap();
    let claim = braked(&ledger, 0).await.remove(0);
    assert_eq!(claim.removals, 1, "it is counted once");
    end(&ledger, &claim, done(Outcome::Updated)).await;
    ledger.record(revoke("2", 0, "bob")).await.unwrap();
    assert_eq!(braked(&ledger, 0).await[0].removals, 2);
}

#[tokio::test]
async fn a_held_change_waits_for_an_operator_and_grants_pass_it() {
    let (backend, ledger) = opened();
    ledger.record(revoke("1", 0, "ada")).await.unwrap();
    ledger.record(revoke("2", 0, "bob")).await.unwrap();
    for claim in braked(&ledger, 0).await {
        end(&ledger, &claim, held()).await;
    }
    invariants::check(&backend);
    assert_eq!(state(&ledger, "1").await, (ChangeState::Held, None));
    assert_eq!((braked(&ledger, 9_999_999).await, ledger.next_due().await), (Vec::new(), Ok(None)));
    let list = ledger.held(HeldFilter::default(), 9).await.unwrap();
    assert_eq!(list.iter().map(|held| held.change.id).collect::<Vec<_>>(), [id("1"), id("2")]);
    assert_eq!(list[0].reason.as_deref(), Some("too many"));

    ledger.record(grant_to("3", "ada")).await.unwrap();
    let claim = braked(&ledger, 0).await.remove(0);
    assert_eq!((claim.change.id, claim.replaces), (id("3"), true));
    end(&ledger, &claim, done(Outcome::Granted)).await;
    assert_eq!(state(&ledger, "1").await, (ChangeState::Settled, Some(Outcome::Superseded)));

    let other = HeldFilter { organization: Some("org_other".parse().unwrap()), ..HeldFilter::default() };
    assert_eq!(ledger.release_held(other, 99).await, Ok(0));
    let this = HeldFilter { change: Some(id("2")), ..HeldFilter::default() };
    assert_eq!(ledger.release_held(this, 99).await, Ok(1));
    invariants::check(&backend);
    let claim = braked(&ledger, 0).await.remove(0);
    assert!(claim.released && claim.change.id == id("2"));
}

#[tokio::test]
async fn a_discarded_change_that_was_held_is_dead_and_lets_others_pass() {
    let (backend, ledger) = opened();
    ledger.record(revoke("1", 0, "ada")).await.unwrap();
    let claim = braked(&ledger, 0).await.remove(0);
    end(&ledger, &claim, held()).await;
    let discard = || ledger.discard(LetterId::Change(id("1")), "a mistake".to_owned());
    assert_eq!(discard().await.unwrap().map(|finished| finished.len()), Some(1));
    assert_eq!(discard().await, Ok(None));
    invariants::check(&backend);
    assert_eq!(state(&ledger, "1").await, (ChangeState::Settled, Some(Outcome::Dead)));
    assert_eq!(ledger.statistics().await.unwrap().dead, 0);
    ledger.record(revoke("2", 0, "ada")).await.unwrap();
    assert_eq!(braked(&ledger, 0).await[0].removals, 1);
}

#[tokio::test]
async fn dead_letters_are_listed_the_latest_first_page_by_page_and_by_what_is_asked_for() {
    let (_backend, ledger) = opened();
    for (name, received) in [("1", 0), ("2", 10), ("3", 20)] {
        ledger.record(revoke(name, received, name)).await.unwrap();
    }
    finish(&ledger, 99, Outcome::Dead).await;
    ledger.record(Entry { failure: Some(failure()), ..entry("failed", 30, &[]) }).await.unwrap();
    let change = |name| LetterId::Change(id(name));
    let page = async |filter, after| {
        let page = ledger.dead_letters(filter, after, 2).await.unwrap();
        (page.letters.iter().map(|letter| letter.id).collect::<Vec<_>>(), page.next)
    };
    let (first, next) = page(LetterFilter::default(), None).await;
    assert_eq!(first, [LetterId::Event(entry("failed", 0, &[]).event.id), change("3")]);
    let next = next.map(|cursor| cursor.to_string().parse().unwrap());
    assert_eq!(page(LetterFilter::default(), next).await, (vec![change("2"), change("1")], None));
    let filter = LetterFilter { received_from: Some(at(10)), received_before: Some(at(20)), ..LetterFilter::default() };
    assert_eq!(page(filter, None).await.0, [change("2")]);
    let filter = LetterFilter { rule: Some("r".to_owned()), ..LetterFilter::default() };
    assert_eq!(page(filter, None).await.0.len(), 1);
    let filter = LetterFilter { organization: Some("org_acme".parse().unwrap()), ..LetterFilter::default() };
    assert_eq!(page(LetterFilter { kind: Some(LetterKind::Change), ..filter }, None).await.0.len(), 2);
    for sender in ["billing", "nobody"] {
        let sender = SenderName::try_from(sender.to_owned()).unwrap();
        let found = page(LetterFilter { sender: Some(sender.clone()), ..LetterFilter::default() }, None).await.0;
        assert_eq!(found.is_empty(), sender.as_str() == "nobody");
    }
}

#[tokio::test]
async fn a_replay_is_refused_where_something_later_took_effect_unless_it_is_forced() {
    let (backend, ledger) = opened();
    for (name, user) in [("1", "ada"), ("2", "bob")] {
        ledger.record(grant_to(name, user)).await.unwrap();
    }
    finish(&ledger, 0, Outcome::Dead).await;
    ledger.record(revoke("3", 0, "ada")).await.unwrap();
    finish(&ledger, 0, Outcome::Revoked).await;

    let previews = ledger.preview(LetterFilter::default(), 9).await.unwrap();
    let refused = Replay::Superseded { by: Some(id("3")) };
    assert_eq!(previews.iter().map(|one| one.would).collect::<Vec<_>>(), [Replay::Retried, refused]);
    assert_eq!(ledger.replay(id("1"), false).await, Ok(refused));
    let replayed = Replayed { retried: 1, superseded: 1 };
    assert_eq!(ledger.replay_all(LetterFilter::default(), 9).await, Ok(replayed));
    assert_eq!(ledger.replay(id("2"), false).await, Ok(Replay::NotDead));
    assert_eq!(ledger.replay(id("x"), false).await, Ok(Replay::Unknown));
    invariants::check(&backend);
    let claim = take(&ledger, 0, 9).await.remove(0);
    assert_eq!((claim.change.id, claim.attempts, &claim.step), (id("2"), 0, &Step::Create));
    end(&ledger, &claim, done(Outcome::Granted)).await;
    let record = ledger.find(id("2").event).await.unwrap().unwrap();
    assert_eq!(record.changes[0].attempts.len(), 2, "the old ones stay listed");

    assert_eq!(ledger.replay(id("1"), true).await, Ok(Replay::Retried));
    assert_eq!(take(&ledger, 0, 9).await[0].change.id, id("1"));
    invariants::check(&backend);
}

#[tokio::test]
async fn a_replayed_name_is_looked_up_anew() {
    let (backend, ledger) = opened();
    let mut named = revoke("1", 0, "x");
    named.changes[0].key.user = "email:ada@example.com".parse().unwrap();
    ledger.record(named.clone()).await.unwrap();
    let claim = take(&ledger, 0, 9).await.remove(0);
    end(&ledger, &claim, Next::Found { key: key("ada") }).await;
    finish(&ledger, 0, Outcome::Dead).await;
    assert_eq!(ledger.replay(id("1"), false).await, Ok(Replay::Retried));
    invariants::check(&backend);
    let claim = take(&ledger, 0, 9).await.remove(0);
    assert_eq!((claim.change.key, claim.step), (named.changes[0].key.clone(), Step::FindInvitation));
}

#[tokio::test]
async fn an_event_whose_rules_failed_gets_its_changes_and_its_place() {
    let (backend, ledger) = opened();
    let failed = Entry { failure: Some(failure()), ..entry("failed", 0, &[]) };
    let event = failed.event.id;
    ledger.record(failed).await.unwrap();
    ledger.record(grant_to("2", "ada")).await.unwrap();
    assert_eq!(ledger.reconsider(id("x").event, Ok(Vec::new())).await, Ok(Reconsidered::Unknown));
    assert_eq!(ledger.reconsider(id("2").event, Ok(Vec::new())).await, Ok(Reconsidered::NotFailed));
    let Ok(Reconsidered::Recorded(record)) = ledger.reconsider(event, Err(failure())).await else { panic!() };
    assert_eq!(record.status(), EventStatus::Failed);
    let changes = vec![change(event, 0, "ada"), change(event, 1, "bob")];
    let Ok(Reconsidered::Recorded(record)) = ledger.reconsider(event, Ok(changes)).await else { panic!() };
    assert_eq!((record.status(), record.failure, record.changes.len()), (EventStatus::Pending, None, 2));
    invariants::check(&backend);
    let claims = take(&ledger, 0, 9).await;
    assert_eq!(claims.len(), 2, "one for each membership");
    assert_eq!(ledger.statistics().await.unwrap().dead, 0);
}

#[tokio::test]
async fn a_discarded_dead_letter_leaves_the_list_and_can_be_purged() {
    let (_backend, ledger) = opened();
    ledger.record(Entry { failure: Some(failure()), ..entry("failed", 0, &[]) }).await.unwrap();
    ledger.record(revoke("1", 0, "ada")).await.unwrap();
    finish(&ledger, 0, Outcome::Dead).await;
    ledger.record(entry("last", 0, &[])).await.unwrap();
    assert_eq!(ledger.purge(at(9), 9).await, Ok(0));
    for letter in [LetterId::Change(id("1")), LetterId::Event(entry("failed", 0, &[]).event.id)] {
        assert_eq!(ledger.discard(letter, "known".to_owned()).await, Ok(Some(Vec::new())));
        assert_eq!(ledger.discard(letter, "known".to_owned()).await, Ok(None));
    }
    assert_eq!(ledger.dead_letters(LetterFilter::default(), None, 9).await.unwrap().letters, []);
    let reason = ledger.find(id("1").event).await.unwrap().unwrap().changes.remove(0).reason;
    assert_eq!(reason.as_deref(), Some("because; discarded: known"));
    assert_eq!(ledger.purge(at(9), 9).await, Ok(2));
}
