//! One step of one change: its call, its settlement, its line in the log.
//! Knows nothing of the loop that claims changes.

use std::time::Instant;

use jiff::Timestamp;

use crate::ledger::{Claim, Next, Settled, Settlement};

use super::call::{Called, call};
use super::context::{Admission, Context};
use super::decide::{Decision, decide};
use super::report;
use super::schedule::Moment;

/// Takes a claimed change one call further, or gives it back where no call may be made now; `asked` is when the ledger
/// was asked for the claim.
pub(super) async fn step(context: &Context, claim: Claim, asked: Instant) {
    match context.admit(&claim, asked).await {
        Admission::Back { due_at } => context.release(&claim, due_at).await,
        Admission::Go(slot) => {
            let begun = Instant::now();
            let called = call(&context.client, &claim).await;
            let decision = decide(&claim, &called.answer);
            // The slot is for calls: the next one leaves while this one is settled.
            context.heed(slot, &called, &decision, begun.elapsed());
            settle(context, &claim, called, decision).await;
        }
    }
}

/// So many attempts of an outage are kept; those after them would say the same once a second.
const ATTEMPTS_KEPT: u32 = 10;

/// Whether the ledger can do without an attempt that found Clerk down.
fn tells_nothing_new(claim: &Claim, next: &Next) -> bool {
    let goes_on = matches!(next, Next::Again { answer_lost, .. } if *answer_lost == claim.answer_lost);
    goes_on && claim.attempts >= ATTEMPTS_KEPT
}

/// While the breaker spares Clerk a change need not: it is due, so that there is one to probe with.
fn hurry(next: &mut Next, now: Timestamp) {
    if let Next::Again { due_at, .. } = next {
        *due_at = now;
    }
}

async fn settle(context: &Context, claim: &Claim, called: Called, decision: Decision) {
    context.metrics.attempt(called.class(), f64::from(called.attempt.duration_ms) / 1000.0);
    let counted = decision != Decision::Halt;
    let moment = Moment { policy: &context.policy, now: Timestamp::now(), random: fastrand::f64() };
    let mut next = moment.next(claim, decision, called.why);
    if context.is_out(called.health) {
        if tells_nothing_new(claim, &next) {
            return context.release(claim, moment.now).await;
        }
        hurry(&mut next, moment.now);
    }
    let (change, lease, attempt) = (claim.change.id, claim.lease, called.attempt);
    let settlement = Settlement { change, lease, attempt: attempt.clone(), counted, next: next.clone() };
    match (context.settle(settlement).await, &next) {
        (Some(Settled::Recorded { .. }), Next::Done { outcome, reason, .. }) => {
            report::outcome(context, claim, &attempt, *outcome, reason.as_deref());
        }
        (Some(Settled::Recorded { .. }), Next::Again { step, due_at, reason, .. }) => {
            report::again(claim, &attempt, step, *due_at, reason.as_deref());
        }
        (Some(Settled::Recorded { .. }), Next::Found { .. } | Next::Held { .. }) => {}
        (Some(Settled::Stale), _) => tracing::debug!(%change, "the lease had lapsed; the attempt counts for nothing"),
        (None, _) => tracing::debug!(%change, "not settled; the lease will lapse"),
    }
}
