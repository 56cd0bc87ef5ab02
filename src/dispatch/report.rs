//! The line in the log that a change leaves behind.
//! Knows nothing of how it came about.

use jiff::Timestamp;

use crate::domain::{Attempt, AttemptCode, Outcome, Role, Step};
use crate::ledger::{Claim, Finished};

use super::context::Context;

/// The canonical line and the count of a settled change: once for each, after it is recorded.
pub(super) fn outcome(context: &Context, claim: &Claim, attempt: &Attempt, outcome: Outcome, reason: Option<&str>) {
    let (change, event) = (&claim.change, &claim.event);
    let duration = Timestamp::now().duration_since(event.received_at);
    context.metrics.outcome(change.action.name(), outcome.name(), duration.as_secs_f64().max(0.0));
    tracing::info!(
        target: "usher::outcome",
        event_id = %change.id.event,
        change = %change.id,
        sender = %event.sender,
        event_type = event.kind.as_str(),
        rule = change.rule,
        action = change.action.name(),
        organization = %change.key.organization,
        user = %change.key.user,
        role = change.action.role().map(Role::as_str),
        outcome = outcome.name(),
        attempts = claim.attempts + 1,
        status = attempt.status,
        code = attempt.code.as_ref().map(AttemptCode::as_str),
        clerk_trace_id = attempt.trace_id,
        duration_ms = duration.as_millis() as i64,
        reason,
        "change settled"
    );
}

/// The same for a change that ended without a call of its own.
pub(super) fn finished(context: &Context, finished: &Finished) {
    let (change, event) = (&finished.change, &finished.event);
    let duration = Timestamp::now().duration_since(event.received_at);
    context.metrics.outcome(change.action.name(), finished.outcome.name(), duration.as_secs_f64().max(0.0));
    tracing::info!(
        target: "usher::outcome",
        event_id = %change.id.event,
        change = %change.id,
        sender = %event.sender,
        event_type = event.kind.as_str(),
        rule = change.rule,
        action = change.action.name(),
        organization = %change.key.organization,
        user = %change.key.user,
        role = change.action.role().map(Role::as_str),
        outcome = finished.outcome.name(),
        attempts = finished.attempts,
        superseded_by = change.superseded_by.map(tracing::field::display),
        duration_ms = duration.as_millis() as i64,
        reason = finished.reason,
        "change settled"
    );
}

/// An attempt that is not the last.
pub(super) fn again(claim: &Claim, attempt: &Attempt, next: &Step, due_at: Timestamp, reason: Option<&str>) {
    tracing::debug!(
        change = %claim.change.id,
        step = claim.step.name(),
        next = next.name(),
        %due_at,
        status = attempt.status,
        code = attempt.code.as_ref().map(AttemptCode::as_str),
        clerk_trace_id = attempt.trace_id,
        reason,
        "attempt made"
    );
}
