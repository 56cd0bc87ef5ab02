//! An event as callers see it, the same wherever it is answered.
//! Knows nothing of status codes; the names here are a contract and never change.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Serialize, Serializer};

use crate::domain::{
    Attempt, ChangeId, ChangeRecord, ChangeState, EventId, EventRecord, EventStatus, ExternalId, OrganizationId,
    OrganizationRef, Outcome, Role, RuleFailure, Slug, UserId, UserRef,
};
use crate::http::problem::Problem;

const PRINTER: DateTimePrinter = DateTimePrinter::new();

/// What usher knows of an event.
#[derive(Debug, Serialize)]
pub(super) struct EventView<'a> {
    id: EventId,
    source: &'a str,
    event_id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    sender: &'a str,
    status: EventStatus,
    #[serde(serialize_with = "as_time")]
    received_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView<'a>>,
    changes: Vec<ChangeView<'a>>,
}

/// What became of a batch.
#[derive(Debug, Serialize)]
pub(super) struct BatchView<'a> {
    accepted: usize,
    refused: usize,
    /// One for each event, in its order.
    results: Vec<ResultView<'a>>,
}

/// What became of one event of a batch, as if it had come alone.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ResultView<'a> {
    Accepted { status: u16, replayed: bool, event: EventView<'a> },
    Refused { status: u16, problem: Problem },
}

impl<'a> FromIterator<ResultView<'a>> for BatchView<'a> {
    fn from_iter<I: IntoIterator<Item = ResultView<'a>>>(results: I) -> Self {
        let results: Vec<_> = results.into_iter().collect();
        let accepted = results.iter().filter(|result| matches!(result, ResultView::Accepted { .. })).count();
        Self { accepted, refused: results.len() - accepted, results }
    }
}

/// The rule that could not be evaluated; only on events that failed so.
#[derive(Debug, Serialize)]
struct FailureView<'a> {
    rule: &'a str,
    part: &'a str,
    expression: &'a str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct ChangeView<'a> {
    #[serde(serialize_with = "as_text")]
    id: ChangeId,
    rule: &'a str,
    action: &'static str,
    organization: OrganizationView<'a>,
    user: UserView<'a>,
    role: Option<&'a Role>,
    /// Only on the revoke that ends a time-bound grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    state: ChangeState,
    outcome: Option<Outcome>,
    /// Only on a change whose place another one took.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_as_text")]
    superseded_by: Option<ChangeId>,
    attempts: &'a [Attempt],
    #[serde(serialize_with = "as_optional_time")]
    next_attempt_at: Option<Timestamp>,
    membership_id: Option<&'a str>,
    reason: Option<Cow<'a, str>>,
}

/// Clerk's id as a text, once it is known; until then what the sender named instead.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OrganizationView<'a> {
    Id(&'a OrganizationId),
    Slug { slug: &'a Slug },
}

/// As for the organization.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum UserView<'a> {
    Id(&'a UserId),
    Email { email: &'a str },
    ExternalId { external_id: &'a ExternalId },
}

impl<'a> From<&'a OrganizationRef> for OrganizationView<'a> {
    fn from(organization: &'a OrganizationRef) -> Self {
        match organization {
            OrganizationRef::Id(id) => Self::Id(id),
            OrganizationRef::Slug(slug) => Self::Slug { slug },
        }
    }
}

impl<'a> From<&'a UserRef> for UserView<'a> {
    fn from(user: &'a UserRef) -> Self {
        match user {
            UserRef::Id(id) => Self::Id(id),
            UserRef::Email(address) => Self::Email { email: address.reveal() },
            UserRef::ExternalId(external_id) => Self::ExternalId { external_id },
        }
    }
}

impl<'a> From<&'a EventRecord> for EventView<'a> {
    fn from(record: &'a EventRecord) -> Self {
        Self {
            id: record.event.id,
            source: &record.event.source,
            event_id: &record.event.event_id,
            kind: record.event.kind.as_str(),
            sender: record.event.sender.as_str(),
            status: record.status(),
            received_at: record.received_at,
            failure: record.failure.as_ref().map(FailureView::from),
            changes: record.changes.iter().map(ChangeView::from).collect(),
        }
    }
}

impl<'a> From<&'a RuleFailure> for FailureView<'a> {
    fn from(failure: &'a RuleFailure) -> Self {
        let RuleFailure { rule, part, expression, message } = failure;
        Self { rule, part, expression, message }
    }
}

impl<'a> From<&'a ChangeRecord> for ChangeView<'a> {
    fn from(record: &'a ChangeRecord) -> Self {
        let change = &record.change;
        Self {
            id: change.id,
            rule: &change.rule,
            action: change.action.name(),
            organization: (&change.key.organization).into(),
            user: (&change.key.user).into(),
            role: change.action.role(),
            not_before: change.schedule.map(|schedule| schedule.at),
            state: record.state,
            outcome: record.outcome,
            superseded_by: change.superseded_by,
            attempts: &record.attempts,
            next_attempt_at: record.next_attempt_at,
            membership_id: record.membership_id.as_deref(),
            reason: reason(record),
        }
    }
}

/// A change that another one replaced says so, whether or not anybody wrote a reason.
fn reason(record: &ChangeRecord) -> Option<Cow<'_, str>> {
    let superseded = || record.change.superseded_by.map(|id| format!("superseded by change {id}").into());
    record.reason.as_deref().map(Cow::from).or_else(superseded)
}

fn as_text<S: Serializer>(id: &ChangeId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn maybe_as_text<S: Serializer>(id: &Option<ChangeId>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}

/// As the timestamp's own, which has every piece of the text escaped by itself.
fn as_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&PRINTER.timestamp_to_string(time))
}

#[expect(clippy::ref_option, reason = "serde hands it over so")]
fn as_optional_time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => as_time(time, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests;
