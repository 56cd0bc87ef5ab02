//! What can come of a call instead of its answer, and what that asks of the caller: by code first, by status second.
//! Knows nothing of how often or when a call is repeated.

use std::fmt;
use std::time::Duration;

use super::call::Call;
use super::code::{self, Row, Verdict};

/// How long to keep still after a 429 that does not say.
const UNSAID_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a call has no answer that can be used. Holds no key, no text of Clerk's and nothing of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BapiError {
    pub(super) call: Call,
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
    pub(super) subject: Subject,
    pub(super) retry_after: Option<Duration>,
}

/// What an error is about, where Clerk says so: one of its codes stands for several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Organization,
    User,
    Role,
    Other,
    Unsaid,
}

impl Subject {
    /// Reads the name of a parameter.
    pub(super) fn parse(name: &str) -> Self {
        match name {
            "organization_id" | "organization" => Self::Organization,
            "user_id" | "user" => Self::User,
            "role" | "role_key" => Self::Role,
            _ => Self::Other,
        }
    }
}

/// What a failure asks of whoever made the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The same call may work later.
    Retry {
        /// Clerk's Retry-After, which holds for every call of the instance.
        after: Option<Duration>,
        /// The call may have taken effect; never of a call that only reads.
        outcome_unknown: bool,
    },
    /// Somebody has to make room first; it may take hours.
    Wait,
    /// It will never work.
    Refused,
    /// No call can work until an operator has mended the configuration.
    Halt,
    /// A create or an invitation found a membership.
    AlreadyMember,
    /// An update, a delete or an inspection found none.
    NotMember,
    /// There is no such organization.
    OrganizationMissing,
    /// There is no such user.
    UserMissing,
    /// A create found no organization, no user or no role, and does not say which.
    SomethingMissing,
    /// An invitation found a pending one of the same address.
    InvitationPending,
    /// A withdrawal found the invitation accepted, withdrawn, expired or gone.
    InvitationGone,
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
            Kind::Timeout | Kind::Lost | Kind::Unreadable { .. } => {
                Class::Retry { after: None, outcome_unknown: self.call.writes() }
            }
            Kind::Answered(answered) => answered.class(self.call),
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
    fn class(&self, call: Call) -> Class {
        let Some(row) = self.known() else { return self.class_of_status(call) };
        match row.verdict {
            Verdict::Never => Class::Refused,
            Verdict::NoRoom => Class::Wait,
            Verdict::NoCall => Class::Halt,
            Verdict::Busy => self.retry(false),
            Verdict::Trouble => self.retry(call.writes()),
            Verdict::TooMany => self.too_many_requests(),
            Verdict::NoOrganization => Class::OrganizationMissing,
            Verdict::Missing => self.missing(call),
            Verdict::MissingInBody => self.missing_in_body(call),
            Verdict::Member if matches!(call, Call::Create | Call::Invite) => Class::AlreadyMember,
            Verdict::NoMember if matches!(call, Call::Update | Call::Delete) => Class::NotMember,
            Verdict::Pending if call == Call::Invite => Class::InvitationPending,
            Verdict::NotPending if call == Call::WithdrawInvitation => Class::InvitationGone,
            // An answer to a question that was not asked.
            Verdict::Member | Verdict::NoMember | Verdict::Pending | Verdict::NotPending => Class::Refused,
        }
    }

    fn known(&self) -> Option<&'static Row> {
        self.code.as_deref().and_then(code::known)
    }

    fn health(&self) -> Health {
        match (self.known().map(|row| row.verdict), self.status) {
            (Some(Verdict::TooMany), _) | (None, 429) => Health::Busy,
            (Some(Verdict::Trouble), _) | (None, 500..) => Health::Down,
            _ => Health::Well,
        }
    }

    /// One code for unknown organizations, users, roles and invitations. Only a role comes with its name for sure, so where
    /// nothing is named, it is what the path names last, if the path names all that the call is about.
    fn missing(&self, call: Call) -> Class {
        match (call, self.subject) {
            (Call::FindOrganization | Call::ReadOrganization, _) => Class::OrganizationMissing,
            (Call::ReadUser, _) => Class::UserMissing,
            (Call::FindUser, _) | (_, Subject::Role) => Class::Refused,
            (_, Subject::Organization) => Class::OrganizationMissing,
            (Call::Create, Subject::User) => Class::UserMissing,
            (Call::Create | Call::Invite, _) => Class::SomethingMissing,
            // Who does not exist is no member.
            (Call::Update | Call::Delete, _) | (Call::Inspect, Subject::User) => Class::NotMember,
            (Call::WithdrawInvitation, _) => Class::InvitationGone,
            (Call::Inspect | Call::FindInvitation, _) => Class::OrganizationMissing,
        }
    }

    fn missing_in_body(&self, call: Call) -> Class {
        match call {
            Call::Create => self.missing(call),
            _ => Class::Refused,
        }
    }

    fn retry(&self, outcome_unknown: bool) -> Class {
        Class::Retry { after: self.retry_after, outcome_unknown }
    }

    fn too_many_requests(&self) -> Class {
        Class::Retry { after: Some(self.retry_after.unwrap_or(UNSAID_RETRY_AFTER)), outcome_unknown: false }
    }

    /// Without a code the answer may come from something between usher and Clerk, which decides nothing about a change.
    fn class_of_status(&self, call: Call) -> Class {
        match self.status {
            // Redirects are not followed: a key is sent where the configuration says and nowhere else.
            300..=399 | 401 | 410 => Class::Halt,
            429 => self.too_many_requests(),
            // Locked, too early: nothing was done.
            409 | 423 | 425 => self.retry(false),
            408 => self.retry(call.writes()),
            400..=499 if self.code.is_some() => Class::Refused,
            400..=499 => self.retry(false),
            _ => self.retry(call.writes()),
        }
    }

    /// In words, where more is known than the code says.
    fn meaning(&self, call: Call) -> Option<&'static str> {
        let row = self.known()?;
        Some(match (row.verdict, self.class(call)) {
            (Verdict::Missing | Verdict::MissingInBody, _) if self.subject == Subject::Role => {
                "the role does not exist or is not in the organization's role set"
            }
            (Verdict::Missing, Class::OrganizationMissing) => "the organization does not exist in this instance",
            (Verdict::Missing, Class::UserMissing) => "the user does not exist in this instance",
            (Verdict::Missing, Class::NotMember) => "there is no such membership",
            (Verdict::Missing, Class::InvitationGone) => "the invitation does not exist any more",
            _ => row.meaning,
        })
    }
}

impl fmt::Display for BapiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Unreachable => f.write_str("Clerk could not be reached"),
            Kind::Timeout => f.write_str("Clerk did not answer in time"),
            Kind::Lost => f.write_str("the connection ended before Clerk's answer"),
            Kind::Unreadable { status } => write!(f, "Clerk answered {status} with a body that could not be read"),
            Kind::Answered(answered) => answered.describe(self.call, f),
        }
    }
}

impl Answered {
    fn describe(&self, call: Call, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clerk answered {}", self.status)?;
        match &self.code {
            Some(code) => write!(f, " {code}")?,
            None => f.write_str(" without a code")?,
        }
        self.meaning(call).map_or(Ok(()), |meaning| write!(f, ": {meaning}"))
    }
}

impl std::error::Error for BapiError {}

#[cfg(test)]
mod tests;
