//! What all steps share: the ledger, the client, the pace, the slots; and who may make a call now.
//! Lives on one thread: the client does not leave it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_rt::time;
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::bapi::Client;
use crate::domain::{ChangeId, Turns};
use crate::ledger::{Brakes, Claim, ClaimRequest, Claimed, Ledger, LedgerError};
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
    /// Whose turn it is among the senders.
    pub(super) turns: RefCell<Turns>,
    brakes: Arc<Brakes>,
    /// Claimed, and not yet calling: their tokens are as good as spent.
    pub(super) queued: Cell<usize>,
    /// What came of a call, or of none, and could not be written yet.
    pub(super) unwritten: Cell<usize>,
    /// The ledger failed, and it was said.
    pub(super) troubled: Cell<bool>,
    slots: Semaphore,
    calling: RefCell<HashSet<ChangeId>>,
}

/// The right to make one call for one change, as long as it is held.
pub(super) struct Slot<'a> {
    _permit: SemaphorePermit<'a>,
    calling: &'a RefCell<HashSet<ChangeId>>,
    change: ChangeId,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.calling.borrow_mut().remove(&self.change);
    }
}

/// Whether a claimed change may make its call.
pub(super) enum Admission<'a> {
    /// It holds a slot until its call has ended.
    Go { slot: Slot<'a>, probe: bool },
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
            turns: RefCell::default(),
            brakes: Arc::default(),
            queued: Cell::new(0),
            unwritten: Cell::new(0),
            troubled: Cell::new(false),
            slots,
            calling: RefCell::default(),
        }
    }

    pub(super) async fn claim(&self, limit: usize) -> Result<Claimed, LedgerError> {
        let (turns, brakes) = (self.turns.borrow().clone(), Arc::clone(&self.brakes));
        let request = ClaimRequest { now: Timestamp::now(), limit, lease: self.policy.lease, turns, brakes };
        self.ledger.claim(request).await
    }

    /// Waits for a slot and a token, as long as the lease allows; it began no later than at `asked`.
    pub(super) async fn admit(&self, claim: &Claim, asked: Instant) -> Admission<'_> {
        let back = || Admission::Back { due_at: Timestamp::now() };
        let spare = self.policy.lease.saturating_sub(self.client.timeout());
        // Half of what is to spare is for settling.
        let (patience, latest) = (spare / 2, asked + spare);
        let admission = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => back(),
            admission = time::timeout(patience, self.turn(claim.change.id, latest)) => admission.unwrap_or_else(|_| back()),
        };
        self.queued.set(self.queued.get().saturating_sub(1));
        admission
    }

    async fn turn(&self, change: ChangeId, latest: Instant) -> Admission<'_> {
        let back = |after| Admission::Back { due_at: later(Timestamp::now(), after) };
        let Ok(permit) = self.slots.acquire().await else { return back(Duration::ZERO) };
        loop {
            let now = Instant::now();
            if now > latest {
                // The ledger took its time with the claim: the lease would lapse under the call.
                return back(Duration::ZERO);
            }
            if self.calling.borrow().contains(&change) {
                // Its lease lapsed all the same, as when the clock is put forward or the machine slept.
                return back(self.client.timeout());
            }
            let leave = self.pace.borrow_mut().take(now);
            match leave {
                Leave::Go { probe } => return Admission::Go { slot: self.slot(permit, change), probe },
                Leave::Later(at) => time::sleep_until(at.into()).await,
                Leave::Closed(until) => return back(until - now),
            }
        }
    }

    fn slot<'a>(&'a self, permit: SemaphorePermit<'a>, change: ChangeId) -> Slot<'a> {
        self.calling.borrow_mut().insert(change);
        Slot { _permit: permit, calling: &self.calling, change }
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
