//! Threads that run work on a connection in groups: one transaction for whatever waits, all answered after its commit.
//! Knows nothing of what the work does.

use std::fmt;
use std::fs::File;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::error::LedgerError;
use super::open::Opened;
use super::store::Store;

/// How many callers may wait for the writer or the reader.
const QUEUE: usize = 8192;
/// How many are waited for before newcomers are asked to come later: several groups, so a second on a slow disk.
const BEHIND: usize = QUEUE / 2;
/// The most that one transaction takes: bounds what a failure costs and how long the first one waits.
const GROUP: usize = 512;
/// How many are a group worth its commit, and how often the writer lets others run until so many wait.
const ENOUGH: usize = 32;
const YIELDS: usize = 20;

pub(super) type Observe = Box<dyn Fn(Duration, usize) + Send>;

/// Something to run inside a transaction, and to answer when the transaction is over.
trait Work: Send {
    fn run(&mut self, store: &Store) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, verdict: Result<(), LedgerError>);
}

struct Task<F, T> {
    work: Option<F>,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, LedgerError>>,
}

impl<F, T> Work for Task<F, T>
where
    F: FnOnce(&Store) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, store: &Store) -> rusqlite::Result<()> {
        if let Some(work) = self.work.take() {
            self.result = Some(work(store)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, verdict: Result<(), LedgerError>) {
        let Self { result, answer, .. } = *self;
        // Whoever asked may have gone away; what is written stays written.
        let _ = answer.send(verdict.and_then(|()| result.ok_or(LedgerError::Closed)));
    }
}

enum Message {
    Work(Box<dyn Work>),
    /// Finish what is queued, then stop; the sender goes when everything has been let go of.
    Close(oneshot::Sender<()>),
}

/// The way to a worker.
#[derive(Clone)]
pub(super) struct Queue(mpsc::Sender<Message>);

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("free", &self.0.capacity()).finish()
    }
}

impl Queue {
    /// Has the work done; waits for room in the queue.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (message, answer) = task(work);
        self.0.send(message).await.or(Err(LedgerError::Closed))?;
        answer.await.unwrap_or(Err(LedgerError::Closed))
    }

    /// Has the work done, or says at once that the queue is full.
    pub(super) async fn offer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (message, answer) = task(work);
        self.0.try_send(message).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => LedgerError::Busy,
            mpsc::error::TrySendError::Closed(_) => LedgerError::Closed,
        })?;
        answer.await.unwrap_or(Err(LedgerError::Closed))
    }

    /// Whether so much waits that whoever comes now had better come later.
    pub(super) fn is_behind(&self) -> bool {
        self.0.capacity() < QUEUE - BEHIND
    }

    /// Returns when the worker has finished what was queued and is gone.
    pub(super) async fn close(&self) {
        let (gone, waiting) = oneshot::channel();
        if self.0.send(Message::Close(gone)).await.is_ok() {
            // It is dropped, never sent: the error is the signal.
            let _ = waiting.await;
        }
    }
}

fn task<T: Send + 'static>(
    work: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
) -> (Message, oneshot::Receiver<Result<T, LedgerError>>) {
    let (answer, receiver) = oneshot::channel();
    (Message::Work(Box::new(Task { work: Some(work), result: None, answer })), receiver)
}

/// Starts the writer and the reader on their connections.
pub(super) fn start(opened: Opened, observe: Observe) -> io::Result<(Queue, Queue)> {
    let Opened { writer, reader, lock } = opened;
    // Reads are answered one by one: one that fails must not fail its neighbours.
    let reader =
        Worker { store: reader, behavior: TransactionBehavior::Deferred, most: 1, observe: None, failing: false };
    let (reads, reader) = spawn("ledger-reader", reader, None)?;
    let writer = Worker {
        store: writer,
        behavior: TransactionBehavior::Immediate,
        most: GROUP,
        observe: Some(observe),
        failing: false,
    };
    let (writes, _) = spawn("ledger-writer", writer, Some((lock, reader)))?;
    Ok((writes, reads))
}

fn spawn(name: &str, worker: Worker, held: Option<(File, JoinHandle<()>)>) -> io::Result<(Queue, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let run = move || {
        let gone = worker.run(receiver, held);
        drop(gone);
    };
    Ok((Queue(sender), thread::Builder::new().name(name.to_owned()).spawn(run)?))
}

struct Worker {
    store: Store,
    behavior: TransactionBehavior,
    most: usize,
    observe: Option<Observe>,
    failing: bool,
}

impl Worker {
    /// Works until it is told to close or every handle is gone.
    fn run(
        mut self,
        mut queue: mpsc::Receiver<Message>,
        held: Option<(File, JoinHandle<()>)>,
    ) -> Vec<oneshot::Sender<()>> {
        let (mut messages, mut group, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        while self.gather(&mut queue, &mut messages) {
            for message in messages.drain(..) {
                match message {
                    Message::Work(work) => group.push(work),
                    Message::Close(signal) => {
                        queue.close();
                        gone.push(signal);
                    }
                }
            }
            self.settle(&mut group);
        }
        self.finish(held);
        gone
    }

    /// Waits for the first, and then no longer than others have something to do: the larger a group, the less each costs.
    fn gather(&self, queue: &mut mpsc::Receiver<Message>, messages: &mut Vec<Message>) -> bool {
        let some = queue.blocking_recv_many(messages, self.most) > 0;
        for _ in 0..YIELDS {
            if messages.len() + queue.len() >= ENOUGH.min(self.most) {
                break;
            }
            thread::yield_now();
        }
        while messages.len() < self.most
            && let Ok(message) = queue.try_recv()
        {
            messages.push(message);
        }
        some
    }

    fn settle(&mut self, group: &mut Vec<Box<dyn Work>>) {
        if group.is_empty() {
            return;
        }
        let before = self.store.total_changes();
        let verdict = self.commit(group).map_err(|error| self.failed(&error));
        // A claim that found nothing succeeds on a full disk too: only what was written, or read, tells.
        let tells = self.observe.is_none() || self.store.total_changes() > before;
        if verdict.is_ok() && tells && std::mem::take(&mut self.failing) {
            tracing::info!("the ledger works again");
        }
        for work in group.drain(..) {
            work.answer(verdict.clone());
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn Work>]) -> rusqlite::Result<()> {
        if !self.store.is_autocommit() {
            // A rollback failed earlier, for example because the disk did.
            self.store.execute_batch("ROLLBACK")?;
        }
        let written = self.store.total_changes();
        self.store.begin();
        let transaction = Transaction::new_unchecked(&self.store.connection, self.behavior)?;
        for work in group.iter_mut() {
            work.run(&self.store)?;
        }
        self.store.identities.advance(&transaction)?;
        self.store.keys.advance(&transaction)?;
        let began = Instant::now();
        transaction.commit()?;
        self.store.commit();
        match &self.observe {
            Some(observe) if self.store.total_changes() > written => observe(began.elapsed(), group.len()),
            _ => {}
        }
        Ok(())
    }

    /// Said once per bout of failures: a full disk fails every group, and would fill the log as well.
    fn failed(&mut self, error: &rusqlite::Error) -> LedgerError {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(%error, "the ledger fails; nothing of this group is acknowledged");
        }
        let told = LedgerError::from(error);
        if told == LedgerError::Full {
            // The log may be what fills the disk: folded into the file, it makes room for what comes next.
            self.fold_log();
        }
        told
    }

    /// When it fails nothing is lost: the log is read again by whoever comes next.
    fn fold_log(&self) {
        let _ = self.store.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// The lock goes last, so that nobody opens a ledger that is still being tidied.
    fn finish(self, held: Option<(File, JoinHandle<()>)>) {
        let Some((lock, reader)) = held else { return };
        // A reader that panicked has let go of its connection as well.
        let _ = reader.join();
        self.fold_log();
        drop(self.store);
        drop(lock);
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::identities::{IDS, Identities, KEYS};
    use super::*;

    fn writer() -> Worker {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (a NOT NULL)").unwrap();
        let (behavior, observe) = (TransactionBehavior::Immediate, Some(Box::new(|_, _| ()) as Observe));
        let store = Store { connection, identities: Identities::new(&IDS), keys: Identities::new(&KEYS) };
        Worker { store, behavior, most: GROUP, observe, failing: false }
    }

    /// Settles one group that runs this, and says whether the worker takes the ledger for failing.
    fn fails_after(worker: &mut Worker, sql: &'static str) -> bool {
        let (Message::Work(work), _answer) = task(move |connection| connection.execute(sql, [])) else { panic!() };
        worker.settle(&mut vec![work]);
        worker.failing
    }

    #[test]
    fn a_ledger_that_failed_works_again_when_something_is_written() {
        let mut worker = writer();
        assert!(!fails_after(&mut worker, "INSERT INTO t VALUES (1)"));
        assert!(fails_after(&mut worker, "INSERT INTO t VALUES (NULL)"));
        assert!(fails_after(&mut worker, "UPDATE t SET a = 2 WHERE a = 7"), "nothing was written");
        assert!(!fails_after(&mut worker, "INSERT INTO t VALUES (1)"));
    }
}
