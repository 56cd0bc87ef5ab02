//! Connections to the database: bounded in number, made anew when they broke, never waited for without end.
//! Knows nothing of tables.

use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, RecyclingMethod, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::error::Failure;
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

pub(super) struct Pool {
    common: deadpool_postgres::Pool,
    reserved: deadpool_postgres::Pool,
    config: Config,
    tls: MakeRustlsConnect,
}

impl Pool {
    pub(super) fn new(address: &Address, size: usize) -> Result<Self, OpenError> {
        let tls = address.trust.connector().map_err(|error| OpenError::Postgres(format!("its TLS fails: {error}")))?;
        let config = address.config.clone();
        let made = |size| build(&config, &tls, size);
        let common = made(size.saturating_sub(RESERVED).max(1))?;
        Ok(Self { common, reserved: made(RESERVED)?, config, tls })
    }

    /// A connection that nobody else has meanwhile; a failure where all are taken and stay so.
    pub(super) async fn get(&self) -> Result<Object, Failure> {
        get(&self.common).await
    }

    /// The same, for what must not wait behind the rest.
    pub(super) async fn get_reserved(&self) -> Result<Object, Failure> {
        get(&self.reserved).await
    }

    /// Throws away a connection whose question took too long. A server that waits for somebody's lock would wait on, and be
    /// one connection more each time.
    pub(super) fn give_up(&self, connection: Object) {
        let (client, tls) = (Object::take(connection), self.tls.clone());
        tokio::spawn(async move { drop(timeout(GIVE_UP, client.cancel_token().cancel_query(tls)).await) });
    }

    /// A connection beside the pool, whose other half the caller drives.
    pub(super) async fn connect(&self) -> Result<(Client, Link), Failure> {
        let connecting = timeout(CREATE, self.config.connect(self.tls.clone()));
        Ok(connecting.await.map_err(|_elapsed| Failure::Slow(CREATE))??)
    }
}

fn build(config: &Config, tls: &MakeRustlsConnect, size: usize) -> Result<deadpool_postgres::Pool, OpenError> {
    let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(config.clone(), Quiet(tls.clone()), fast);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1);
    let pool = pool.wait_timeout(Some(WAIT)).create_timeout(Some(CREATE)).build();
    pool.map_err(|error| OpenError::Postgres(error.to_string()))
}

async fn get(pool: &deadpool_postgres::Pool) -> Result<Object, Failure> {
    // Those that broke go unseen: the pool would log each, and after a restart of the database all are.
    pool.retain(|client, _| !client.is_closed());
    Ok(pool.get().await?)
}

/// Connects, and logs nothing when a connection breaks: whoever uses it next gets to know.
struct Quiet(MakeRustlsConnect);

type Connecting<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + 'a>>;

impl Connect for Quiet {
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let (tls, config) = (self.0.clone(), config.clone());
        Box::pin(async move {
            let (client, link) = config.connect(tls).await?;
            Ok((client, tokio::spawn(async move { drop(link.await) })))
        })
    }
}
