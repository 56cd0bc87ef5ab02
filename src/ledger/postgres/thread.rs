//! The thread that talks to the database: takes what is asked, answers when it is done, ends when nobody asks any more.
//! Knows nothing of what is asked.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::address::Address;
use super::bout::Bout;
use super::clock::Clock;
use super::error::Failure;
use super::notice::Notices;
use super::pool::Pool;
use super::purge::Progress;
use super::replica::Replica;
use super::schema::Unfit;
use super::set::Sets;
use super::share::Sweeps;
use super::{notice, record, replica, schema, works};
use crate::ledger::error::{LedgerError, OpenError};
use crate::ledger::options::Options;
use crate::ledger::prepare::Prepared;
use crate::ledger::types::{Recorded, Settled};
use crate::ledger::worker::Observe;

/// How many callers may wait, of each kind.
const QUEUE: usize = 8192;
/// How many entries are waited for before newcomers are asked to come later.
const BEHIND: usize = QUEUE / 2;

/// Between two looks for a database.
const PAUSE: Duration = Duration::from_millis(250);

/// What everything that is asked shares; it never leaves the thread.
pub(super) struct Core {
    pub(super) pool: Pool,
    pub(super) sets: Sets,
    /// Of commits that were answered, until the next one takes them away.
    pub(super) receipts: RefCell<Vec<i64>>,
    pub(super) replica: Replica,
    pub(super) notices: Notices,
    pub(super) sweeps: Sweeps,
    pub(super) purged: Progress,
    pub(super) observe: Observe,
    pub(super) bout: Bout,
    /// Nothing more is asked: whoever loops for this process ends when nothing waits.
    pub(super) closing: CancellationToken,
}

type Done = Pin<Box<dyn Future<Output = ()>>>;
type Job = Box<dyn FnOnce(Rc<Core>) -> Done + Send>;

/// What is asked for one answer.
pub(super) struct Asked<Q, A> {
    pub(super) question: Q,
    pub(super) answer: oneshot::Sender<Result<A, LedgerError>>,
}

pub(super) type Recording = Asked<Vec<Prepared>, Vec<Recorded>>;
pub(super) type Working = Asked<works::Work, Settled>;

/// The ways to the thread.
pub(super) struct Thread {
    jobs: mpsc::Sender<Job>,
    records: mpsc::Sender<Recording>,
    works: mpsc::Sender<Working>,
    close: mpsc::Sender<oneshot::Sender<()>>,
    clock: Arc<Clock>,
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").field("free", &self.records.capacity()).finish()
    }
}

/// The other ends.
struct Ends {
    jobs: mpsc::Receiver<Job>,
    records: mpsc::Receiver<Recording>,
    works: mpsc::Receiver<Working>,
    close: mpsc::Receiver<oneshot::Sender<()>>,
}

impl Thread {
    /// Starts it, and waits until the database is ready for use or it is clear that it is not.
    pub(super) fn start(address: Address, options: Options) -> Result<Self, OpenError> {
        let ((jobs, job_end), (records, record_end)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
        let ((works, work_end), (close, close_end)) = (mpsc::channel(QUEUE), mpsc::channel(1));
        let ends = Ends { jobs: job_end, records: record_end, works: work_end, close: close_end };
        let (opened, was_opened) = std::sync::mpsc::sync_channel(1);
        let clock = Arc::new(Clock::default());
        let shared = Arc::clone(&clock);
        let run = move || run(&address, options, shared, ends, &opened);
        thread::Builder::new().name("ledger".to_owned()).spawn(run).map_err(failed)?;
        was_opened.recv().map_err(|gone| failed(io::Error::other(gone)))??;
        Ok(Self { jobs, records, works, close, clock })
    }

    /// Has this done; waits for room in the queue.
    pub(super) async fn ask<T, F>(&self, job: impl FnOnce(Rc<Core>) -> F + Send + 'static) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        let job: Job = Box::new(move |core| {
            Box::pin(async move {
                // Whoever asked may have gone away; what is written stays written.
                let result = job(Rc::clone(&core)).await;
                core.bout.note(&result);
                let _ = answer.send(result.map_err(LedgerError::from));
            })
        });
        self.jobs.send(job).await.or(Err(LedgerError::Closed))?;
        receiver.await.unwrap_or(Err(LedgerError::Closed))
    }

    /// Has this done some time, without an answer; not at all where too much waits.
    pub(super) fn tell(&self, job: impl FnOnce(&Core) + Send + 'static) {
        let job: Job = Box::new(move |core| {
            job(&core);
            Box::pin(std::future::ready(()))
        });
        drop(self.jobs.try_send(job));
    }

    /// Records in a group with whatever else waits, or says at once that too much waits.
    pub(super) async fn record(&self, entries: Vec<Prepared>) -> Result<Vec<Recorded>, LedgerError> {
        if self.clock.is_silent() {
            // Rather than let it wait for what others wait for already.
            return Err(LedgerError::Unavailable("the database does not answer".to_owned()));
        }
        let (answer, receiver) = oneshot::channel();
        self.records.try_send(Asked { question: entries, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => LedgerError::Busy,
            mpsc::error::TrySendError::Closed(_) => LedgerError::Closed,
        })?;
        receiver.await.unwrap_or(Err(LedgerError::Closed))
    }

    /// Settles or releases in a group with whatever else waits.
    pub(super) async fn settle(&self, work: works::Work) -> Result<Settled, LedgerError> {
        let (answer, receiver) = oneshot::channel();
        self.works.send(Asked { question: work, answer }).await.or(Err(LedgerError::Closed))?;
        receiver.await.unwrap_or(Err(LedgerError::Closed))
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn is_behind(&self) -> bool {
        self.records.capacity() < QUEUE - BEHIND
    }

    /// Returns when everything that was asked is answered and the thread is gone.
    pub(super) async fn close(&self) {
        let (gone, waiting) = oneshot::channel();
        if self.close.send(gone).await.is_ok() {
            // It is dropped, never sent: the error is the signal.
            let _ = waiting.await;
        }
    }
}

fn failed(error: io::Error) -> OpenError {
    OpenError::Postgres(format!("a thread for it cannot be started: {error}"))
}

type Opened = std::sync::mpsc::SyncSender<Result<(), OpenError>>;

fn run(address: &Address, options: Options, clock: Arc<Clock>, ends: Ends, opened: &Opened) {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(opened.send(Err(failed(error)))),
    };
    let gone = LocalSet::new().block_on(&runtime, async {
        match open(address, options, clock).await {
            Err(error) => {
                let _ = opened.send(Err(error));
                None
            }
            Ok(core) => {
                let _ = opened.send(Ok(()));
                serve(Rc::new(core), ends).await
            }
        }
    });
    drop(runtime);
    drop(gone);
}

async fn open(address: &Address, options: Options, clock: Arc<Clock>) -> Result<Core, OpenError> {
    let pool = Pool::new(address, options.connections)?;
    let replica = enter(&pool, &clock, &options).await?;
    Ok(Core {
        pool,
        sets: Sets::default(),
        replica,
        receipts: RefCell::default(),
        notices: Notices::default(),
        sweeps: Sweeps::default(),
        purged: Progress::default(),
        observe: options.observe,
        bout: Bout::default(),
        closing: CancellationToken::new(),
    })
}

/// Waits a little for a database that is not there yet: whoever starts both starts them in any order.
async fn enter(pool: &Pool, clock: &Arc<Clock>, options: &Options) -> Result<Replica, OpenError> {
    let begun = Instant::now();
    loop {
        let unfit = match try_to_enter(pool, clock, options.call_timeout).await {
            Ok(replica) => return Ok(replica),
            Err(unfit) => unfit,
        };
        let why = match unfit {
            Unfit::Never(why) => return Err(OpenError::Postgres(why)),
            Unfit::Failed(failure) if !failure.may_pass_at_start() => {
                return Err(OpenError::Postgres(failure.to_string()));
            }
            Unfit::Failed(failure) => failure.to_string(),
            Unfit::ReadOnly => "this server takes no writes, as a standby does".to_owned(),
        };
        if begun.elapsed() + PAUSE > options.patience {
            return Err(OpenError::Unreachable { why, tried: begun.elapsed() });
        }
        tracing::debug!(why, "the database is not there yet");
        sleep(PAUSE).await;
    }
}

async fn try_to_enter(pool: &Pool, clock: &Arc<Clock>, call_timeout: Duration) -> Result<Replica, Unfit> {
    schema::migrate(pool).await?;
    Ok(Replica::register(pool, Arc::clone(clock), call_timeout).await?)
}

/// Until it is told to close, or every handle is gone; gives back who waits for the end.
async fn serve(core: Rc<Core>, mut ends: Ends) -> Option<oneshot::Sender<()>> {
    let mut tasks = JoinSet::new();
    tasks.spawn_local(record::run(Rc::clone(&core), ends.records));
    tasks.spawn_local(works::run(Rc::clone(&core), ends.works));
    let beats = tokio::task::spawn_local(replica::run(Rc::clone(&core)));
    let notices = tokio::task::spawn_local(notice::run(Rc::clone(&core)));
    let gone = loop {
        tokio::select! {
            gone = ends.close.recv() => break gone,
            Some(job) = ends.jobs.recv() => drop(tasks.spawn_local(job(Rc::clone(&core)))),
            Some(_ended) = tasks.join_next() => {}
        }
    };
    ends.jobs.close();
    while let Some(job) = ends.jobs.recv().await {
        tasks.spawn_local(job(Rc::clone(&core)));
    }
    core.closing.cancel();
    while tasks.join_next().await.is_some() {}
    beats.abort();
    notices.abort();
    replica::leave(&core).await;
    gone
}
