//! This process among those that share the ledger: seen each second, and taken for gone when it is not.
//! Knows nothing of what the others do.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_postgres::types::Type;

use super::clock::Clock;
use super::error::Failure;
use super::leases;
use super::pool::Connection;
use super::pool::Pool;
use super::session::Session;
use super::thread::Core;

/// How often this process says that it is here.
const BEAT: Duration = Duration::from_secs(1);
/// How long each trip may take; by then others are close to taking it for gone.
const PATIENCE: Duration = Duration::from_secs(3);
/// So long beyond a call whoever fell silent may still be at it.
const MARGIN: Duration = Duration::from_secs(2);
/// How many beats pass between two looks for leases that belong to nobody.
const LOOK: u32 = 5;

const REGISTER: &str = "INSERT INTO usher.replicas (name, seen_at, gone_after) \
    VALUES ($1, clock_timestamp(), make_interval(secs => $2)) RETURNING id";
const SEEN: &str = "UPDATE usher.replicas SET seen_at = clock_timestamp() WHERE id = $1 \
    RETURNING (extract(epoch FROM clock_timestamp()) * 1000000)::int8";

pub(super) struct Replica {
    id: Cell<i64>,
    name: String,
    gone_after: Duration,
    clock: Arc<Clock>,
}

impl Replica {
    pub(super) async fn register(pool: &Pool, clock: Arc<Clock>, call_timeout: Duration) -> Result<Self, Failure> {
        let replica = Self { id: Cell::new(0), name: name(), gone_after: call_timeout + MARGIN, clock };
        replica.enter(&*pool.get_reserved().await?).await?;
        Ok(replica)
    }

    /// What this process writes as the owner of what it claims.
    pub(super) fn id(&self) -> i64 {
        self.id.get()
    }

    async fn enter(&self, client: &Session) -> Result<(), Failure> {
        let (asked, seconds) = (Instant::now(), self.gone_after.as_secs_f64());
        let row = client.query_typed_one(REGISTER, &[(&self.name, Type::TEXT), (&seconds, Type::FLOAT8)]).await?;
        self.id.set(row.try_get(0)?);
        self.clock.registered(asked);
        Ok(())
    }

    /// One beat; where others took this process for gone it comes back under a new number.
    async fn beat(&self, client: &Session) -> Result<(), Failure> {
        let asked = Instant::now();
        let seen = client.query_typed(SEEN, &[(&self.id.get(), Type::INT8)]).await?;
        if let Some(row) = seen.first() {
            self.clock.seen(asked, Instant::now(), row.try_get(0)?);
            return Ok(());
        }
        tracing::warn!("others took this replica for gone and take up its work; it begins anew");
        self.enter(client).await
    }
}

/// What operators see in the table; nothing depends on it.
fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}

/// Says again and again that this process is here, and ends the leases of those that are not; neither waits for the other.
pub(super) async fn run(core: Rc<Core>) {
    join(beat(&core), sweep(&core)).await;
}

async fn beat(core: &Core) {
    let mut beats = every(BEAT);
    loop {
        beats.tick().await;
        match limited(with(core.pool.get_reserved(), async |client| core.replica.beat(client).await)).await {
            Ok(()) => core.bout.works(),
            Err(failure) => core.bout.failed(&failure),
        }
    }
}

async fn sweep(core: &Core) {
    let (mut sweeps, others) = (every(BEAT), leases::Others::default());
    for count in 0_u32.. {
        sweeps.tick().await;
        let swept = with(core.pool.get(), async |client| {
            let ended = leases::end_of_the_gone(client, &others, core.replica.id()).await?;
            if count.is_multiple_of(LOOK) {
                leases::end_of_nobody(client).await?;
            }
            Ok(ended)
        });
        let swept = limited(swept).await;
        core.bout.note(&swept);
        if matches!(swept, Ok(true)) {
            core.notices.due_here();
        }
    }
}

fn every(time: Duration) -> Interval {
    let mut interval = interval(time);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Makes a tiny durable write. It finds room on a disk that is full: then what others met counts.
pub(super) async fn check(core: &Core) -> Result<(), Failure> {
    if core.bout.is_full() {
        return Err(Failure::Full);
    }
    let write = async |client: &Session| {
        client.query_typed(SEEN, &[(&core.replica.id(), Type::INT8)]).await?;
        Ok(())
    };
    limited(with(core.pool.get(), write)).await
}

/// Gives back what this process had claimed, and says that it is gone.
pub(super) async fn leave(core: &Core) {
    let own = [core.replica.id()];
    let left = with(core.pool.get_reserved(), async |client| leases::end_of(client, &own).await);
    if let Err(failure) = limited(left).await {
        tracing::warn!(error = %failure, "what this replica had claimed is taken up a few seconds later");
    }
}

pub(super) async fn limited<T>(asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(PATIENCE, asked).await.unwrap_or(Err(Failure::Slow(PATIENCE)))
}

/// Does this over a connection, which is thrown away unless all was answered: a late answer would be taken for the next
/// one, and a transaction that was begun would go on.
pub(super) async fn with<T>(
    connection: impl Future<Output = Result<Connection, Failure>>,
    ask: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut doubtful = Doubtful(Some(connection.await?));
    let Some(client) = doubtful.0.as_ref() else { return Err(Failure::Closed) };
    let answer = ask(client).await?;
    drop(doubtful.0.take());
    Ok(answer)
}

/// A connection over which something is under way.
struct Doubtful(Option<Connection>);

impl Drop for Doubtful {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Connection::take(connection));
        }
    }
}
