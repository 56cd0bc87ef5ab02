//! Telling the other processes that there is something to do or that something ended, and hearing it from them.
//! Whoever hears nothing finds out by looking: a notice may be lost, and a pooler may let none through.

mod hear;
mod message;

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::error::Failure;
use super::replica::with;
use super::thread::Core;
use crate::domain::EventId;
use crate::ledger::types::Subscriber;
use message::Message;

/// Between two notices: each is a transaction, and they are committed one after the other in the whole database.
const APART: Duration = Duration::from_millis(10);
/// How long telling may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is to be told, and who hears what is told.
pub(super) struct Notices {
    /// Tells the own notices from those of others.
    from: u64,
    pending: RefCell<Pending>,
    something: Notify,
    subscriber: RefCell<Option<Subscriber>>,
    standing: watch::Sender<()>,
}

#[derive(Default)]
struct Pending {
    due: bool,
    standing: bool,
    ended: HashSet<EventId>,
}

impl Default for Notices {
    fn default() -> Self {
        Self {
            from: fastrand::u64(..),
            pending: RefCell::default(),
            something: Notify::new(),
            subscriber: RefCell::default(),
            standing: watch::Sender::default(),
        }
    }
}

impl Notices {
    /// There are changes to look at that nobody else knows of.
    pub(super) fn due(&self) {
        self.note(|pending| pending.due = true);
    }

    /// Something is new about these events: somebody may wait for it.
    pub(super) fn ended(&self, events: impl IntoIterator<Item = EventId>) {
        self.note(|pending| pending.ended.extend(events));
    }

    /// There are changes to look at that nobody recorded just now: whoever works here is told as well.
    pub(super) fn due_here(&self) {
        self.hear(Message::Due);
        self.due();
    }

    /// What holds for all was changed; whoever works here hears it as well.
    pub(super) fn standing(&self) {
        self.standing.send_replace(());
        self.note(|pending| pending.standing = true);
    }

    fn note(&self, what: impl FnOnce(&mut Pending)) {
        what(&mut self.pending.borrow_mut());
        self.something.notify_one();
    }

    /// Changes whenever somebody changed what holds for all, or may have.
    pub(super) fn standing_heard(&self) -> watch::Receiver<()> {
        self.standing.subscribe()
    }

    /// From now on this one is told what others say; what they said before it finds by looking.
    pub(super) fn subscribe(&self, subscriber: Subscriber) {
        subscriber.wake.ring();
        self.subscriber.replace(Some(subscriber));
    }

    /// What is to be told now, in as few messages as it takes.
    fn take(&self) -> Vec<Message> {
        let Pending { due, standing, ended } = self.pending.take();
        let words = [(due, Message::Due), (standing, Message::Standing)];
        let words = words.into_iter().filter_map(|(said, message)| said.then_some(message));
        words.chain(Message::ended(ended)).collect()
    }

    /// What somebody else told.
    fn hear(&self, message: Message) {
        let subscriber = self.subscriber.borrow();
        match (message, subscriber.as_ref()) {
            (Message::Standing, _) => drop(self.standing.send(())),
            (Message::Due, Some(subscriber)) => subscriber.wake.ring(),
            (Message::Ended(events), Some(subscriber)) => {
                events.iter().for_each(|event| subscriber.outcomes.tell(event));
            }
            (_, None) => {}
        }
    }

    /// Others may have said anything meanwhile.
    fn missed(&self) {
        self.hear(Message::Due);
        self.hear(Message::Standing);
    }
}

/// Tells and hears until nobody works any more.
pub(super) async fn run(core: Rc<Core>) {
    join(tell_all(&core), hear::run(&core)).await;
}

async fn tell_all(core: &Core) {
    loop {
        core.notices.something.notified().await;
        let messages = core.notices.take();
        // Whoever does not hear it looks by itself in a while.
        let told = timeout(PATIENCE, tell(core, &messages)).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::debug!("the other replicas were not told what is new");
        }
        sleep(APART).await;
    }
}

async fn tell(core: &Core, messages: &[Message]) -> Result<(), Failure> {
    if messages.is_empty() {
        return Ok(());
    }
    let sql = message::statements(core.notices.from, messages);
    with(core.pool.get(), async |client| Ok(client.batch_execute(&sql).await?)).await
}
