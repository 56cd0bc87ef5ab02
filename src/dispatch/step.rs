//! One step of one change: its call, its settlement, its line in the log.
//! Knows nothing of the loop that claims changes.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::bapi::Health;
use crate::domain::{Attempt, Brake, Step};
use crate::ledger::{Claim, Next, Settled, Settlement};

use super::call::{Call, Called, call};
use super::context::{Admission, Context};
use super::decide::{Decision, Gate, Guard, decide, gate, lowers};
use super::report;
use super::schedule::Moment;

/// What came of a claim, with a call or without.
pub(super) struct Came {
    pub(super) decision: Decision,
    /// What the call said about Clerk.
    pub(super) health: Health,
    attempt: Option<Attempt>,
    /// What the call said, where it failed.
    pub(super) why: Option<String>,
    lowers: bool,
}

impl Came {
    fn without_call(decision: Decision) -> Self {
        Self { decision, health: Health::Well, attempt: None, why: None, lowers: false }
    }
}

/// Takes a claimed change one call further, or gives it back where no call may be made now; `asked` is when the ledger
/// was asked for the claim.
pub(super) async fn step(context: &Context, mut claim: Claim, asked: Instant) {
    let known = context.settled_already(&mut claim);
    let next = match (known, Call::of(&claim)) {
        (None, Some(next)) => next,
        (known, _) => {
            // Before it is admitted: a probe that makes no call would be waited for in vain.
            context.queued.set(context.queued.get().saturating_sub(1));
            let misfit = || Decision::refuse("the next call does not fit the change; replay it");
            return settle(context, &claim, Came::without_call(known.unwrap_or_else(misfit))).await;
        }
    };
    match context.admit(&claim, asked).await {
        Admission::Back { due_at } => context.release(&claim, due_at).await,
        Admission::Go(slot) => {
            let begun = Instant::now();
            let called = call(&context.client, next, context.ledger.now()).await;
            let took = begun.elapsed();
            let came = context.came(&claim, called);
            // The slot is for calls: the next one leaves while this one is settled.
            context.heed(slot, &came, took);
            settle(context, &claim, came).await;
        }
    }
}

/// So many attempts of an outage are kept; those after them would say the same once a second.
const ATTEMPTS_KEPT: u32 = 10;

/// Whether the ledger can do without an attempt that found Clerk down.
fn tells_nothing_new(claim: &Claim, next: &Next) -> bool {
    let as_before = |step: &Step, lost: bool| *step == claim.step && lost == claim.answer_lost;
    let goes_on = matches!(next, Next::Again { step, answer_lost, .. } if as_before(step, *answer_lost));
    goes_on && claim.attempts >= ATTEMPTS_KEPT
}

/// While the breaker spares Clerk a change need not: it is due, so that there is one to probe with.
fn hurry(next: &mut Next, now: Timestamp) {
    if let Next::Again { due_at, .. } = next {
        *due_at = now;
    }
}

impl Context {
    /// What is known of a claim without a call: the name it would look up, that the brake holds it, or what it may do
    /// since it was released. Otherwise the claim has the step whose call comes next.
    fn settled_already(&self, claim: &mut Claim) -> Option<Decision> {
        if let Some(key) = self.cache.borrow_mut().resolve(claim, Instant::now()) {
            return Some(Decision::Found { key });
        }
        let gate = gate(claim, &self.guard(claim));
        match gate {
            Gate::Call(step) => claim.step = step,
            Gate::Settle(step) => return Some(Decision::Then(step)),
            Gate::Hold(reason) => return Some(Decision::Hold { reason }),
        }
        None
    }

    fn guard(&self, claim: &Claim) -> Guard {
        let brake = self.policy.brakes.of(&claim.event.sender);
        let organization = &claim.change.key.organization;
        let counted = |brake: Brake| self.cache.borrow().members(organization, Instant::now(), brake.window);
        Guard { brake, members: brake.and_then(counted) }
    }

    fn came(&self, claim: &Claim, called: Called) -> Came {
        let Called { answer, health, why, attempt } = called;
        self.cache.borrow_mut().learn(claim, &answer, Instant::now());
        let outdated = self.cache.borrow_mut().mend(claim, &answer, Instant::now());
        let decision =
            outdated.map_or_else(|| decide(claim, &answer, &self.guard(claim)), |key| Decision::Found { key });
        self.metrics.attempt(decision.class(), f64::from(attempt.duration_ms) / 1000.0);
        Came { decision, health, attempt: Some(attempt), why, lowers: lowers(claim, &answer) }
    }
}

async fn settle(context: &Context, claim: &Claim, came: Came) {
    let Came { decision, health, attempt, why, lowers } = came;
    let counted = attempt.is_some() && !matches!(decision, Decision::Halt | Decision::Found { .. });
    let moment = Moment { policy: &context.policy, now: context.ledger.now(), random: fastrand::f64() };
    let mut next = moment.next(claim, decision, why);
    if context.is_out(health) {
        if tells_nothing_new(claim, &next) {
            return context.release(claim, moment.now).await;
        }
        hurry(&mut next, moment.now);
    }
    let (change, ticket, lease) = (claim.change.id, claim.ticket, claim.lease);
    let settlement = Arc::new(Settlement { ticket, lease, attempt, counted, lowers, next });
    match context.settle(&settlement).await {
        Some(Settled::Recorded { finished }) => {
            told(context, claim, settlement.attempt.as_ref(), &settlement.next);
            for finished in &finished {
                report::finished(context, finished);
                context.control.borrow_mut().forget(finished.change.id);
            }
        }
        Some(Settled::Stale) => tracing::debug!(%change, "the lease had lapsed; the attempt counts for nothing"),
        None => tracing::debug!(%change, "not settled; the lease will lapse"),
    }
}

fn told(context: &Context, claim: &Claim, attempt: Option<&Attempt>, next: &Next) {
    match next {
        Next::Done { outcome, reason, .. } => {
            context.control.borrow_mut().forget(claim.change.id);
            report::outcome(context, claim, attempt, *outcome, reason.as_deref());
        }
        Next::Again { step, due_at, reason, .. } => report::again(claim, attempt, step, *due_at, reason.as_deref()),
        Next::Found { key } => report::found(claim, attempt, key),
        Next::Held { reason } => report::held(context, claim, reason),
    }
}
