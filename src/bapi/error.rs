//! What can come of a call instead of its answer, and what that asks of the caller: by code first, by status second.
//! Knows nothing of how often or when a call is repeated.

use std::fmt;
use std::time::Duration;

use crate::domain::Step;

use super::code::Code;

/// How long to keep still after a 429 that does not say.
const UNSAID_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a call has no answer that can be used. Holds no key, no text of Clerk's and nothing of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BapiError {
    pub(super) step: Step,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// No connection, so no request either.
    Unreachable,
    /// The request may or may not have been carried out.
    Timeout,
    /// As with a timeout: the connection ended before the answer.
    Lost,
    /// Success by its status, with a body that makes no sense.
    Unreadable { status: u16 },
    /// An answer that is not a success.
    Answered(Answered),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) status: u16,
    /// Made harmless: letters, digits, `_`, `.`, `-`.
    pub(super) code: Option<String>,
    /// The one code that stands for several things names the role here.
    pub(super) about_role: bool,
    pub(super) retry_after: Option<Duration>,
}

/// What a failure asks of whoever made the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The same call may work later.
    Retry {
        /// Clerk's Retry-After, which holds for every call of the instance.
        after: Option<Duration>,
        /// The call may have taken effect.
        outcome_unknown: bool,
    },
    /// Somebody has to make room first; it may take hours.
    Wait,
    /// It will never work.
    Refused,
    /// No call can work until an operator has mended the configuration.
    Halt,
    /// A create found a membership.
    AlreadyMember,
    /// An update or a delete found none.
    NotMember,
}

/// What an answer, or none, says about Clerk itself, whatever becomes of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Well,
    /// It answers that it is asked too much.
    Busy,
    /// It does not answer, or not as itself.
    Down,
}

impl BapiError {
    /// What this failure says about Clerk.
    pub fn health(&self) -> Health {
        match &self.kind {
            Kind::Unreachable | Kind::Timeout | Kind::Lost | Kind::Unreadable { .. } => Health::Down,
            Kind::Answered(answered) => answered.health(),
        }
    }

    /// What this failure asks of whoever made the call.
    pub fn class(&self) -> Class {
        match &self.kind {
            Kind::Unreachable => Class::Retry { after: None, outcome_unknown: false },
            Kind::Timeout | Kind::Lost | Kind::Unreadable { .. } => Class::Retry { after: None, outcome_unknown: true },
            Kind::Answered(answered) => answered.class(self.step),
        }
    }

    /// The HTTP status, where an answer came.
    pub fn status(&self) -> Option<u16> {
        match &self.kind {
            Kind::Unreachable | Kind::Timeout | Kind::Lost => None,
            Kind::Unreadable { status } => Some(*status),
            Kind::Answered(answered) => Some(answered.status),
        }
    }

    /// Clerk's code, or usher's word for an answer that never came.
    pub fn code(&self) -> Option<&str> {
        match &self.kind {
            Kind::Unreachable => Some("connection_failed"),
            Kind::Timeout => Some("timeout"),
            Kind::Lost => Some("connection_lost"),
            Kind::Unreadable { .. } => Some("unreadable_answer"),
            Kind::Answered(answered) => answered.code.as_deref(),
        }
    }
}

impl Answered {
    fn class(&self, step: Step) -> Class {
        let retry = |outcome_unknown| Class::Retry { after: self.retry_after, outcome_unknown };
        match self.known_code() {
            Code::AlreadyMember => Class::AlreadyMember,
            Code::NotFound => self.not_found(step),
            Code::SeatsTaken | Code::PlanLimit => Class::Wait,
            Code::OrganizationsOff | Code::Credential | Code::ApiVersion | Code::Retired | Code::WrongInstance => {
                Class::Halt
            }
            Code::Busy => retry(false),
            Code::TooManyRequests => self.too_many_requests(),
            Code::Trouble => retry(true),
            Code::OrganizationHidden
            | Code::ExclusiveMembership
            | Code::ManagedByDirectory
            | Code::LastWithPermissions
            | Code::LastOrganization
            | Code::Form
            | Code::Request => Class::Refused,
            Code::Unknown => self.class_of_status(),
        }
    }

    fn health(&self) -> Health {
        match (self.known_code(), self.status) {
            (Code::TooManyRequests, _) | (Code::Unknown, 429) => Health::Busy,
            (Code::Trouble, _) | (Code::Unknown, 500..) => Health::Down,
            _ => Health::Well,
        }
    }

    fn known_code(&self) -> Code {
        self.code.as_deref().map_or(Code::Unknown, Code::parse)
    }

    /// One code for unknown organizations, users and roles: only an unknown role would be wrong to read as "no member".
    fn not_found(&self, step: Step) -> Class {
        match step {
            Step::Update | Step::Delete if !self.about_role => Class::NotMember,
            Step::Create | Step::Inspect | Step::Update | Step::Delete => Class::Refused,
        }
    }

    fn too_many_requests(&self) -> Class {
        Class::Retry { after: Some(self.retry_after.unwrap_or(UNSAID_RETRY_AFTER)), outcome_unknown: false }
    }

    /// Without a code the answer may come from something between usher and Clerk, which decides nothing about a change.
    fn class_of_status(&self) -> Class {
        let retry = |outcome_unknown| Class::Retry { after: self.retry_after, outcome_unknown };
        match self.status {
            // Redirects are not followed: a key is sent where the configuration says and nowhere else.
            300..=399 | 401 | 410 => Class::Halt,
            429 => self.too_many_requests(),
            409 | 423 | 425 => retry(false),
            400..=499 if self.code.is_some() && self.status != 408 => Class::Refused,
            400..=407 | 411..=499 => retry(false),
            _ => retry(true),
        }
    }
}

impl fmt::Display for BapiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Unreachable => f.write_str("Clerk could not be reached"),
            Kind::Timeout => f.write_str("Clerk did not answer in time"),
            Kind::Lost => f.write_str("the connection ended before Clerk's answer"),
            Kind::Unreadable { status } => write!(f, "Clerk answered {status} with a body that could not be read"),
            Kind::Answered(answered) => answered.fmt(f),
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clerk answered {}", self.status)?;
        match &self.code {
            Some(code) => write!(f, " {code}")?,
            None => f.write_str(" without a code")?,
        }
        match self.known_code() {
            Code::NotFound if self.about_role => {
                f.write_str(": the role does not exist or is not in the organization's role set")
            }
            code => code.meaning().map_or(Ok(()), |meaning| write!(f, ": {meaning}")),
        }
    }
}

impl std::error::Error for BapiError {}

#[cfg(test)]
mod tests;
