//! An event as callers see it, the same wherever it is answered.
//! Knows nothing of status codes; the names here are a contract and never change.

mod results;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::contract::words;
use crate::domain::{
    Attempt, AttemptCode, ChangeId, ChangeRecord, ChangeState, EventId, EventRecord, EventStatus, ExternalId,
    OrganizationRef, Outcome, Role, RuleFailure, Slug, UserRef,
};

pub(super) use results::{BatchView, ResultView};

const PRINTER: DateTimePrinter = DateTimePrinter::new();

/// What usher knows of an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventView<'a> {
    /// usher's id of it, the same for every repeat.
    #[schema(value_type = String, format = "uuid")]
    id: EventId,
    /// CloudEvents `source`.
    source: &'a str,
    /// CloudEvents `id`.
    event_id: &'a str,
    /// CloudEvents `type`.
    #[serde(rename = "type")]
    kind: &'a str,
    /// Who sent it.
    sender: &'a str,
    #[schema(value_type = words::EventStatus)]
    status: EventStatus,
    /// When usher accepted it.
    #[schema(value_type = String, format = DateTime)]
    #[serde(serialize_with = "as_time")]
    received_at: Timestamp,
    /// Only on events that no rule could be evaluated on.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView<'a>>,
    /// In the order of the rules; of two for one membership the later one counts.
    changes: Vec<ChangeView<'a>>,
}

/// The rule that could not be evaluated; only on events that failed so.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failure)]
pub(super) struct FailureView<'a> {
    /// Its name.
    rule: &'a str,
    /// Which part of it, such as `grant.role`.
    part: &'a str,
    /// The expression, as the operator wrote it.
    expression: &'a str,
    /// What went wrong.
    message: &'a str,
}

/// A change of one membership that a rule asks for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(super) struct ChangeView<'a> {
    /// The event's id, a dot, a number.
    #[schema(value_type = String)]
    #[serde(serialize_with = "as_text")]
    id: ChangeId,
    /// The name of the rule.
    rule: &'a str,
    #[schema(value_type = words::Action)]
    action: &'static str,
    organization: OrganizationView<'a>,
    user: UserView<'a>,
    /// The role that a grant gives.
    #[schema(value_type = Option<String>, required = true)]
    role: Option<&'a Role>,
    /// Only on the revoke that ends a time-bound grant.
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[schema(value_type = words::ChangeState)]
    state: ChangeState,
    /// `null` until it is settled.
    #[schema(value_type = Option<words::Outcome>, required = true)]
    outcome: Option<Outcome>,
    /// Only on a change whose place another one took.
    #[schema(value_type = Option<String>, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_as_text")]
    superseded_by: Option<ChangeId>,
    /// The calls that were made for it, in order of time.
    attempts: Vec<AttemptView<'a>>,
    /// While it waits and is the next of its membership.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    #[serde(serialize_with = "as_optional_time")]
    next_attempt_at: Option<Timestamp>,
    /// Clerk's id of the membership, once one was seen.
    #[schema(required = true)]
    membership_id: Option<&'a str>,
    /// Why it ended or waits, in words for a person.
    #[schema(value_type = Option<String>, required = true)]
    reason: Option<Cow<'a, str>>,
}

/// One call of Clerk's API.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(super) struct AttemptView<'a> {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    #[serde(serialize_with = "as_time")]
    at: Timestamp,
    /// The HTTP status; `null` when no answer came.
    #[schema(required = true)]
    status: Option<u16>,
    /// Clerk's error code, or usher's word for an answer that never came.
    #[schema(value_type = Option<String>, required = true)]
    code: Option<&'a AttemptCode>,
    /// From its start to its end.
    duration_ms: u32,
    /// Clerk's trace id.
    #[schema(required = true)]
    trace_id: Option<&'a str>,
}

/// Clerk's id as a text, once it is known; until then what the sender named instead.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
#[serde(untagged)]
pub(super) enum OrganizationView<'a> {
    /// Clerk's id.
    Id(&'a str),
    /// Its slug, still to be looked up.
    Slug {
        #[schema(value_type = String)]
        slug: &'a Slug,
    },
}

/// As for the organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
#[serde(untagged)]
pub(super) enum UserView<'a> {
    /// Clerk's id.
    Id(&'a str),
    /// An e-mail address, still to be looked up, or invited.
    Email { email: &'a str },
    /// An id of another system, still to be looked up.
    ExternalId {
        #[schema(value_type = String)]
        external_id: &'a ExternalId,
    },
}

impl<'a> From<&'a OrganizationRef> for OrganizationView<'a> {
    fn from(organization: &'a OrganizationRef) -> Self {
        match organization {
            OrganizationRef::Id(id) => Self::Id(id.as_str()),
            OrganizationRef::Slug(slug) => Self::Slug { slug },
        }
    }
}

impl<'a> From<&'a UserRef> for UserView<'a> {
    fn from(user: &'a UserRef) -> Self {
        match user {
            UserRef::Id(id) => Self::Id(id.as_str()),
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
            attempts: record.attempts.iter().map(AttemptView::from).collect(),
            next_attempt_at: record.next_attempt_at,
            membership_id: record.membership_id.as_deref(),
            reason: reason(record),
        }
    }
}

impl<'a> From<&'a Attempt> for AttemptView<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        let Attempt { at, status, code, duration_ms, trace_id } = attempt;
        let (code, trace_id) = (code.as_ref(), trace_id.as_deref());
        Self { at: *at, status: *status, code, duration_ms: *duration_ms, trace_id }
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
