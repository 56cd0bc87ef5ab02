//! A ledger and a Clerk that is a list, beside the changes made one by one: whatever happens on the way, every membership
//! ends as if each change that is not dead had been made in the order of acceptance.

#[path = "model_steps.rs"]
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use steps::{Lost, Step, Wish, step};

const USERS: [&str; 3] = ["ada", "bob", "eve"];

struct Row {
    id: ChangeId,
    user: usize,
    wish: Wish,
    time: Option<i64>,
    outcome: Option<Outcome>,
}

#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    events: BTreeSet<u8>,
    claims: Vec<Claim>,
    /// Which claim is good for a user, and until when.
    leases: BTreeMap<usize, (ChangeId, u64, i64)>,
    /// Changes of which a call may have taken effect.
    tried: BTreeSet<ChangeId>,
    clerk: [Option<usize>; USERS.len()],
    now: i64,
}

impl Model {
    fn row(&mut self, id: ChangeId) -> &mut Row {
        self.rows.iter_mut().find(|row| row.id == id).unwrap()
    }

    /// Whether the claim still settles.
    fn is_good(&mut self, claim: &Claim) -> bool {
        let user = self.row(claim.change.id).user;
        self.leases.get(&user).is_some_and(|(id, lease, _)| (*id, *lease) == (claim.change.id, claim.lease))
    }

    fn call(&mut self, claim: &Claim) {
        let row = self.row(claim.change.id);
        let (user, wish) = (row.user, row.wish);
        self.clerk[user] = wish.make(claim.replaces, self.clerk[user]);
        self.tried.insert(claim.change.id);
    }

    fn end(&mut self, id: ChangeId, outcome: Outcome) {
        let row = self.row(id);
        assert_eq!(row.outcome.replace(outcome), None, "a change ends once");
    }

    fn settle(&mut self, claim: &Claim) {
        let user = self.row(claim.change.id).user;
        self.leases.remove(&user);
    }

    fn one_by_one(&self, user: usize) -> Option<usize> {
        let (mut state, mut newest) = (None, None);
        for row in self.rows.iter().filter(|row| row.user == user && row.outcome != Some(Outcome::Dead)) {
            if row.time.is_none() || row.time >= newest {
                state = row.wish.make(false, state);
                newest = newest.max(row.time);
            }
        }
        state
    }
}

/// A ledger, where it lives, and what is known of it.
struct Bench {
    backend: Backend,
    ledger: Ledger,
    model: Model,
}

impl Bench {
    async fn apply(&mut self, step: Step) {
        match step {
            Step::Record(name, time, changes) => self.record(name, time, &changes).await,
            Step::Claim(limit) => self.claim(limit).await,
            Step::Pass(milliseconds) => self.model.now += milliseconds,
            Step::Reopen => {
                self.ledger.clone().close().await;
                self.ledger = self.backend.open();
                self.model.leases.clear();
            }
            Step::ReleaseHeld => {
                self.ledger.release_held(HeldFilter::default(), 99).await.unwrap();
            }
            Step::Finish(..) | Step::Retry(..) | Step::Release(..) | Step::Hold(..) if self.model.claims.is_empty() => {
            }
            Step::Finish(claim, dead) => self.finish(self.pick(&claim), dead).await,
            Step::Retry(claim, later, lost) => self.retry(self.pick(&claim), later, lost).await,
            Step::Release(claim, later) => {
                let (claim, due) = (self.pick(&claim), at(self.model.now + later));
                let good = self.model.is_good(&claim);
                let released = self.ledger.release(claim.ticket, claim.lease, due).await.unwrap();
                assert_eq!(released != Settled::Stale, good);
                if good {
                    self.model.settle(&claim);
                }
            }
            Step::Hold(claim) => self.hold(self.pick(&claim)).await,
        }
    }

    fn pick(&self, claim: &Index) -> Claim {
        claim.get(&self.model.claims).clone()
    }

    async fn record(&mut self, name: u8, time: Option<i64>, changes: &[(usize, Wish)]) {
        let users: Vec<_> = changes.iter().map(|(user, _)| USERS[*user]).collect();
        let mut entry = entry(&name.to_string(), self.model.now, &users);
        entry.event.time = time.map(at);
        for (change, (_, wish)) in entry.changes.iter_mut().zip(changes) {
            change.action = wish.action();
        }
        let (ids, new): (Vec<_>, _) =
            (entry.changes.iter().map(|change| change.id).collect(), self.model.events.insert(name));
        match self.ledger.record(entry).await.unwrap() {
            Recorded::New(_) => assert!(new),
            Recorded::Repeated(_) => assert!(!new),
            Recorded::Conflict | Recorded::KeyTaken => panic!("the content is the same"),
        }
        if new {
            let rows = ids.into_iter().zip(changes);
            // Nothing is newer than its acceptance.
            let time = time.map(|time| time.min(self.model.now));
            self.model.rows.extend(rows.map(|(id, &(user, wish))| Row { id, user, wish, time, outcome: None }));
        }
    }

    async fn claim(&mut self, limit: usize) {
        let claimed = claimed(&self.ledger, self.model.now, limit).await;
        assert!(claimed.claims.len() <= limit);
        for finished in claimed.finished {
            self.model.end(finished.change.id, finished.outcome);
        }
        for claim in claimed.claims {
            let row = self.model.row(claim.change.id);
            let (user, outcome) = (row.user, row.outcome);
            assert_eq!(outcome, None, "what is settled is not claimed");
            let lapses = self.model.now + 30_000;
            if let Some((id, lease, until)) = self.model.leases.insert(user, (claim.change.id, claim.lease, lapses)) {
                assert!(until <= self.model.now, "one call at a time for a membership");
                assert!(id == claim.change.id && lease < claim.lease && claim.answer_lost);
            }
            let tried = self.model.tried.iter().find(|id| {
                let row = self.model.rows.iter().find(|row| row.id == **id).unwrap();
                row.user == user && row.outcome.is_none()
            });
            assert!(tried.is_none_or(|tried| *tried == claim.change.id), "never across an unknown outcome");
            self.model.claims.push(claim);
        }
    }

    async fn finish(&mut self, claim: Claim, dead: bool) {
        let good = self.model.is_good(&claim);
        // What may have taken effect cannot be taken back.
        let dead = dead && !self.model.tried.contains(&claim.change.id);
        if good && !dead {
            self.model.call(&claim);
        }
        let outcome = if dead { Outcome::Dead } else { Outcome::Granted };
        let Settled::Recorded { finished } = self.ledger.settle(settlement(&claim, done(outcome))).await.unwrap()
        else {
            return assert!(!good, "a good lease settles");
        };
        assert!(good, "a stale lease does not settle");
        self.model.settle(&claim);
        self.model.end(claim.change.id, outcome);
        for finished in finished {
            assert_eq!(finished.change.superseded_by, Some(claim.change.id));
            self.model.end(finished.change.id, finished.outcome);
        }
    }

    async fn retry(&mut self, claim: Claim, later: i64, lost: Lost) {
        let good = self.model.is_good(&claim);
        if good && lost == Lost::After {
            self.model.call(&claim);
        }
        let (step, due_at) = (claim.step.clone(), at(self.model.now + later));
        let next = Next::Again { step, due_at, reason: None, answer_lost: lost != Lost::No };
        let settled = self.ledger.settle(settlement(&claim, next)).await.unwrap();
        assert_eq!(settled != Settled::Stale, good);
        if good {
            self.model.settle(&claim);
        }
    }

    async fn hold(&mut self, claim: Claim) {
        let lost = claim.answer_lost || self.model.tried.contains(&claim.change.id);
        if lost || claim.change.action != Action::Revoke {
            return;
        }
        let good = self.model.is_good(&claim);
        let held = Next::Held { reason: "too many".to_owned() };
        let settled = self.ledger.settle(settlement(&claim, held)).await.unwrap();
        assert_eq!(settled != Settled::Stale, good);
        if good {
            self.model.settle(&claim);
        }
    }

    async fn compare(&mut self) {
        invariants::check(&self.backend);
        let statistics = self.ledger.statistics().await.unwrap();
        let count = |outcome| self.model.rows.iter().filter(|row| row.outcome == outcome).count() as u64;
        assert_eq!((statistics.unfinished, statistics.dead), (count(None), count(Some(Outcome::Dead))));
        for of_event in self.model.rows.chunk_by(|a, b| a.id.event == b.id.event) {
            let record = self.ledger.find(of_event[0].id.event).await.unwrap().unwrap();
            for row in of_event {
                assert_eq!(record.changes[row.id.index as usize].outcome, row.outcome);
            }
        }
    }

    /// Whatever waits is made, and then nothing waits any more.
    async fn drain(&mut self) {
        self.ledger.release_held(HeldFilter::default(), 99).await.unwrap();
        for _ in 0..self.model.rows.len() * 2 + 1 {
            self.model.now += 60_000;
            let before = self.model.claims.len();
            self.claim(100).await;
            let claims = self.model.claims.split_off(before);
            for claim in claims {
                self.finish(claim, false).await;
            }
        }
        assert!(self.model.rows.iter().all(|row| row.outcome.is_some()), "nothing is lost");
        assert_eq!(self.ledger.next_due().await, Ok(None));
        for (user, state) in self.model.clerk.iter().enumerate() {
            assert_eq!(*state, self.model.one_by_one(user), "{}", USERS[user]);
        }
    }
}

async fn run(steps: Vec<Step>) {
    let backend = backend();
    let ledger = backend.open();
    let mut bench = Bench { backend, ledger, model: Model::default() };
    for step in steps {
        bench.apply(step).await;
        bench.compare().await;
    }
    bench.drain().await;
    bench.compare().await;
    bench.ledger.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: HISTORIES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_membership_ends_as_if_its_changes_were_made_one_by_one(steps in prop::collection::vec(step(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(steps));
    }
}
