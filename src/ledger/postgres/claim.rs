//! Claiming: picks due queues that nobody else is at, and lets the code of the embedded ledger choose among them.
//! Knows nothing of what becomes of a claim.

use super::error::Failure;
use super::thread::Core;
use crate::ledger::types::{ClaimRequest, Claimed};

pub(super) async fn claim(_core: &Core, _request: ClaimRequest) -> Result<Claimed, Failure> {
    Err(Failure::Closed)
}
