//! SIGINT and SIGTERM: the first asks to end well, the second to end at once.
//! Knows nothing of who listens.

use std::io;

use actix_web::rt;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::Failure;

/// Raised by a write beyond the limit on the size of files (POSIX `RLIMIT_FSIZE`); the number is that of every Linux port
/// usher is built for.
#[cfg(target_os = "linux")]
const FILE_SIZE: i32 = 25;

/// One token per wish.
pub(super) struct Signals {
    /// Cancelled by the first signal.
    pub(super) end: CancellationToken,
    /// Cancelled by the second.
    pub(super) end_at_once: CancellationToken,
}

/// Listens from now on; runs inside an actix system.
pub(super) fn listen() -> Result<Signals, Failure> {
    let signals = Signals { end: CancellationToken::new(), end_at_once: CancellationToken::new() };
    let wishes = [signals.end.clone(), signals.end_at_once.clone()];
    watch(wishes).map_err(|error| Failure::os(format!("signals cannot be handled: {error}")))?;
    Ok(signals)
}

fn watch(wishes: [CancellationToken; 2]) -> io::Result<()> {
    // Heard and forgotten: left alone it ends the process, handled it makes the write fail, as a full disk does.
    #[cfg(target_os = "linux")]
    drop(signal(SignalKind::from_raw(FILE_SIZE))?);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    rt::spawn(async move {
        for wish in wishes {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            wish.cancel();
        }
    });
    Ok(())
}
