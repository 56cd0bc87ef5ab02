//! Recording in groups: whatever waits goes in one statement, and all are answered after its commit.
//! Knows nothing of what becomes of an event.

use std::rc::Rc;

use tokio::sync::mpsc;

use super::thread::{Core, Recording};

/// Records what comes until nobody can ask any more.
pub(super) async fn run(core: Rc<Core>, mut queue: mpsc::Receiver<Recording>) {
    loop {
        tokio::select! {
            () = core.closing.cancelled(), if !queue.is_closed() => queue.close(),
            asked = queue.recv() => if asked.is_none() { return },
        }
    }
}
