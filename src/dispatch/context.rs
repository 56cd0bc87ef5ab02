//! What all steps share: the ledger, the client, the pace, the slots; and who may make a call now.
//! Lives on one thread: the client does not leave it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_rt::time;
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::bapi::Client;
use crate::ledger::Ledger;
use crate::metrics::Metrics;

use super::pace::{Leave, Pace};
use super::schedule::later;
use super::{Policy, backoff, decide::Decision};

/// What a lease leaves at least beyond the time a call may take: for waiting before it and settling after it.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

pub(super) struct Context {
    pub(super) ledger: Ledger,
    pub(super) client: Client,
    pub(super) policy: Policy,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shutdown: CancellationToken,
    pub(super) pace: RefCell<Pace>,
    /// Claimed, and not yet calling: their tokens are as good as spent.
    pub(super) queued: Cell<usize>,
    /// The ledger failed, and it was said.
    pub(super) troubled: Cell<bool>,
    slots: Semaphore,
}

/// Whether a claimed change may make its call.
pub(super) enum Admission<'a> {
    /// It holds a slot until its call has ended.
    Go { slot: SemaphorePermit<'a>, probe: bool },
    /// It goes back to the ledger, due then.
    Back { due_at: Timestamp },
}

impl Context {
    pub(super) fn new(
        ledger: Ledger,
        client: Client,
        mut policy: Policy,
        metrics: Arc<Metrics>,
        shutdown: CancellationToken,
    ) -> Self {
        policy.lease = policy.lease.max(client.timeout() + LEASE_MARGIN);
        let pace = RefCell::new(Pace::new(policy.rate, Instant::now()));
        let slots = Semaphore::new(policy.concurrency.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            ledger,
            client,
            policy,
            metrics,
            shutdown,
            pace,
            queued: Cell::new(0),
            troubled: Cell::new(false),
            slots,
        }
    }

    /// Waits for a slot and a token, as long as the lease allows.
    pub(super) async fn admit(&self) -> Admission<'_> {
        let back = || Admission::Back { due_at: Timestamp::now() };
        let patience = self.policy.lease.saturating_sub(self.client.timeout()) / 2;
        let admission = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => back(),
            admission = time::timeout(patience, self.turn()) => admission.unwrap_or_else(|_| back()),
        };
        self.queued.set(self.queued.get().saturating_sub(1));
        admission
    }

    async fn turn(&self) -> Admission<'_> {
        let Ok(slot) = self.slots.acquire().await else {
            return Admission::Back { due_at: Timestamp::now() };
        };
        loop {
            let now = Instant::now();
            let leave = self.pace.borrow_mut().take(now);
            match leave {
                Leave::Go { probe } => return Admission::Go { slot, probe },
                Leave::Later(at) => time::sleep_until(at.into()).await,
                Leave::Closed(until) => return Admission::Back { due_at: later(Timestamp::now(), until - now) },
            }
        }
    }

    /// What a decision means for the calls of everybody else; `why` is what the call said, where it failed.
    pub(super) fn heed(&self, decision: &Decision, why: Option<&str>) {
        let (mut pace, now) = (self.pace.borrow_mut(), Instant::now());
        match decision {
            Decision::Halt if pace.halt(now, self.policy.halt_pause) => {
                let pause_seconds = self.policy.halt_pause.as_secs();
                tracing::error!(reason = why, pause_seconds, "calls halted: Clerk refuses usher itself, not a change");
            }
            Decision::Retry { after: Some(after), .. } => pace.close(now + backoff::heeded(*after)),
            _ => {}
        }
        self.metrics.gate(pace.is_open(now));
    }

    /// A probe was answered, and not with a halt.
    pub(super) fn resume(&self) {
        if self.pace.borrow_mut().probe_answered() {
            tracing::warn!("calls resumed: Clerk accepts usher again");
        }
    }

    /// How many changes may be claimed at once: one for each slot, and as many again that wait for theirs, so that no slot
    /// stands empty while the ledger commits the next claim.
    pub(super) fn capacity(&self) -> usize {
        self.policy.concurrency.max(1).saturating_mul(2)
    }
}
