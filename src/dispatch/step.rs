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
        Admission::Go { slot, probe } => {
            let called = call(&context.client, &claim).await;
            // The slot is for calls: the next one leaves while this one is settled.
            drop(slot);
            let decision = decide(&claim, &called.answer);
            if probe && called.attempt.status.is_some() && decision != Decision::Halt {
                context.resume();
            }
            context.heed(&decision, called.why.as_deref());
            settle(context, &claim, called, decision).await;
        }
    }
}

async fn settle(context: &Context, claim: &Claim, called: Called, decision: Decision) {
    context.metrics.attempt(called.class(), f64::from(called.attempt.duration_ms) / 1000.0);
    let counted = decision != Decision::Halt;
    let moment = Moment { policy: &context.policy, now: Timestamp::now(), random: fastrand::f64() };
    let next = moment.next(claim, decision, called.why);
    let (change, lease, attempt) = (claim.change.id, claim.lease, called.attempt);
    let settlement = Settlement {
        ticket: claim.ticket,
        lease,
        attempt: attempt.clone(),
        counted,
        lowers: false,
        next: next.clone(),
    };
    let settled = context.settle(settlement).await;
    if let Some(Settled::Recorded { finished }) = &settled {
        finished.iter().for_each(|finished| report::finished(context, finished));
    }
    match (settled, &next) {
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
