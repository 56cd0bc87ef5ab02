//! The thread of the dispatcher: its client cannot leave the thread on which it was made.
//! Knows nothing of what is dispatched.

use actix_rt::Arbiter;
use actix_web::rt;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::BuildError;
use crate::bapi;
use crate::dispatch::Dispatcher;
use crate::http::probes::Heartbeat;

/// A dispatcher that waits for its start, or runs.
pub(super) struct DispatcherThread {
    arbiter: Arbiter,
    start: Option<oneshot::Sender<()>>,
    stop: CancellationToken,
    ended: oneshot::Receiver<()>,
}

impl DispatcherThread {
    /// Makes a dispatcher on a thread of its own; it waits for [`DispatcherThread::start`].
    pub(super) async fn build<M>(make: M, heartbeat: Heartbeat) -> Result<Self, BuildError>
    where
        M: FnOnce() -> Result<Dispatcher, bapi::ConfigError> + Send + 'static,
    {
        let arbiter = Arbiter::new();
        let stop = CancellationToken::new();
        let (built, was_built) = oneshot::channel();
        let (start, started) = oneshot::channel();
        let (ending, ended) = oneshot::channel::<()>();
        let stopped = stop.clone();
        arbiter.spawn_fn(move || {
            rt::spawn(async move {
                // Dropped at the end of this task however it ends, a panic included: that is the news.
                let _ending = ending;
                let (dispatcher, result) = match make() {
                    Ok(dispatcher) => (Some(dispatcher), Ok(())),
                    Err(error) => (None, Err(error)),
                };
                let was_heard = built.send(result).is_ok();
                // Without a start the service was given up before it ran.
                if let Some(dispatcher) = dispatcher.filter(|_| was_heard)
                    && started.await.is_ok()
                {
                    // At every turn: a loop that is stuck in one is as silent as a thread that is.
                    dispatcher.run(stopped, move || heartbeat.beat()).await;
                }
            });
        });
        was_built.await.or(Err(BuildError::Thread))??;
        Ok(Self { arbiter, start: Some(start), stop, ended })
    }

    /// Lets it run.
    pub(super) fn start(&mut self) {
        if let Some(start) = self.start.take() {
            // Nobody listens only when the thread has ended already, which `ended` tells.
            let _ = start.send(());
        }
    }

    /// Waits until it ends by itself, which it should not.
    pub(super) async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Lets the calls in flight end and their attempts be recorded.
    pub(super) async fn stop(mut self, already_ended: bool) {
        self.stop.cancel();
        if !already_ended {
            self.ended().await;
        }
        self.arbiter.stop();
    }
}
