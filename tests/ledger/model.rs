//! A ledger beside a list in memory: whatever is done to both, in any order, they tell the same.

use proptest::prelude::*;

use super::*;

const USERS: [&str; 3] = ["ada", "bob", "eve"];

#[derive(Debug, Clone)]
enum Step {
    /// Record an event (by number, so that repeats occur) for these users.
    Record(u8, Vec<usize>),
    Claim(usize),
    /// Finish one of the claims made so far, stale or not.
    Finish(prop::sample::Index, bool),
    Retry(prop::sample::Index, i64),
    Release(prop::sample::Index, i64),
    /// Let this much time go by; leases last 30 s.
    Pass(i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let claim = any::<prop::sample::Index>;
    prop_oneof![
        4 => (0..20u8, prop::collection::vec(0..USERS.len(), 0..4)).prop_map(|(name, users)| Step::Record(name, users)),
        4 => (1..4usize).prop_map(Step::Claim),
        4 => (claim(), any::<bool>()).prop_map(|(claim, dead)| Step::Finish(claim, dead)),
        2 => (claim(), 0..20_000i64).prop_map(|(claim, later)| Step::Retry(claim, later)),
        1 => (claim(), 0..20_000i64).prop_map(|(claim, later)| Step::Release(claim, later)),
        2 => (0..20_000i64).prop_map(Step::Pass),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Debug, Clone)]
struct Row {
    id: ChangeId,
    user: usize,
    received: i64,
    due: i64,
    leased: bool,
    lease: u64,
    attempts: u32,
    lost: bool,
    outcome: Option<Outcome>,
}

/// All changes in the order of their acceptance; who is next is worked out anew each time.
#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    events: Vec<String>,
    claims: Vec<Claim>,
    now: i64,
}

impl Model {
    fn record(&mut self, entry: &Entry, users: &[usize]) -> bool {
        if self.events.contains(&entry.event.event_id) {
            return false;
        }
        self.events.push(entry.event.event_id.clone());
        let (received, due) = (self.now, self.now);
        self.rows.extend(entry.changes.iter().zip(users).map(|(change, &user)| Row {
            id: change.id,
            user,
            received,
            due,
            leased: false,
            lease: 0,
            attempts: 0,
            lost: false,
            outcome: None,
        }));
        true
    }

    fn heads(&mut self) -> Vec<&mut Row> {
        let mut seen = [false; USERS.len()];
        let unfinished = self.rows.iter_mut().filter(|row| row.outcome.is_none());
        unfinished.filter(|row| !std::mem::replace(&mut seen[row.user], true)).collect()
    }

    /// The id, the lease and whether an answer was lost, of what a claim must give.
    fn claim(&mut self, limit: usize) -> Vec<(ChangeId, u64, u32, bool)> {
        let now = self.now;
        let mut due = self.heads();
        due.retain(|row| row.due <= now);
        due.sort_by_key(|row| (row.due, row.leased));
        due.truncate(limit);
        due.into_iter()
            .map(|row| {
                row.lost |= row.leased;
                (row.leased, row.lease, row.due) = (true, row.lease + 1, now + 30_000);
                (row.id, row.lease, row.attempts, row.lost)
            })
            .collect()
    }

    /// The row of a claim that is still good.
    fn held(&mut self, claim: &Claim) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.id == claim.change.id && row.leased && row.lease == claim.lease)
    }

    fn statistics(&self) -> Statistics {
        let unfinished = || self.rows.iter().filter(|row| row.outcome.is_none());
        Statistics {
            unfinished: unfinished().count() as u64,
            oldest_received_at: unfinished().next().map(|row| at(row.received)),
            dead: self.rows.iter().filter(|row| row.outcome == Some(Outcome::Dead)).count() as u64,
        }
    }

    fn reopen(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.leased) {
            (row.leased, row.lost, row.due) = (false, true, row.received);
        }
    }
}

async fn apply(backend: &Backend, ledger: &mut Ledger, model: &mut Model, step: Step) {
    match step {
        Step::Record(name, users) => {
            let names: Vec<_> = users.iter().map(|&user| USERS[user]).collect();
            let entry = entry(&name.to_string(), model.now, &names);
            let new = model.record(&entry, &users);
            assert_eq!(is_new(&ledger.record(entry).await), new);
        }
        Step::Claim(limit) => {
            let claims = ledger.claim(at(model.now), limit, LEASE).await.unwrap();
            let got: Vec<_> = claims.iter().map(|c| (c.change.id, c.lease, c.attempts, c.answer_lost)).collect();
            assert_eq!(got, model.claim(limit));
            model.claims.extend(claims);
        }
        Step::Pass(milliseconds) => model.now += milliseconds,
        Step::Reopen => {
            ledger.clone().close().await;
            *ledger = backend.open();
            model.reopen();
        }
        Step::Finish(..) | Step::Retry(..) | Step::Release(..) if model.claims.is_empty() => {}
        Step::Finish(claim, dead) => finish_one(ledger, model, &claim, dead).await,
        Step::Retry(claim, later) => retry(ledger, model, &claim, later).await,
        Step::Release(claim, later) => release(ledger, model, &claim, later).await,
    }
}

fn settled(held: bool) -> Result<Settled, LedgerError> {
    Ok(if held { Settled::Recorded { finished: Vec::new() } } else { Settled::Stale })
}

async fn finish_one(ledger: &Ledger, model: &mut Model, claim: &prop::sample::Index, dead: bool) {
    let claim = claim.get(&model.claims).clone();
    let outcome = if dead { Outcome::Dead } else { Outcome::Granted };
    let held = model.held(&claim).map(|row| (row.leased, row.outcome) = (false, Some(outcome)));
    assert_eq!(ledger.settle(settlement(&claim, done(outcome))).await, settled(held.is_some()));
}

async fn retry(ledger: &Ledger, model: &mut Model, claim: &prop::sample::Index, later: i64) {
    let (claim, due) = (claim.get(&model.claims).clone(), model.now + later);
    let step = claim.step.clone();
    let next = Next::Again { step, due_at: at(due), reason: None, answer_lost: false };
    let held = model.held(&claim).map(|row| (row.leased, row.due, row.attempts) = (false, due, row.attempts + 1));
    assert_eq!(ledger.settle(settlement(&claim, next)).await, settled(held.is_some()));
}

async fn release(ledger: &Ledger, model: &mut Model, claim: &prop::sample::Index, later: i64) {
    let (claim, due) = (claim.get(&model.claims).clone(), model.now + later);
    let held = model.held(&claim).map(|row| (row.leased, row.due) = (false, due));
    assert_eq!(ledger.release(claim.change.id, claim.lease, at(due)).await, settled(held.is_some()));
}

async fn compare(ledger: &Ledger, model: &mut Model) {
    assert_eq!(ledger.statistics().await, Ok(model.statistics()));
    assert_eq!(ledger.next_due().await, Ok(model.heads().iter().map(|row| row.due).min().map(at)));
    let due: Vec<_> = model.heads().iter().filter(|row| !row.leased).map(|row| (row.id, row.due)).collect();
    for row in &model.rows {
        let record = ledger.find(row.id.event).await.unwrap().unwrap();
        let change = &record.changes[row.id.index as usize];
        let next = due.iter().find(|(id, _)| *id == row.id).map(|(_, due)| at(*due));
        assert_eq!((change.outcome, change.next_attempt_at), (row.outcome, next));
        assert_eq!(change.state == ChangeState::InFlight, row.leased);
    }
}

async fn run(steps: Vec<Step>) {
    let backend = backend();
    let (mut ledger, mut model) = (backend.open(), Model::default());
    for step in steps {
        apply(&backend, &mut ledger, &mut model, step).await;
        compare(&ledger, &mut model).await;
    }
    ledger.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_ledger_tells_the_same_as_a_list(steps in prop::collection::vec(step(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(steps));
    }
}
