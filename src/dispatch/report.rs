//! The lines in the log that a change leaves behind.
//! Knows nothing of how they came about.

use jiff::Timestamp;

use crate::domain::{Attempt, AttemptCode, Change, MembershipKey, Outcome, Role, Step};
use crate::ledger::{Claim, ClaimedEvent, Finished};

use super::context::Context;

/// What is told of the end of a change.
struct End<'a> {
    change: &'a Change,
    event: &'a ClaimedEvent,
    outcome: Outcome,
    attempts: u32,
    /// The last of them, where it led to the end.
    attempt: Option<&'a Attempt>,
    reason: Option<&'a str>,
}

/// The canonical line and the count of a settled change: once for each, after it is recorded.
pub(super) fn outcome(
    context: &Context,
    claim: &Claim,
    attempt: Option<&Attempt>,
    outcome: Outcome,
    reason: Option<&str>,
) {
    let attempts = claim.attempts + u32::from(attempt.is_some());
    end(context, &End { change: &claim.change, event: &claim.event, outcome, attempts, attempt, reason });
}

/// The same for a change that ended without a call of its own.
pub(super) fn finished(context: &Context, finished: &Finished) {
    let Finished { change, event, outcome, attempts, reason } = finished;
    let (attempts, reason) = (*attempts, reason.as_deref());
    end(context, &End { change, event, outcome: *outcome, attempts, attempt: None, reason });
}

fn end(context: &Context, end: &End<'_>) {
    let (change, event) = (end.change, end.event);
    context.outcomes.tell(&change.id.event);
    let duration = context.ledger.now().duration_since(event.received_at);
    context.metrics.outcome(change.action.name(), end.outcome.name(), duration.as_secs_f64().max(0.0));
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
        outcome = end.outcome.name(),
        superseded_by = change.superseded_by.map(tracing::field::display),
        attempts = end.attempts,
        status = end.attempt.and_then(|attempt| attempt.status),
        code = end.attempt.and_then(|attempt| attempt.code.as_ref()).map(AttemptCode::as_str),
        clerk_trace_id = end.attempt.and_then(|attempt| attempt.trace_id.as_deref()),
        duration_ms = duration.as_millis() as i64,
        reason = end.reason,
        "change settled"
    );
}

/// An operator has something to do.
pub(super) fn held(context: &Context, claim: &Claim, reason: &str) {
    let (change, event) = (&claim.change, &claim.event);
    context.metrics.held(change.action.name());
    tracing::warn!(
        event_id = %change.id.event,
        change = %change.id,
        sender = %event.sender,
        event_type = event.kind.as_str(),
        rule = change.rule,
        action = change.action.name(),
        organization = %change.key.organization,
        user = %change.key.user,
        role = change.action.role().map(Role::as_str),
        reason,
        "change held"
    );
}

/// A name was looked up, by a call or from what is known.
pub(super) fn found(claim: &Claim, attempt: Option<&Attempt>, key: &MembershipKey) {
    tracing::debug!(
        change = %claim.change.id,
        step = claim.step.name(),
        organization = %key.organization,
        user = %key.user,
        status = attempt.and_then(|attempt| attempt.status),
        clerk_trace_id = attempt.and_then(|attempt| attempt.trace_id.as_deref()),
        "name looked up"
    );
}

/// An attempt that is not the last.
pub(super) fn again(claim: &Claim, attempt: Option<&Attempt>, next: &Step, due_at: Timestamp, reason: Option<&str>) {
    tracing::debug!(
        change = %claim.change.id,
        step = claim.step.name(),
        next = next.name(),
        %due_at,
        status = attempt.and_then(|attempt| attempt.status),
        code = attempt.and_then(|attempt| attempt.code.as_ref()).map(AttemptCode::as_str),
        clerk_trace_id = attempt.and_then(|attempt| attempt.trace_id.as_deref()),
        reason,
        "attempt made"
    );
}
