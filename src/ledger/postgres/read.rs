//! Figures of the whole ledger, each from an index.
//! Only reads.

use jiff::Timestamp;

use super::error::Failure;
use super::thread::Core;
use crate::ledger::types::Statistics;

pub(super) async fn next_due(_core: &Core) -> Result<Option<Timestamp>, Failure> {
    Err(Failure::Closed)
}

pub(super) async fn statistics(_core: &Core) -> Result<Statistics, Failure> {
    Err(Failure::Closed)
}
