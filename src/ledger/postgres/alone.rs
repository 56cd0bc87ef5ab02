//! One statement that is a transaction of its own, run again where nobody knows what came of it.
//! Knows nothing of what it says: only what may be done twice is done this way.

use std::time::Duration;

use deadpool::managed::TimeoutType;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::error::Failure;
use super::pool::Connection;
use super::pool::PoolError;
use super::session::Param;
use super::thread::Core;

/// How long it may take with all its tries.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one try may take: a connection that was cut says nothing.
const TRY: Duration = Duration::from_secs(4);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Its rows. A failure means that it was not done, as far as anybody can know within the time.
pub(super) async fn query(core: &Core, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
    let until = Instant::now() + PATIENCE;
    let mut unknown = false;
    loop {
        let failure = match once(core, sql, params, until.min(Instant::now() + TRY)).await {
            Ok(rows) => return Ok(rows),
            Err(failure) => failure,
        };
        unknown |= failure.is_ambiguous();
        let again = lost_a_race(&failure) || failure.is_ambiguous() || unknown && failure.may_pass();
        if !again || Instant::now() + PAUSE >= until {
            return Err(failure);
        }
        sleep(PAUSE).await;
    }
}

async fn once(core: &Core, sql: &str, params: &[Param<'_>], until: Instant) -> Result<Vec<Row>, Failure> {
    let slow = |_elapsed| Failure::Slow(TRY);
    let connection = match timeout_at(until, core.pool.get()).await {
        Ok(connection) => connection?,
        // Nothing was sent: this is no question of what came of it. Whoever only waits for others is told so earlier.
        Err(_elapsed) => return Err(Failure::Connection(PoolError::Timeout(TimeoutType::Create))),
    };
    let done = timeout_at(until, connection.query_typed(sql, params)).await.map_err(slow);
    let done = done.and_then(|done| done.map_err(Failure::from));
    match &done {
        Err(Failure::Slow(_)) => core.pool.give_up(connection),
        // It may be half dead, or of a server that takes no writes any more.
        Err(failure) if !is_of_the_data(failure) => drop(Connection::take(connection)),
        _ => {}
    }
    done
}

fn code(failure: &Failure) -> Option<&SqlState> {
    if let Failure::Database(error) = failure { error.code() } else { None }
}

/// Somebody else wrote the same at the same time, and is done by now: another try sees it.
fn lost_a_race(failure: &Failure) -> bool {
    code(failure).is_some_and(|code| *code == SqlState::UNIQUE_VIOLATION || code.code().starts_with("40"))
}

/// Whether it is the rows that are wrong, and others could be written.
pub(super) fn is_of_the_data(failure: &Failure) -> bool {
    code(failure).is_some_and(|code| matches!(&code.code()[..2], "22" | "23")) || matches!(failure, Failure::Set(_))
}
