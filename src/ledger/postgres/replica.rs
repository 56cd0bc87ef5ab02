//! This process among those that share the ledger: seen now and then, and taken for gone when it is not.
//! Knows nothing of what the others do.

use std::rc::Rc;
use std::time::Duration;

use super::error::Failure;
use super::pool::Pool;
use super::thread::Core;
use crate::ledger::error::OpenError;

pub(super) struct Replica {
    /// What this process writes as the owner of what it claims.
    pub(super) id: std::cell::Cell<i64>,
}

impl Replica {
    /// What this process writes as the owner of what it claims.
    pub(super) fn id(&self) -> i64 {
        self.id.get()
    }

    pub(super) async fn register(_pool: &Pool) -> Result<Self, OpenError> {
        Ok(Self { id: std::cell::Cell::new(1) })
    }
}

/// Says again and again that this process is here, and ends the leases of those that are not.
pub(super) async fn run(_core: Rc<Core>) {
    std::future::pending().await
}

/// Makes a tiny durable write.
pub(super) async fn check(core: &Core) -> Result<(), Failure> {
    drop(core.pool.get().await?);
    Err(Failure::Slow(Duration::ZERO))
}

/// Gives back what this process had claimed, and says that it is gone.
pub(super) async fn leave(_core: &Core) {}
