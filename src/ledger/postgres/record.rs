//! Recording in groups: whatever waits goes in one statement, and all are answered after its commit.
//! Knows nothing of what becomes of an event.

mod group;
mod ready;
mod statement;

use std::mem;
use std::rc::Rc;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep_until;

use super::flights::Flights;
use super::thread::{Core, Recording};
use group::Group;
use ready::Ready;

/// The most that one statement takes: bounds what a failure costs and how long the first one waits.
const ENTRIES: usize = 512;
const BYTES: usize = 4 << 20;

/// Records what comes until nobody can ask any more and all are answered.
pub(super) async fn run(core: Rc<Core>, queue: mpsc::Receiver<Recording>) {
    let mut gathering = Gathering { queue, open: true, waiting: Vec::new(), entries: 0, bytes: 0 };
    let (mut writes, mut rests, mut flights) = (JoinSet::new(), JoinSet::new(), Flights::default());
    while gathering.open || gathering.entries > 0 || !flights.is_empty() {
        if flights.may_depart(gathering.entries, gathering.is_full()) {
            let entries = gathering.entries;
            let group = Group::of(gathering.take());
            let task = writes.spawn_local(group::write(Rc::clone(&core), group));
            flights.depart(task.id(), entries);
        }
        tokio::select! {
            biased;
            Some(written) = writes.join_next_with_id() => {
                flights.land(&written.as_ref().map_or_else(JoinError::id, |(task, _)| *task));
                if let Ok((_, Some(rest))) = written {
                    rests.spawn_local(group::finish(Rc::clone(&core), rest));
                }
            }
            Some(_answered) = rests.join_next() => {}
            () = core.closing.cancelled(), if !gathering.queue.is_closed() => gathering.queue.close(),
            asked = gathering.queue.recv(), if gathering.open && !gathering.is_full() => gathering.add(asked),
            () = sleep_until(flights.overdue()), if gathering.entries > 0 && flights.have_room() => {}
        }
    }
    while rests.join_next().await.is_some() {}
}

/// Who waits for the next group.
struct Gathering {
    queue: mpsc::Receiver<Recording>,
    /// Somebody may still ask.
    open: bool,
    waiting: Vec<Recording>,
    entries: usize,
    bytes: usize,
}

impl Gathering {
    /// This one, and those that came with it; nobody comes any more after `None`.
    fn add(&mut self, asked: Option<Recording>) {
        self.open = asked.is_some();
        let mut next = asked;
        while let Some(asked) = next {
            self.entries += asked.question.len();
            self.bytes += asked.question.iter().map(Ready::weight).sum::<usize>();
            match asked.question.is_empty() {
                // No group would ever go for it alone.
                true => drop(asked.answer.send(Ok(Vec::new()))),
                false => self.waiting.push(asked),
            }
            next = if self.is_full() { None } else { self.queue.try_recv().ok() };
        }
    }

    fn is_full(&self) -> bool {
        self.entries >= ENTRIES || self.bytes >= BYTES
    }

    fn take(&mut self) -> Vec<Recording> {
        (self.entries, self.bytes) = (0, 0);
        mem::take(&mut self.waiting)
    }
}
