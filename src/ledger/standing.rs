//! What a ledger knows for all who work on it beside the record: the pace they share, and whether calls are made at all.
//! Knows nothing of what decides it.

use std::time::Duration;

use tokio::sync::watch;

use super::error::LedgerError;
use super::types::{Slice, SliceAsk, Standing};
use super::{Ledger, Store};

impl Ledger {
    /// Whether other processes may work on it at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(&self.0, Store::Postgres(_))
    }

    /// Takes what there is of a bucket that all share, and says what holds for all; only for a ledger that is shared.
    pub async fn slice(&self, ask: SliceAsk) -> Result<Slice, LedgerError> {
        match &self.0 {
            Store::Embedded(_) => Err(LedgerError::Unavailable("nobody shares it".to_owned())),
            Store::Postgres(store) => store.slice(ask).await,
        }
    }

    /// What holds for all; of a ledger that nobody shares only whether it is paused.
    pub async fn standing(&self) -> Result<Standing, LedgerError> {
        match &self.0 {
            Store::Embedded(store) => store.standing().await,
            Store::Postgres(store) => store.standing().await,
        }
    }

    /// Changes whenever somebody may have changed what holds for all; who hears nothing has to look all the same.
    pub async fn standing_heard(&self) -> Result<watch::Receiver<()>, LedgerError> {
        match &self.0 {
            Store::Embedded(store) => Ok(store.standing.subscribe()),
            Store::Postgres(store) => store.standing_heard().await,
        }
    }

    /// Clerk asks for silence: nobody calls for so long, or longer where that is known already.
    pub async fn close_gate(&self, time: Duration) -> Result<(), LedgerError> {
        match &self.0 {
            Store::Embedded(_) => Ok(()),
            Store::Postgres(store) => store.close_gate(time).await,
        }
    }

    /// Clerk refuses usher itself: nobody calls.
    pub async fn halt(&self, why: String) -> Result<(), LedgerError> {
        match &self.0 {
            Store::Embedded(_) => Ok(()),
            Store::Postgres(store) => store.halt(why).await,
        }
    }

    /// Clerk takes calls again.
    pub async fn unhalt(&self) -> Result<(), LedgerError> {
        match &self.0 {
            Store::Embedded(_) => Ok(()),
            Store::Postgres(store) => store.unhalt().await,
        }
    }

    /// An operator wants no calls; what is accepted waits, also across restarts. Says whether that is new.
    pub async fn pause(&self) -> Result<bool, LedgerError> {
        match &self.0 {
            Store::Embedded(store) => store.pause(true).await,
            Store::Postgres(store) => store.pause(true).await,
        }
    }

    /// Calls are made again. Says whether that is new.
    pub async fn resume(&self) -> Result<bool, LedgerError> {
        match &self.0 {
            Store::Embedded(store) => store.pause(false).await,
            Store::Postgres(store) => store.pause(false).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn a_pause_survives_a_restart_and_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let mut heard = ledger.standing_heard().await.unwrap();
        assert_eq!(ledger.standing().await.unwrap(), Standing::default());
        assert_eq!((ledger.pause().await, ledger.pause().await), (Ok(true), Ok(false)));
        assert!(heard.has_changed().unwrap());
        heard.mark_unchanged();
        ledger.close().await;
        let ledger = Ledger::open(folder.path()).unwrap();
        assert!(ledger.standing().await.unwrap().paused);
        assert_eq!((ledger.resume().await, ledger.resume().await), (Ok(true), Ok(false)));
        assert!(!ledger.standing().await.unwrap().paused);
    }

    #[actix_rt::test]
    async fn nobody_shares_an_embedded_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        assert!(!ledger.is_shared());
        let ask = SliceAsk { bucket: "pace".to_owned(), per_second: 1.0, burst: 1.0, want: 1 };
        assert!(ledger.slice(ask).await.is_err());
    }
}
