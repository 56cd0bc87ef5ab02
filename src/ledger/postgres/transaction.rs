//! A transaction from its beginning to its commit; one whose commit got no answer is looked up, not guessed.
//! Knows nothing of what is read and written in it.

use std::time::Duration;

use futures_util::future::{join, try_join};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use super::error::Failure;
use super::flush::flush;
use super::load::{Scope, lock_and_load};
use super::pool::Connection;
use super::session::Session;
use super::set::{Difference, Differences, Rows};
use super::thread::Core;
use crate::ledger::store::Store;

/// How long a transaction may take with all its tries.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a commit without an answer is asked for beyond that; whoever watches the loop that waits for it is patient for
/// half a minute.
const INSISTENCE: Duration = Duration::from_secs(10);
/// Between two tries, and two looks at one that has not ended.
const PAUSE: Duration = Duration::from_millis(50);

/// For all that is asked there is an index, whatever the database thinks of how much there is: it guesses badly how many
/// changes an event has.
macro_rules! by_index {
    () => {
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; \
         SET LOCAL enable_material = off"
    };
}

/// Its number tells later whether it still runs. Limits of its own, on the side of the database: one that nobody is behind
/// any more must not hold its locks. Queues are read in the order of their index; and compiling a statement takes longer than
/// running any of ours.
const BEGIN: &str = concat!(
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '9s'; \
     SET LOCAL idle_in_transaction_session_timeout = '10s'; SET LOCAL jit = off; SET LOCAL enable_bitmapscan = off; \
     SET LOCAL enable_sort = off; SET LOCAL max_parallel_workers_per_gather = 0; ",
    by_index!(),
    "; SELECT pg_current_xact_id()"
);
/// Whether it runs, and whether its receipt is there. The number alone does not tell: after a crash it is given out again.
const STATUS: &str = "SELECT pg_xact_status($1::text::xid8) = 'in progress', \
    EXISTS (SELECT FROM usher.receipts WHERE receipt = $2)";
/// Takes away those of commits that were answered.
const RECEIPT: &str = "WITH known AS (DELETE FROM usher.receipts WHERE receipt = ANY($2)) \
    INSERT INTO usher.receipts (receipt) VALUES ($1)";

/// Does work on the queues of some memberships, in one transaction.
///
/// The work may be done again where the database asks for it.
pub(super) async fn within<T>(
    core: &Core,
    scope: &Scope,
    work: impl Fn(&Store) -> rusqlite::Result<T>,
) -> Result<T, Failure> {
    patiently(Failure::may_pass, async |until| within_once(core, scope, &work, until).await).await
}

/// The same, but where somebody else holds one of the rows for long it says so soon.
pub(super) async fn within_if_free<T>(
    core: &Core,
    scope: &Scope,
    work: impl Fn(&Store) -> rusqlite::Result<T>,
) -> Result<T, Failure> {
    let again = |failure: &Failure| failure.may_pass() && !failure.is_of_a_lock();
    patiently(again, async |until| within_once(core, scope, &work, until).await).await
}

async fn within_once<T>(
    core: &Core,
    scope: &Scope,
    work: &impl Fn(&Store) -> rusqlite::Result<T>,
    until: Instant,
) -> Result<T, Failure> {
    let body = async |client: &Session| Ok(core.sets.run(lock_and_load(client, scope).await?, work)?);
    once(core, &body, until).await
}

/// Does what `body` says in one transaction, and writes what it gives back with the commit.
pub(super) async fn transact<T>(
    core: &Core,
    body: impl AsyncFn(&Session) -> Result<(T, Differences), Failure>,
) -> Result<T, Failure> {
    patiently(Failure::may_pass, async |until| once(core, &body, until).await).await
}

/// Tries again what may succeed soon, as long as there is time.
async fn patiently<T>(
    again: impl Fn(&Failure) -> bool,
    one_try: impl AsyncFn(Instant) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        let failure = match one_try(until).await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        if !again(&failure) || Instant::now() + PAUSE >= until {
            return Err(failure);
        }
        sleep(PAUSE).await;
    }
}

async fn once<T>(
    core: &Core,
    body: &impl AsyncFn(&Session) -> Result<(T, Differences), Failure>,
    until: Instant,
) -> Result<T, Failure> {
    let connection = core.pool.get().await?;
    let slow = |_elapsed| Failure::Slow(PATIENCE);
    let begun = timeout_at(until, begin(&connection, body)).await.map_err(slow).flatten();
    let (number, (done, differences)) = match begun {
        Ok(begun) => begun,
        Err(failure) => {
            // Whatever it left behind goes with the connection.
            drop(Connection::take(connection));
            return Err(failure);
        }
    };
    let receipt = Receipt { number, given: fastrand::i64(..) };
    let committed = timeout_at(until, commit(core, &connection, &differences, &receipt)).await.map_err(slow).flatten();
    let Err(failure) = committed else { return Ok(done) };
    drop(Connection::take(connection));
    if failure.is_ambiguous() && was_committed(core, &receipt, until).await? {
        return Ok(done);
    }
    Err(failure)
}

/// What a transaction is known by when its commit gets no answer.
struct Receipt {
    number: String,
    given: i64,
}

/// The number of the transaction, and what came of its body; all in as few trips as the body takes.
async fn begin<T>(
    client: &Session,
    body: &impl AsyncFn(&Session) -> Result<(T, Differences), Failure>,
) -> Result<(String, (T, Differences)), Failure> {
    let begin = async {
        let said = client.simple_query(BEGIN).await?;
        let number = said.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        number.ok_or(Failure::Set(rusqlite::Error::QueryReturnedNoRows))
    };
    try_join(begin, body(client)).await
}

/// Writes and commits in one trip; receipts of commits that were answered go with it.
async fn commit(core: &Core, client: &Session, differences: &Differences, receipt: &Receipt) -> Result<(), Failure> {
    let writes = differences.iter().any(|difference| *difference != Difference::default());
    let known = if writes { core.receipts.take() } else { Vec::new() };
    let flush = async {
        if !writes {
            return Ok(());
        }
        let params: [(&(dyn ToSql + Sync), Type); 2] = [(&receipt.given, Type::INT8), (&known, Type::INT8_ARRAY)];
        let receipt = async { client.execute_typed(RECEIPT, &params).await.map(drop).map_err(Failure::from) };
        let (noted, flushed) = join(receipt, flush(client, differences, core.replica.id())).await;
        noted.and(flushed)
    };
    let commit = async { client.batch_execute("COMMIT").await.map_err(Failure::from) };
    // Where a write fails the database makes a rollback of the commit, and the failure of the write tells.
    let (flushed, committed) = join(flush, commit).await;
    let done = flushed.and(committed);
    let mut receipts = core.receipts.borrow_mut();
    match &done {
        Ok(()) if writes => receipts.push(receipt.given),
        Ok(()) => {}
        Err(_) => receipts.extend(known),
    }
    done
}

/// Whether a transaction whose commit got no answer took place: asked until it has ended, and a while beyond its own time.
async fn was_committed(core: &Core, receipt: &Receipt, until: Instant) -> Result<bool, Failure> {
    let until = until + INSISTENCE;
    loop {
        let failure = match timeout(PATIENCE, status(core, receipt)).await {
            Ok(Ok(Some(committed))) => return Ok(committed),
            Ok(Ok(None)) | Err(_) => Failure::Slow(INSISTENCE),
            Ok(Err(failure)) => failure,
        };
        if Instant::now() >= until {
            return Err(failure);
        }
        sleep(PAUSE).await;
    }
}

/// `None` while it runs.
async fn status(core: &Core, receipt: &Receipt) -> Result<Option<bool>, Failure> {
    let connection = core.pool.get().await?;
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&receipt.number, Type::TEXT), (&receipt.given, Type::INT8)];
    let row = match connection.query_typed_one(STATUS, &params).await {
        // A number that this server has not reached: whoever takes its place never got the commit.
        Err(error) if error.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) => return Ok(Some(false)),
        found => found?,
    };
    let (runs, is_there): (Option<bool>, bool) = (row.try_get(0)?, row.try_get(1)?);
    Ok((is_there || runs != Some(true)).then_some(is_there))
}

/// Whoever only reads sees one moment.
const LOOK: &str = concat!(
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '9s'; SET LOCAL jit = off; \
     SET LOCAL max_parallel_workers_per_gather = 0; ",
    by_index!()
);

/// Runs reads in one transaction that sees one moment, on a working set that is thrown away.
pub(super) async fn look<T>(
    core: &Core,
    body: impl AsyncFn(&Session) -> Result<Rows, Failure>,
    work: impl FnOnce(&Store) -> rusqlite::Result<T>,
) -> Result<T, Failure> {
    let rows = glance(core, body).await?;
    Ok(core.sets.run(rows, work)?.0)
}

/// Runs reads in one transaction that sees one moment; all in one trip where they do not wait for each other.
pub(super) async fn glance<T>(core: &Core, body: impl AsyncFn(&Session) -> Result<T, Failure>) -> Result<T, Failure> {
    patiently(Failure::may_pass, async |until| glance_once(core, &body, until).await).await
}

async fn glance_once<T>(
    core: &Core,
    body: &impl AsyncFn(&Session) -> Result<T, Failure>,
    until: Instant,
) -> Result<T, Failure> {
    let connection = core.pool.get().await?;
    let looked = async {
        let ((), read) = try_join(async { Ok(connection.batch_execute(LOOK).await?) }, body(&connection)).await?;
        connection.batch_execute("COMMIT").await?;
        Ok(read)
    };
    let looked = timeout_at(until, looked).await.map_err(|_elapsed| Failure::Slow(PATIENCE)).flatten();
    if looked.is_err() {
        drop(Connection::take(connection));
    }
    looked
}
