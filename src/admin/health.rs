//! Whether the ledger takes writes, asked no more often than probes deserve.
//! Knows nothing of how the answer is shown.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::ledger::Ledger;

/// How long an answer counts: probes come from several sides, and each answer costs a durable write.
const FRESH: Duration = Duration::from_secs(1);
/// How long the ledger may take; a probe that hangs tells an operator nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// The last answer of the ledger.
#[derive(Default)]
pub(super) struct Health(Mutex<Option<(Instant, Result<(), String>)>>);

impl Health {
    /// Whether the ledger takes writes, or why not. Who asks meanwhile waits for the same answer.
    pub(super) async fn of(&self, ledger: &Ledger) -> Result<(), String> {
        let mut last = self.0.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(asked, _)| asked.elapsed() < FRESH) {
            return answer.clone();
        }
        let checked = timeout(PATIENCE, ledger.check()).await;
        let answer = match checked {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_elapsed) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}
