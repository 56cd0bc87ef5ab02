//! What whoever opens a ledger may choose.
//! Knows nothing of where it is.

use std::fmt;
use std::time::Duration;

use super::worker::Observe;

/// How to use a ledger.
pub struct Options {
    /// Gets how long each commit took and how many callers it answered.
    pub observe: Box<dyn Fn(Duration, usize) + Send>,
    /// How many connections to a database this process has at most, without the one that listens.
    pub connections: usize,
    /// How long a call for a claimed change may take: so long after it fell silent a process may still act.
    pub call_timeout: Duration,
    /// How long to look for a database that is not there: then whoever started this process is told, and starts it again.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let observe: Observe = Box::new(|_, _| {});
        let seconds = Duration::from_secs(10);
        Self { observe, connections: 8, call_timeout: seconds, patience: seconds }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, call_timeout, patience, .. } = self;
        let mut shown = f.debug_struct("Options");
        shown.field("connections", connections).field("call_timeout", call_timeout).field("patience", patience).finish()
    }
}
