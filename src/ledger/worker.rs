//! Threads that run work on a connection in groups: one transaction for whatever waits, all answered after its commit.
//! Knows nothing of what the work does.

use std::fmt;
use std::fs::File;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::error::LedgerError;
use super::open::Opened;

/// How many callers may wait for the writer or the reader.
const QUEUE: usize = 8192;
/// The most that one transaction takes: bounds what a failure costs and how long the first one waits.
const GROUP: usize = 512;

pub(super) type Observe = Box<dyn Fn(Duration, usize) + Send>;

/// Something to run inside a transaction, and to answer when the transaction is over.
trait Work: Send {
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, verdict: Result<(), LedgerError>);
}

struct Task<F, T> {
    work: Option<F>,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, LedgerError>>,
}

impl<F, T> Work for Task<F, T>
where
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if let Some(work) = self.work.take() {
            self.result = Some(work(connection)?);
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
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (message, answer) = task(work);
        self.0.send(message).await.or(Err(LedgerError::Closed))?;
        answer.await.unwrap_or(Err(LedgerError::Closed))
    }

    /// Has the work done, or says at once that the queue is full.
    pub(super) async fn offer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (message, answer) = task(work);
        self.0.try_send(message).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => LedgerError::Full,
            mpsc::error::TrySendError::Closed(_) => LedgerError::Closed,
        })?;
        answer.await.unwrap_or(Err(LedgerError::Closed))
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
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> (Message, oneshot::Receiver<Result<T, LedgerError>>) {
    let (answer, receiver) = oneshot::channel();
    (Message::Work(Box::new(Task { work: Some(work), result: None, answer })), receiver)
}

/// Starts the writer and the reader on their connections.
pub(super) fn start(opened: Opened, observe: Observe) -> io::Result<(Queue, Queue)> {
    let Opened { writer, reader, lock } = opened;
    // Reads are answered one by one: one that fails must not fail its neighbours.
    let reader =
        Worker { connection: reader, behavior: TransactionBehavior::Deferred, most: 1, observe: None, failing: false };
    let (reads, reader) = spawn("ledger-reader", reader, None)?;
    let writer = Worker {
        connection: writer,
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
    connection: Connection,
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
        while queue.blocking_recv_many(&mut messages, self.most) > 0 {
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

    fn settle(&mut self, group: &mut Vec<Box<dyn Work>>) {
        if group.is_empty() {
            return;
        }
        let verdict = self.commit(group).map_err(|error| self.failed(&error));
        if verdict.is_ok() && std::mem::take(&mut self.failing) {
            tracing::info!("the ledger works again");
        }
        for work in group.drain(..) {
            work.answer(verdict.clone());
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn Work>]) -> rusqlite::Result<()> {
        if !self.connection.is_autocommit() {
            // A rollback failed earlier, for example because the disk did.
            self.connection.execute_batch("ROLLBACK")?;
        }
        let written = self.connection.total_changes();
        let transaction = self.connection.transaction_with_behavior(self.behavior)?;
        for work in group.iter_mut() {
            work.run(&transaction)?;
        }
        let began = Instant::now();
        transaction.commit()?;
        match &self.observe {
            Some(observe) if self.connection.total_changes() > written => observe(began.elapsed(), group.len()),
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
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// The lock goes last, so that nobody opens a ledger that is still being tidied.
    fn finish(self, held: Option<(File, JoinHandle<()>)>) {
        let Some((lock, reader)) = held else { return };
        // A reader that panicked has let go of its connection as well.
        let _ = reader.join();
        self.fold_log();
        drop(self.connection);
        drop(lock);
    }
}
