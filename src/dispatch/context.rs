//! What all steps share: the ledger, the client, the control of calls, the slots; and who may make a call now.
//! Lives on one thread: the client does not leave it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_rt::time;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::bapi::{Client, Health};
use crate::domain::{ChangeId, EventId, Turns};
use crate::ledger::{Claim, ClaimRequest, Claimed, Ledger, LedgerError};
use crate::metrics::Metrics;
use crate::wake::Outcomes;

use super::breaker::Phase;
use super::control::{Control, Ended, Leave};
use super::permits::Permits;
use super::schedule::later;
use super::slots::{self, Held, Slots};
use super::step::Came;
use super::thirst::Thirst;
use super::{Policy, backoff, cache::Cache, concurrency};

/// What a lease leaves at least beyond the time a call may take: for waiting before it and settling after it.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// How long a claim of few waits for more.
pub(super) const MOMENT: Duration = Duration::from_millis(30);

pub(super) struct Context {
    pub(super) ledger: Ledger,
    pub(super) client: Client,
    pub(super) policy: Policy,
    pub(super) metrics: Arc<Metrics>,
    /// Who waits for the end of which event.
    pub(super) outcomes: Outcomes<EventId>,
    pub(super) shutdown: CancellationToken,
    pub(super) control: RefCell<Control>,
    pub(super) cache: RefCell<Cache>,
    /// Whose turn it is among the senders.
    pub(super) turns: RefCell<Turns>,
    /// Claimed, and not yet calling: their tokens are as good as spent.
    pub(super) queued: Cell<usize>,
    /// What came of a call, or of none, and could not be written yet.
    pub(super) unwritten: Cell<usize>,
    /// The ledger failed, and it was said.
    pub(super) troubled: Cell<bool>,
    /// Since when few could have been claimed, and were not.
    held_back: Cell<Option<Instant>>,
    slots: Slots,
    pub(super) thirst: Thirst,
    calling: RefCell<HashSet<ChangeId>>,
}

/// The right to make one call for one change, as long as it is held.
pub(super) struct Slot<'a> {
    _held: Held<'a>,
    calling: &'a RefCell<HashSet<ChangeId>>,
    change: ChangeId,
    probe: bool,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.calling.borrow_mut().remove(&self.change);
    }
}

/// Whether a claimed change may make its call.
pub(super) enum Admission<'a> {
    /// It holds a slot until its call has ended.
    Go(Slot<'a>),
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
        let control = if ledger.is_shared() { Control::shared } else { Control::new };
        let control = RefCell::new(control(&policy, Instant::now()));
        let ahead = if ledger.is_shared() { slots::AHEAD_SHARED } else { slots::AHEAD };
        let slots = Slots::new(policy.concurrency, ahead);
        let cache = RefCell::new(Cache::new(policy.lookups_live));
        let turns = RefCell::new(policy.turns.clone());
        Self {
            ledger,
            client,
            policy,
            metrics,
            outcomes: Outcomes::default(),
            shutdown,
            control,
            cache,
            turns,
            queued: Cell::new(0),
            unwritten: Cell::new(0),
            troubled: Cell::new(false),
            held_back: Cell::new(None),
            slots,
            thirst: Thirst::default(),
            calling: RefCell::default(),
        }
    }

    pub(super) async fn claim(&self, limit: usize) -> Result<Claimed, LedgerError> {
        let (turns, brakes) = (self.turns.borrow().clone(), Arc::clone(&self.policy.brakes));
        let request = ClaimRequest { now: self.ledger.now(), limit, lease: self.policy.lease, turns, brakes };
        self.ledger.claim(request).await
    }

    /// Waits for a slot and a token, as long as the lease allows; it began no later than at `asked`.
    pub(super) async fn admit(&self, claim: &Claim, asked: Instant) -> Admission<'_> {
        let back = || Admission::Back { due_at: self.ledger.now() };
        let spare = self.policy.lease.saturating_sub(self.client.timeout());
        // Half of what is to spare is for settling.
        let (patience, latest) = (spare / 2, asked + spare);
        let admission = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => back(),
            admission = time::timeout(patience, self.turn(claim, asked, latest)) => admission.unwrap_or_else(|_| back()),
        };
        self.queued.set(self.queued.get().saturating_sub(1));
        admission
    }

    async fn turn(&self, claim: &Claim, asked: Instant, latest: Instant) -> Admission<'_> {
        let back = |after| Admission::Back { due_at: later(self.ledger.now(), after) };
        let held = self.slots.take().await;
        let mut permits = Permits::NONE;
        loop {
            let now = Instant::now();
            if now > latest {
                // The ledger took its time with the claim: the lease would lapse under the call.
                return back(Duration::ZERO);
            }
            if !self.ledger.may_call(asked) {
                // Others may be about to make this call, or have begun it.
                return back(Duration::ZERO);
            }
            if self.calling.borrow().contains(&claim.change.id) {
                // Its lease lapsed all the same, as when the clock is put forward or the machine slept.
                return back(self.client.timeout());
            }
            let leave = self.control.borrow_mut().leave(claim, &permits, now, fastrand::f64());
            match leave {
                Leave::Go { probe } => {
                    self.errand();
                    if probe {
                        // A key that was rotated meanwhile is the likeliest end of a halt.
                        self.client.refresh_key();
                    }
                    return Admission::Go(self.slot(held, claim.change.id, probe));
                }
                Leave::Later(at) => self.later(at).await,
                Leave::Back(at) => return back(at - now),
                Leave::Ask(permit) => {
                    if let Err(after) = self.permit(claim, permit, &mut permits).await {
                        return back(after);
                    }
                }
            }
        }
    }

    /// Waits until then; or until tokens come, where others take some as well.
    async fn later(&self, at: Instant) {
        if self.ledger.is_shared() { self.thirst.wait_until(at).await } else { time::sleep_until(at.into()).await }
    }

    /// Something may be to do for all replicas.
    fn errand(&self) {
        if self.ledger.is_shared() {
            self.thirst.errand();
        }
    }

    fn slot<'a>(&'a self, held: Held<'a>, change: ChangeId, probe: bool) -> Slot<'a> {
        self.calling.borrow_mut().insert(change);
        Slot { _held: held, calling: &self.calling, change, probe }
    }

    /// What the end of a call means for the calls of everybody else; `took` is how long it was.
    pub(super) fn heed(&self, slot: Slot<'_>, came: &Came, took: Duration) {
        let (now, in_order) = (Instant::now(), came.health == Health::Well);
        let ended = Ended {
            change: slot.change,
            probe: slot.probe,
            health: came.health,
            decision: &came.decision,
            why: came.why.as_deref(),
        };
        let news = self.control.borrow_mut().ended(&ended, now, fastrand::f64());
        self.errand();
        let in_flight = self.calling.borrow().len();
        self.slots.ended(now, concurrency::Ended { took, in_flight, in_order });
        if let Some(phase) = news.phase {
            self.say(phase, came.why.as_deref());
        }
        if news.phase == Some(Phase::Closed) {
            self.slots.begin_anew(now);
        }
        if news.silence_capped {
            let hours = backoff::LONGEST_RETRY_AFTER.as_secs() / 3600;
            tracing::warn!(
                hours,
                "Clerk asks for a longer silence than is believed; calls go out again after this time"
            );
        }
        self.measure(now);
    }

    /// One line for each of the breaker's news.
    pub(super) fn say(&self, phase: Phase, reason: Option<&str>) {
        match phase {
            Phase::Closed => tracing::warn!("breaker closed: Clerk answers, calls go out again"),
            Phase::Open | Phase::HalfOpen => {
                tracing::error!(reason, "breaker opened: Clerk is down; a probe a second until it answers");
            }
            Phase::Halted => {
                let pause_seconds = self.policy.halt_pause.as_secs();
                tracing::error!(reason, pause_seconds, "breaker halted: Clerk refuses usher itself, not a change");
            }
        }
    }

    /// Whether the breaker alone decides when a call that found Clerk like this is made again.
    pub(super) fn is_out(&self, health: Health) -> bool {
        health == Health::Down && matches!(self.control.borrow().phase(), Phase::Open | Phase::HalfOpen)
    }

    /// Tells the metrics how calls leave now.
    pub(super) fn measure(&self, now: Instant) {
        let control = self.control.borrow();
        self.metrics.breaker(control.phase().name());
        self.metrics.pace(control.pace_is_open(now));
        self.metrics.paused(control.is_paused());
        self.metrics.concurrency(self.slots.limit());
    }

    /// Whether so few more may be claimed that it is worth waiting a moment for others to end: where several share a ledger a
    /// claim is a transaction, whatever it takes.
    pub(super) fn is_hardly_worth_it(&self, free: usize, now: Instant) -> bool {
        if !self.ledger.is_shared() || free >= self.capacity() / 3 {
            self.held_back.set(None);
            return false;
        }
        let since = self.held_back.get().unwrap_or(now);
        let waits = now < since + MOMENT;
        self.held_back.set(waits.then_some(since));
        waits
    }

    /// How many changes may be claimed at once.
    pub(super) fn capacity(&self) -> usize {
        self.slots.claimable()
    }
}
