//! Connections to the database: bounded in number, tested, made anew when they broke.
//! Knows nothing of tables.

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;

use super::address::Address;
use super::error::Failure;
use crate::ledger::error::OpenError;

pub(super) struct Pool(deadpool_postgres::Pool);

impl Pool {
    pub(super) fn new(address: &Address, size: usize) -> Result<Self, OpenError> {
        let fast = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(address.config.clone(), NoTls, fast);
        let built = deadpool_postgres::Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1).build();
        built.map(Self).map_err(|error| OpenError::Postgres(error.to_string()))
    }

    /// A connection that nobody else has meanwhile.
    pub(super) async fn get(&self) -> Result<Object, Failure> {
        Ok(self.0.get().await?)
    }
}
