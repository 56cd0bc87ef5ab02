//! Settling and releasing in groups: whatever waits is done in one transaction, by the code of the embedded ledger.
//! Knows nothing of retries.

use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep_until;

use super::alone::is_of_the_data;
use super::error::Failure;
use super::flights::Flights;
use super::load::Scope;
use super::thread::{Asked, Core, Working};
use super::transaction::{within, within_if_free};
use crate::domain::EventId;
use crate::ledger::error::LedgerError;
use crate::ledger::store::Store;
use crate::ledger::types::{Next, Settled, Settlement, Ticket};
use crate::ledger::{claim, ending, settle};

/// The most that one transaction takes: bounds what a failure costs, and the locks of memberships.
const GROUP: usize = 128;

/// What is done to one claimed change.
pub(super) enum Work {
    /// Its attempt came to this.
    Settle(Arc<Settlement>),
    /// It goes back without an attempt.
    Release { ticket: Ticket, lease: u64, due_at: Timestamp },
}

impl Work {
    fn ticket(&self) -> Ticket {
        match self {
            Self::Settle(settlement) => settlement.ticket,
            Self::Release { ticket, .. } => *ticket,
        }
    }

    /// Whether its change comes to its end.
    fn ends(&self) -> bool {
        matches!(self, Self::Settle(settlement) if matches!(settlement.next, Next::Done { .. }))
    }

    fn add_to(&self, scope: &mut Scope) {
        scope.changes.push(self.ticket().0);
        if let Self::Settle(settlement) = self
            && let Next::Found { key } = &settlement.next
        {
            scope.keys.push((key.organization.to_text().into_owned(), key.user.to_text().into_owned()));
        }
    }

    fn run(&self, store: &Store) -> rusqlite::Result<Settled> {
        match self {
            Self::Settle(settlement) => settle::settle(store, settlement),
            Self::Release { ticket, lease, due_at } => claim::release(store, *ticket, *lease, *due_at),
        }
    }
}

/// Works until nobody can ask any more and all are answered.
pub(super) async fn run(core: Rc<Core>, mut queue: mpsc::Receiver<Working>) {
    let (mut groups, mut flights) = (JoinSet::new(), Flights::default());
    let (mut held_up, mut waiting, mut open) = (JoinSet::new(), Vec::new(), true);
    while open || !waiting.is_empty() || !flights.is_empty() || !held_up.is_empty() {
        if flights.may_depart(waiting.len(), waiting.len() >= GROUP) {
            let group = mem::take(&mut waiting);
            let size = group.len();
            flights.depart(groups.spawn_local(do_together(Rc::clone(&core), group)).id(), size);
        }
        let room = GROUP.saturating_sub(waiting.len());
        tokio::select! {
            biased;
            Some(ended) = groups.join_next_with_id() => {
                flights.land(&ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task));
                let left = ended.map(|(_, left)| left).unwrap_or_default();
                left.into_iter().for_each(|asked| drop(held_up.spawn_local(do_alone(Rc::clone(&core), asked))));
            }
            Some(_ended) = held_up.join_next() => {}
            () = core.closing.cancelled(), if !queue.is_closed() => queue.close(),
            taken = queue.recv_many(&mut waiting, room), if open && room > 0 => open = taken > 0,
            () = sleep_until(flights.overdue()), if !waiting.is_empty() && flights.have_room() => {}
        }
    }
}

/// Does what was asked in one transaction, and answers all after its commit. Gives back what one of them holds up: it cannot
/// be written, or somebody who is not usher sits on its rows.
async fn do_together(core: Rc<Core>, group: Vec<Working>) -> Vec<Working> {
    let began = Instant::now();
    let (scope, all) = together(&group);
    match within_if_free(&core, &scope, all).await {
        Err(failure) if failure.is_of_a_lock() || is_of_the_data(&failure) && group.len() > 1 => group,
        done => {
            finish(&core, group, done, began);
            Vec::new()
        }
    }
}

/// For as long as others hold it up, nobody else is.
async fn do_alone(core: Rc<Core>, asked: Working) {
    let (group, began) = (vec![asked], Instant::now());
    let (scope, all) = together(&group);
    let done = within(&core, &scope, all).await;
    finish(&core, group, done, began);
}

type Results = Vec<Result<Done, LedgerError>>;

/// What it is about, and what is to be done.
fn together(group: &[Working]) -> (Scope, impl Fn(&Store) -> rusqlite::Result<Results>) {
    let mut scope = Scope::default();
    group.iter().for_each(|asked| asked.question.add_to(&mut scope));
    (scope, |store: &Store| group.iter().map(|asked| one(store, &asked.question)).collect())
}

fn finish(core: &Core, group: Vec<Working>, done: Result<Results, Failure>, began: Instant) {
    match done {
        Ok(results) => {
            (core.observe)(began.elapsed(), group.len());
            core.bout.works();
            core.notices.ended(results.iter().flatten().flat_map(|done| done.ended.iter().copied()));
            answer(group, results);
        }
        Err(failure) => {
            core.bout.failed(&failure);
            let error = LedgerError::from(failure);
            group.into_iter().for_each(|Asked { answer, .. }| drop(answer.send(Err(error.clone()))));
        }
    }
}

/// What came of one work, and of which events a change ended.
struct Done {
    settled: Settled,
    ended: Vec<EventId>,
}

/// One that fails leaves no trace, and the others of its group alone.
fn one(store: &Store, work: &Work) -> rusqlite::Result<Result<Done, LedgerError>> {
    store.prepare_cached("SAVEPOINT one")?.execute([])?;
    let settled = work.run(store);
    if settled.is_err() {
        store.prepare_cached("ROLLBACK TO one")?.execute([])?;
    }
    store.prepare_cached("RELEASE one")?.execute([])?;
    match settled {
        Ok(settled) => Ok(Ok(Done { ended: ended(store, work, &settled)?, settled })),
        Err(error) => Ok(Err(LedgerError::from(Failure::from(error)))),
    }
}

/// Whoever waits for one of these at another replica wants to know.
fn ended(store: &Store, work: &Work, settled: &Settled) -> rusqlite::Result<Vec<EventId>> {
    let Settled::Recorded { finished } = settled else { return Ok(Vec::new()) };
    let mut ended: Vec<EventId> = finished.iter().map(|one| one.change.id.event).collect();
    if work.ends() {
        ended.extend(ending::change_id(store, work.ticket().0)?.map(|change| change.event));
    }
    Ok(ended)
}

fn answer(group: Vec<Working>, results: Results) {
    for (asked, result) in group.into_iter().zip(results) {
        // Whoever asked may have gone away; what is written stays written.
        let _ = asked.answer.send(result.map(|done| done.settled));
    }
}
