//! The stories of several changes to one membership, and of several senders.

use super::*;

const MEMBER: &str = "org:member";

/// An event with one change for a user by any name.
fn asked(name: &str, user: &str, action: Action) -> Entry {
    let mut entry = entry(name, 0, &["x"]);
    entry.event.time = None;
    entry.changes[0].key.user = user.parse().unwrap();
    entry.changes[0].action = action;
    entry
}

fn replace(role: &str) -> Action {
    Action::Grant(Grant::new(role.parse().unwrap(), Existing::Replace, Vec::new()))
}

fn keep(role: &str) -> Action {
    Action::Grant(Grant::new(role.parse().unwrap(), Existing::Keep, Vec::new()))
}

async fn record(ledger: &Ledger, entries: Vec<Entry>) -> Vec<ChangeId> {
    let mut ids = Vec::new();
    for entry in entries {
        ids.push(entry.changes[0].id);
        assert!(is_new(&ledger.record(entry).await));
    }
    ids
}

async fn outcome(ledger: &Ledger, id: ChangeId) -> (Option<Outcome>, Option<ChangeId>) {
    let change = ledger.find(id.event).await.unwrap().unwrap().changes.remove(id.index as usize);
    (change.outcome, change.change.superseded_by)
}

/// Settles, and says what ended with it.
async fn settle(ledger: &Ledger, claim: &Claim, next: Next) -> Vec<ChangeId> {
    match ledger.settle(settlement(claim, next)).await.unwrap() {
        Settled::Recorded { finished } => finished.iter().map(|finished| finished.change.id).collect(),
        Settled::Stale => panic!("stale"),
    }
}

fn again(due: i64, answer_lost: bool) -> Next {
    Next::Again { step: Step::Create, due_at: at(due), reason: None, answer_lost }
}

#[tokio::test]
async fn ten_changes_cost_one_call_and_nine_are_superseded_by_it() {
    let (backend, ledger) = opened();
    let roles = ["org:viewer", MEMBER];
    let entries = (0..10).map(|n| asked(&n.to_string(), "user_ada", replace(roles[n % 2]))).collect();
    let ids = record(&ledger, entries).await;
    let claims = take(&ledger, 0, 100).await;
    assert_eq!(claims.iter().map(|claim| claim.change.id).collect::<Vec<_>>(), [ids[9]]);
    invariants::check(&backend);
    assert_eq!(ledger.statistics().await.unwrap().unfinished, 10, "none is done before the call is");
    assert_eq!(settle(&ledger, &claims[0], done(Outcome::Updated)).await, ids[..9]);
    for id in &ids[..9] {
        assert_eq!(outcome(&ledger, *id).await, (Some(Outcome::Superseded), Some(ids[9])));
    }
    assert_eq!((take(&ledger, 0, 9).await, ledger.next_due().await), (Vec::new(), Ok(None)));
    invariants::check(&backend);
}

#[tokio::test]
async fn a_grant_behind_a_revoke_replaces_what_is_there() {
    let (_backend, ledger) = opened();
    record(&ledger, vec![asked("1", "user_ada", Action::Revoke), asked("2", "user_ada", keep(MEMBER))]).await;
    let claims = take(&ledger, 0, 9).await;
    assert_eq!((claims.len(), claims[0].replaces, &claims[0].change.action), (1, true, &keep(MEMBER)));
}

#[tokio::test]
async fn those_that_a_dead_change_stood_for_go_on_by_themselves() {
    let (backend, ledger) = opened();
    let entries = vec![asked("1", "user_ada", replace("org:viewer")), asked("2", "user_ada", replace("org:gone"))];
    let ids = record(&ledger, entries).await;
    let claim = take(&ledger, 0, 9).await.remove(0);
    assert_eq!(claim.change.id, ids[1]);
    assert_eq!(settle(&ledger, &claim, done(Outcome::Dead)).await, []);
    invariants::check(&backend);
    let claim = take(&ledger, 0, 9).await.remove(0);
    assert_eq!((claim.change.id, claim.replaces), (ids[0], false));
    settle(&ledger, &claim, done(Outcome::Granted)).await;
    assert_eq!(outcome(&ledger, ids[0]).await, (Some(Outcome::Granted), None));
}

#[tokio::test]
async fn a_change_takes_the_place_of_one_that_waits_but_not_of_one_in_flight_or_of_unknown_outcome() {
    let (backend, ledger) = opened();
    let mut ids = record(&ledger, vec![asked("1", "user_ada", keep(MEMBER))]).await;
    let first = take(&ledger, 0, 9).await.remove(0);
    ids.extend(record(&ledger, vec![asked("2", "user_ada", Action::Revoke)]).await);
    assert_eq!(take(&ledger, 0, 9).await, [], "the first is in flight");
    settle(&ledger, &first, again(5_000, true)).await;
    invariants::check(&backend);
    assert_eq!(take(&ledger, 4_999, 9).await, [], "and of unknown outcome");
    let first = take(&ledger, 5_000, 9).await.remove(0);
    assert_eq!(first.change.id, ids[0]);
    settle(&ledger, &first, done(Outcome::Granted)).await;
    let second = take(&ledger, 5_000, 9).await.remove(0);
    settle(&ledger, &second, again(90_000, false)).await;
    ids.extend(record(&ledger, vec![asked("3", "user_ada", replace(MEMBER))]).await);
    let third = take(&ledger, 5_000, 9).await.remove(0);
    assert_eq!(third.change.id, ids[2], "what waits for another attempt is overtaken at once");
    assert_eq!(settle(&ledger, &third, done(Outcome::Granted)).await, [ids[1]]);
}

#[tokio::test]
async fn what_came_behind_an_attempt_in_flight_is_looked_at_when_that_is_to_be_repeated_later() {
    let (_backend, ledger) = opened();
    record(&ledger, vec![asked("1", "user_ada", keep(MEMBER))]).await;
    let first = take(&ledger, 0, 9).await.remove(0);
    let second = record(&ledger, vec![asked("2", "user_ada", Action::Revoke)]).await;
    settle(&ledger, &first, again(3_600_000, false)).await;
    assert_eq!(take(&ledger, 0, 9).await[0].change.id, second[0]);
}

#[tokio::test]
async fn an_event_older_than_what_was_applied_last_is_superseded_without_a_call() {
    let (backend, ledger) = opened();
    let timed = |name: &str, time| {
        let mut entry = asked(name, "user_ada", Action::Revoke);
        entry.event.time = Some(at(time));
        Entry { received_at: at(100), ..entry }
    };
    let ids = record(&ledger, vec![timed("1", 100)]).await;
    finish(&ledger, 100, Outcome::Revoked).await;
    let late = record(&ledger, vec![timed("2", 99)]).await;
    let claimed = claimed(&ledger, 100, 9).await;
    assert_eq!((claimed.claims.len(), claimed.finished[0].change.id), (0, late[0]));
    assert_eq!(claimed.finished[0].change.superseded_by, Some(ids[0]));
    assert_eq!(outcome(&ledger, late[0]).await, (Some(Outcome::Superseded), Some(ids[0])));
    invariants::check(&backend);
    let same = record(&ledger, vec![timed("3", 100)]).await;
    assert_eq!(take(&ledger, 100, 9).await[0].change.id, same[0]);
}

#[tokio::test]
async fn a_clock_that_is_ahead_holds_up_no_honest_change() {
    for applied_before in [true, false] {
        let (backend, ledger) = opened();
        let timed = |name: &str, action, time, received| {
            let mut entry = asked(name, "user_ada", action);
            entry.event.time = Some(time);
            Entry { received_at: at(received), ..entry }
        };
        let mut ids =
            record(&ledger, vec![timed("1", keep(MEMBER), "9000-01-01T00:00:00Z".parse().unwrap(), 1_000)]).await;
        if applied_before {
            finish(&ledger, 1_000, Outcome::Granted).await;
        }
        ids.extend(record(&ledger, vec![timed("2", Action::Revoke, at(1_001), 1_002)]).await);
        finish(&ledger, 2_000, Outcome::Revoked).await;
        assert_eq!(outcome(&ledger, ids[1]).await, (Some(Outcome::Revoked), None), "{applied_before}");
        let older = record(&ledger, vec![timed("3", keep(MEMBER), at(1_000), 1_003)]).await;
        assert_eq!(take(&ledger, 2_000, 9).await, []);
        assert_eq!(outcome(&ledger, older[0]).await, (Some(Outcome::Superseded), Some(ids[1])));
        invariants::check(&backend);
    }
}

#[tokio::test]
async fn a_name_that_is_looked_up_joins_the_queue_of_its_membership_in_the_order_of_acceptance() {
    let (backend, ledger) = opened();
    let (named, known) = ("email:ada@example.com", "user_ada");
    let entries = [(named, keep(MEMBER)), (known, replace("org:viewer")), (named, replace(MEMBER))];
    let entries = entries.into_iter().zip(0..).map(|((user, action), n)| asked(&n.to_string(), user, action));
    let ids = record(&ledger, entries.collect()).await;
    let claims = take(&ledger, 0, 9).await;
    assert_eq!(claims.iter().map(|claim| claim.change.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    assert_eq!((&claims[0].step, &claims[1].step), (&Step::FindUser, &Step::Create));

    assert_eq!(settle(&ledger, &claims[0], Next::Found { key: key("ada") }).await, []);
    invariants::check(&backend);
    assert_eq!(take(&ledger, 0, 9).await, [], "the membership is in flight under its other name");
    settle(&ledger, &claims[1], done(Outcome::Updated)).await;
    invariants::check(&backend);
    let claimed = claimed(&ledger, 0, 9).await;
    assert_eq!(claimed.finished.iter().map(|one| one.change.id).collect::<Vec<_>>(), [ids[0]], "a later one was first");
    assert_eq!((claimed.claims[0].change.id, &claimed.claims[0].step), (ids[2], &Step::Create));
    assert_eq!((claimed.claims[0].attempts, &claimed.claims[0].change.key), (1, &key("ada")));
    let record = ledger.find(ids[2].event).await.unwrap().unwrap();
    assert_eq!(record.changes[0].attempts.len(), 1);
}

#[tokio::test]
async fn senders_take_turns_and_whoever_waits_comes_first() {
    let (_backend, ledger) = opened();
    let of = |sender: &str, name: &str, urgent| {
        let mut entry = asked(name, &format!("user_{name}"), keep(MEMBER));
        entry.event.sender = SenderName::try_from(sender.to_owned()).unwrap();
        entry.event.id = EventId::of(&entry.event.sender, "shop", name);
        entry.changes[0].id.event = entry.event.id;
        Entry { urgent, ..entry }
    };
    let mut entries: Vec<_> = (0..50).map(|n| of("import", &format!("i{n}"), false)).collect();
    entries.extend([of("import", "urgent", true), of("shop", "single", false)]);
    record(&ledger, entries).await;
    let first = claimed(&ledger, 0, 3).await;
    assert_eq!(names(&first.claims), ["urgent", "single", "i0"]);
    let weights = [(SenderName::try_from("import".to_owned()).unwrap(), 2)];
    let request = ClaimRequest { turns: Turns::new(weights), ..request(0, 100) };
    assert_eq!(ledger.claim(request).await.unwrap().claims.len(), 49);
}

#[tokio::test]
async fn every_part_of_a_change_is_kept() {
    let backend = backend();
    let ledger = backend.open();
    let mut wanted = entry("1", 0, &["ada", "bob"]);
    let Value::Object(map) = json!({ "é": [1, null] }) else { panic!() };
    for (change, missing_user) in wanted.changes.iter_mut().zip([MissingUser::Invite, MissingUser::Wait]) {
        change.key.organization = "slug:acme".parse().unwrap();
        change.key.user = "external_id:42 é".parse().unwrap();
        let metadata = Metadata { public: map.clone(), private: Map::new() };
        let grant = Grant::new("org:member".parse().unwrap(), Existing::Keep, Vec::new());
        change.action = Action::Grant(Grant { missing_user, metadata, ..grant });
    }
    let end = Change {
        id: ChangeId { index: 2, ..wanted.changes[0].id },
        action: Action::Revoke,
        schedule: Some(Schedule { grant: 1, at: at(7) }),
        ..wanted.changes[0].clone()
    };
    wanted.changes.push(end);
    // One that is superseded before it is recorded is so by one of its own event.
    wanted.changes[0].superseded_by = Some(wanted.changes[1].id);
    let Ok(Recorded::New(record)) = ledger.record(wanted.clone()).await else { panic!("not new") };
    ledger.close().await;
    assert_eq!(backend.open().find(wanted.event.id).await, Ok(Some(record.clone())));
    assert_eq!(record.changes.iter().map(|c| c.change.clone()).collect::<Vec<_>>(), wanted.changes);
    invariants::check(&backend);
}

#[tokio::test]
async fn a_leader_of_unknown_outcome_keeps_what_it_stands_for_when_its_name_is_found() {
    let (backend, ledger) = opened();
    let named = |name: &str, action| {
        let mut entry = asked(name, "user_x", action);
        entry.changes[0].key.user = "email:ada@example.com".parse().unwrap();
        entry
    };
    let ids = record(&ledger, vec![named("1", Action::Revoke), named("2", keep("org:member"))]).await;
    let claim = take(&ledger, 0, 9).await.remove(0);
    assert_eq!((claim.change.id, claim.replaces), (ids[1], true));
    settle(&ledger, &claim, again(10, true)).await;
    let claim = take(&ledger, 10, 9).await.remove(0);
    settle(&ledger, &claim, Next::Found { key: key("ada") }).await;
    invariants::check(&backend);
    let claim = take(&ledger, 10, 9).await.remove(0);
    assert_eq!((claim.change.id, claim.replaces), (ids[1], true), "the revoke before it is not forgotten");
    assert_eq!(settle(&ledger, &claim, done(Outcome::Updated)).await, [ids[0]]);
}

#[tokio::test]
async fn what_was_accepted_between_a_change_and_one_that_it_stood_for_comes_too_late() {
    let (backend, ledger) = opened();
    let mut revoke = asked("2", "user_x", Action::Revoke);
    revoke.changes[0].key.user = "email:ada@example.com".parse().unwrap();
    let entries =
        vec![asked("1", "user_ada", replace("org:member")), revoke, asked("3", "user_ada", keep("org:viewer"))];
    let ids = record(&ledger, entries).await;
    let claims = take(&ledger, 0, 9).await;
    let of = |id: ChangeId| claims.iter().find(|claim| claim.change.id == id).unwrap();
    assert_eq!(settle(&ledger, of(ids[0]), done(Outcome::Granted)).await, [ids[2]]);
    settle(&ledger, of(ids[1]), Next::Found { key: key("ada") }).await;
    assert_eq!(take(&ledger, 0, 9).await, []);
    assert_eq!(outcome(&ledger, ids[1]).await.0, Some(Outcome::Superseded));
    invariants::check(&backend);
}

#[tokio::test]
async fn what_stands_next_in_an_event_is_not_claimed_with_it_before_its_own_queue_lets_it() {
    let (backend, ledger) = opened();
    record(&ledger, vec![asked("1", "user_eve", Action::Revoke)]).await;
    let lost = take(&ledger, 0, 9).await.remove(0);
    settle(&ledger, &lost, again(9_000, true)).await;
    let mut both = entry("4", 0, &["ada", "eve"]);
    both.changes[1].action = Action::Revoke;
    record(&ledger, vec![asked("2", "user_ada", keep(MEMBER)), asked("3", "user_ada", keep(MEMBER)), both]).await;
    assert_eq!(names(&take(&ledger, 1, 2).await), ["ada"], "what was asked of eve before may have taken effect");
    invariants::check(&backend);
}
