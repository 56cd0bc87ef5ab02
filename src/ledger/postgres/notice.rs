//! Telling the other processes that there is something to do or that something ended, and hearing it from them.
//! Whoever hears nothing finds out by looking: a notice may be lost, and a pooler may let none through.

use tokio::sync::watch;

#[derive(Default)]
pub(super) struct Notices {
    standing: watch::Sender<()>,
}

impl Notices {
    /// What holds for all was changed.
    pub(super) fn standing(&self) {
        self.standing.send_replace(());
    }

    /// Changes whenever somebody changed what holds for all, or may have.
    pub(super) fn standing_heard(&self) -> watch::Receiver<()> {
        self.standing.subscribe()
    }
}
