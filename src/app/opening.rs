//! Opening the ledger: a folder at once, a database without holding up whoever listens for signals, because it may take a
//! while. Knows nothing of what is in a ledger.

use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use super::BuildError;
use crate::ledger::{Ledger, Location, Options};
use crate::metrics::Metrics;
use crate::settings::Settings;

/// Opens a folder here, which takes no time to speak of, and a database on a thread of its own.
pub(super) async fn open(
    location: Location,
    settings: &Settings,
    metrics: &Arc<Metrics>,
) -> Result<Ledger, BuildError> {
    let metrics = Arc::clone(metrics);
    let options = Options {
        observe: Box::new(move |time, events| metrics.commit(time.as_secs_f64(), events)),
        connections: settings.ledger_connections,
        call_timeout: settings.call_timeout,
        ..Options::default()
    };
    if matches!(location, Location::Folder(_)) {
        return Ok(Ledger::open_at(&location, options)?);
    }
    let (opened, was_opened) = oneshot::channel();
    let open = move || {
        // Whoever waited for it may have been told to end: the ledger is closed as it was opened.
        let _ = opened.send(Ledger::open_at(&location, options));
    };
    thread::Builder::new().name("opening".to_owned()).spawn(open)?;
    Ok(was_opened.await.or(Err(BuildError::Thread))??)
}
