//! Settling and releasing in groups: whatever waits is done in one transaction, by the code of the embedded ledger.
//! Knows nothing of retries.

use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::thread::{Core, Working};
use crate::ledger::types::{Settlement, Ticket};

/// What is done to one claimed change.
pub(super) enum Work {
    /// Its attempt came to this.
    Settle(Arc<Settlement>),
    /// It goes back without an attempt.
    Release { ticket: Ticket, lease: u64, due_at: Timestamp },
}

/// Works until nobody can ask any more.
pub(super) async fn run(core: Rc<Core>, mut queue: mpsc::Receiver<Working>) {
    loop {
        tokio::select! {
            () = core.closing.cancelled(), if !queue.is_closed() => queue.close(),
            asked = queue.recv() => if asked.is_none() { return },
        }
    }
}
