//! Plays a history: a real ledger, the real recipe and schedule, and a clock, a network and a Clerk of its own.
//! Knows nothing of what must come of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::sample::Index;

use super::clerk::Clerk;
use super::history::{Asked, Fault, PEOPLE, PLACES, Step, World};
use super::oracle::{self, Told};
use super::words::{clerk, entry};
use crate::bapi::Class;
use crate::dispatch::decide::{Answer, Decision, Guard, decide, lowers};
use crate::dispatch::policy::Policy;
use crate::dispatch::schedule::Moment;
use crate::domain::*;
use crate::ledger::{Claim, ClaimRequest, Claimed, Entry, Ledger, Recorded, Settled, Settlement};

const LEASE: Duration = Duration::from_secs(25);
/// More rounds than any history needs: beyond them something goes in circles.
const ROUNDS: usize = 5000;

/// A call that was made and not settled.
struct Flight {
    claim: Claim,
    answer: Answer,
    at: Timestamp,
    /// Its lease was over when somebody looked: the change may be another's by now.
    lapsed: bool,
}

pub(super) struct Play {
    folder: tempfile::TempDir,
    /// `None` only while it is opened anew.
    ledger: Option<Ledger>,
    clerk: Clerk,
    policy: Policy,
    now: Timestamp,
    flights: Vec<Flight>,
    faults: VecDeque<Fault>,
    sent: Vec<(Asked, Entry)>,
    turns: Turns,
}

impl Play {
    pub(super) async fn begin(world: &World) -> Self {
        // In memory where there is such a folder: nothing of it outlives the test.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let ledger = Some(Ledger::open(folder.path()).unwrap());
        let policy = Policy {
            wait_for_user: Duration::from_secs(2 * 3600),
            give_up_after: Duration::from_secs(48 * 3600),
            ..Policy::default()
        };
        Self {
            folder,
            ledger,
            clerk: clerk(world),
            policy,
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            flights: Vec::new(),
            faults: VecDeque::new(),
            sent: Vec::new(),
            turns: Turns::default(),
        }
    }

    fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().unwrap()
    }

    pub(super) async fn step(&mut self, world: &World, step: &Step) {
        match step {
            Step::Send(asked) => self.send(world, asked.clone()).await,
            Step::Again(which) => self.send_again(which).await,
            Step::Begin(count) => drop(self.begin_calls(*count).await),
            Step::End(which) => self.end_call(which).await,
            Step::Fault(fault, times) => self.faults.extend(std::iter::repeat_n(*fault, *times)),
            Step::SignUp(person) => self.clerk.sign_up(*person),
            Step::FreeSeats(place) => self.clerk.places[*place].seats = 100,
            Step::Crash => self.crash().await,
            Step::Clock(seconds) => self.now += SignedDuration::from_secs(*seconds),
            Step::Pass(seconds) => self.now += Duration::from_secs(*seconds),
        }
    }

    async fn send(&mut self, world: &World, asked: Asked) {
        let entry = entry(world, &asked, self.sent.len(), self.now);
        let recorded = self.ledger().record(entry.clone()).await.unwrap();
        assert!(matches!(recorded, Recorded::New(_)));
        self.sent.push((asked, entry));
    }

    async fn send_again(&mut self, which: &Index) {
        if !self.sent.is_empty() {
            let entry = which.get(&self.sent).1.clone();
            assert!(matches!(self.ledger().record(entry).await, Ok(Recorded::Repeated(_))));
        }
    }

    /// Claims and calls; the effect is there at once, the answer when the call ends.
    async fn begin_calls(&mut self, count: usize) -> usize {
        let claims = self.claim(count).await;
        let begun = claims.len();
        for claim in claims {
            let answer = self.call(&claim);
            self.flights.push(Flight { claim, answer, at: self.now, lapsed: false });
        }
        begun
    }

    async fn claim(&mut self, limit: usize) -> Vec<Claim> {
        let (turns, brakes) = (std::mem::take(&mut self.turns), Arc::default());
        let request = ClaimRequest { now: self.now, limit, lease: LEASE, turns, brakes };
        let Claimed { claims, turns, .. } = self.ledger().claim(request).await.unwrap();
        self.turns = turns;
        for flight in &mut self.flights {
            flight.lapsed |= flight.at + LEASE <= self.now;
        }
        for claim in &claims {
            let is_same = |flight: &&Flight| flight.claim.change.key == claim.change.key && !flight.lapsed;
            let same = self.flights.iter().find(is_same);
            assert!(same.is_none(), "two calls at once for {}", claim.change.key);
        }
        claims
    }

    fn call(&mut self, claim: &Claim) -> Answer {
        let retry = |after, outcome_unknown| Answer::Failed(Class::Retry { after, outcome_unknown });
        let effect = |clerk: &mut Clerk| clerk.answer(&claim.step, &claim.change, claim.change.action.role());
        let writes = claim.step.writes();
        match self.faults.pop_front() {
            None => effect(&mut self.clerk),
            Some(Fault::Unreachable) => retry(None, false),
            Some(Fault::LostBefore) => retry(None, writes),
            Some(Fault::LostAfter) => {
                effect(&mut self.clerk);
                retry(None, writes)
            }
            Some(Fault::TooMany(after)) => retry(Some(Duration::from_secs(after.unwrap_or(1))), false),
            Some(Fault::Halt) => Answer::Failed(Class::Halt),
        }
    }

    async fn end_call(&mut self, which: &Index) {
        if !self.flights.is_empty() {
            let flight = self.flights.swap_remove(which.index(self.flights.len()));
            self.settle(flight).await;
        }
    }

    async fn settle(&mut self, flight: Flight) {
        let Flight { claim, answer, at, lapsed } = flight;
        let decision = decide(&claim, &answer, &Guard { brake: None, members: None });
        let counted = !matches!(decision, Decision::Halt | Decision::Found { .. });
        let moment = Moment { policy: &self.policy, now: self.now, random: 0.5 };
        let next = moment.next(&claim, decision, None);
        let attempt = Attempt { at, status: Some(200), code: None, duration_ms: 1, trace_id: None };
        let (ticket, lease, lowers) = (claim.ticket, claim.lease, lowers(&claim, &answer));
        let settlement = Settlement { ticket, lease, attempt: Some(attempt), counted, lowers, next };
        let settled = self.ledger().settle(settlement).await.unwrap();
        if matches!(settled, Settled::Stale) {
            assert!(lapsed, "a lease was lost before its time");
        }
    }

    /// The calls on their way are never heard of again.
    async fn crash(&mut self) {
        self.flights.clear();
        if let Some(ledger) = self.ledger.take() {
            ledger.close().await;
        }
        self.ledger = Some(Ledger::open(self.folder.path()).unwrap());
    }

    /// All goes well from now on: everything that can be done is done.
    pub(super) async fn end(&mut self) {
        self.faults.clear();
        self.clerk.places.iter_mut().for_each(|place| place.seats = 100);
        for _ in 0..ROUNDS {
            for flight in std::mem::take(&mut self.flights) {
                self.settle(flight).await;
            }
            if self.begin_calls(64).await > 0 {
                continue;
            }
            match self.ledger().next_due().await.unwrap() {
                Some(due) => self.now = due.max(self.now + Duration::from_millis(1)),
                None => return,
            }
        }
        panic!("{ROUNDS} rounds and no end");
    }

    pub(super) async fn check(&mut self, world: &World) {
        let told = self.told().await;
        for place in 0..PLACES {
            for person in 0..PEOPLE {
                let expected = oracle::expected(world, &told, place, person);
                let ends = || self.ends(place, person, &told);
                assert_eq!(
                    self.found(place, person).as_deref(),
                    expected,
                    "place {place}, person {person}\n{}",
                    ends()
                );
            }
        }
        for ((event, user), times) in &self.clerk.creates {
            assert_eq!(*times, 1, "the change of {event} created the membership of {user} {times} times");
        }
    }

    /// How each change of this membership ended, for whoever reads a failure.
    fn ends(&self, place: usize, person: usize, told: &[Told]) -> String {
        let own = told.iter().filter(|told| (told.asked.place, told.asked.person) == (place, person));
        let changes = own.flat_map(|told| &told.event.changes);
        let line = |change: &ChangeRecord| {
            let (id, key, action) = (change.change.id, &change.change.key, change.change.action.name());
            format!("{id} {action} {key}: {:?} {:?} after {}\n", change.outcome, change.reason, change.attempts.len())
        };
        changes.map(line).collect()
    }

    async fn told(&self) -> Vec<Told> {
        let mut told = Vec::new();
        for (asked, entry) in &self.sent {
            let record = self.ledger().find(entry.event.id).await.unwrap().unwrap();
            assert!(record.changes.iter().all(|change| change.outcome.is_some()), "unfinished: {record:?}");
            told.push(Told { asked: asked.clone(), event: record });
        }
        told
    }

    /// The role in the membership or the pending invitation.
    fn found(&self, place: usize, person: usize) -> Option<String> {
        let (place, person) = (&self.clerk.places[place], &self.clerk.people[person]);
        let member = self.clerk.members.get(&(place.id.clone(), person.id.clone()));
        let invited = self.clerk.invitations.get(&(place.id.clone(), person.email.clone())).map(|(_, seat)| seat);
        assert!(member.is_none() || invited.is_none());
        member.or(invited).map(|seat| seat.role.to_string())
    }
}
