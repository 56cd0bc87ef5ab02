//! Connections to the database: bounded in number, made anew when they broke, never waited for without end.
//! Knows nothing of tables.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Manager, Metrics, Object, RecycleError, RecycleResult};
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::error::Failure;
use super::session::Session;
use crate::ledger::error::OpenError;

/// How long to wait for a connection that somebody else has.
const WAIT: Duration = Duration::from_secs(3);
/// How long a new one may take, whatever its hosts are.
const CREATE: Duration = Duration::from_secs(8);
/// How long it may take to tell the database that nobody waits for an answer any more.
const GIVE_UP: Duration = Duration::from_secs(2);
/// Connections for what must not wait behind the rest: saying that this process is here.
const RESERVED: usize = 1;

/// The half of a connection that moves its bytes, and hands out what the database says unasked.
pub(super) type Link = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Why there is no connection.
pub(super) type PoolError = managed::PoolError<tokio_postgres::Error>;

/// A connection that goes back to the pool unless it is taken out of it.
pub(super) type Connection = Object<Connector>;

pub(super) struct Pool {
    common: managed::Pool<Connector>,
    reserved: managed::Pool<Connector>,
    connector: Connector,
}

impl Pool {
    pub(super) fn new(address: &Address, size: usize) -> Result<Self, OpenError> {
        let tls = address.trust.connector().map_err(|error| OpenError::Postgres(format!("its TLS fails: {error}")))?;
        let connector =
            Connector { config: address.config.clone(), tls, prepared: Arc::new(AtomicBool::new(address.prepared)) };
        let common = build(&connector, size.saturating_sub(RESERVED).max(1))?;
        Ok(Self { common, reserved: build(&connector, RESERVED)?, connector })
    }

    /// A connection that nobody else has meanwhile; a failure where all are taken and stay so.
    pub(super) async fn get(&self) -> Result<Connection, Failure> {
        get(&self.common).await
    }

    /// The same, for what must not wait behind the rest.
    pub(super) async fn get_reserved(&self) -> Result<Connection, Failure> {
        get(&self.reserved).await
    }

    /// Throws away a connection whose question took too long. A server that waits for somebody's lock would wait on, and be
    /// one connection more each time.
    pub(super) fn give_up(&self, connection: Connection) {
        let (session, tls) = (Object::take(connection), self.connector.tls.clone());
        tokio::spawn(async move { drop(timeout(GIVE_UP, session.cancel_token().cancel_query(tls)).await) });
    }

    /// A connection beside the pool, whose other half the caller drives.
    pub(super) async fn connect(&self) -> Result<(Client, Link), Failure> {
        let connecting = timeout(CREATE, self.connector.connect());
        Ok(connecting.await.map_err(|_elapsed| Failure::Slow(CREATE))??)
    }
}

fn build(connector: &Connector, size: usize) -> Result<managed::Pool<Connector>, OpenError> {
    let pool = managed::Pool::builder(connector.clone()).max_size(size).runtime(Runtime::Tokio1);
    let pool = pool.wait_timeout(Some(WAIT)).create_timeout(Some(CREATE)).recycle_timeout(Some(CREATE));
    pool.build().map_err(|error| OpenError::Postgres(error.to_string()))
}

async fn get(pool: &managed::Pool<Connector>) -> Result<Connection, Failure> {
    // Those that broke go at once: after a restart of the database all have.
    pool.retain(|session, _| !session.is_closed());
    Ok(pool.get().await?)
}

/// Makes connections, and has them learn what came again before each use.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
    prepared: Arc<AtomicBool>,
}

impl Connector {
    async fn connect(&self) -> Result<(Client, Link), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }

    /// From now on statements go whole: better slow than not at all.
    fn without_names(&self, error: tokio_postgres::Error) -> RecycleError<tokio_postgres::Error> {
        if error.as_db_error().is_some() && self.prepared.swap(false, Ordering::Relaxed) {
            let error = Failure::from(error);
            tracing::error!(%error, "statements cannot be prepared; they are sent whole from now on");
            return RecycleError::message("statements cannot be prepared");
        }
        error.into()
    }
}

impl Manager for Connector {
    type Type = Session;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Session, tokio_postgres::Error> {
        let (client, link) = self.connect().await?;
        Session::new(client, link, self.prepared.load(Ordering::Relaxed)).await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<tokio_postgres::Error> {
        session.learn().await.map_err(|error| self.without_names(error))
    }
}
