//! Connections to the database: bounded in number, tested, made anew when they broke.
//! Knows nothing of tables.

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, NoTls, Socket};

use super::address::Address;
use super::error::Failure;
use crate::ledger::error::OpenError;

/// The half of a connection that moves its bytes, and hands out what the database says unasked.
pub(super) type Link = tokio_postgres::Connection<Socket, NoTlsStream>;

pub(super) struct Pool {
    common: deadpool_postgres::Pool,
    config: Config,
}

impl Pool {
    pub(super) fn new(address: &Address, size: usize) -> Result<Self, OpenError> {
        let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(address.config.clone(), NoTls, fast);
        let built = deadpool_postgres::Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1).build();
        built
            .map(|common| Self { common, config: address.config.clone() })
            .map_err(|error| OpenError::Postgres(error.to_string()))
    }

    /// A connection that nobody else has meanwhile.
    pub(super) async fn get(&self) -> Result<Object, Failure> {
        Ok(self.common.get().await?)
    }

    /// A connection beside the pool, whose other half the caller drives.
    pub(super) async fn connect(&self) -> Result<(Client, Link), Failure> {
        Ok(self.config.connect(NoTls).await?)
    }
}
