//! The BAPI calls that a change can need; a ledger stores the next one, so that a restart goes on in the middle.
//! Knows nothing of how a call is made or what its answer means.

use std::str::FromStr;

use super::{InvitationId, ParseError};

/// The BAPI call a change needs next; one attempt makes exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Look up the organization by its slug.
    FindOrganization,
    /// Look up the user by e-mail address or external id.
    FindUser,
    /// Create the membership.
    Create,
    /// See whether the organization exists, because a create found something missing.
    ConfirmOrganization,
    /// See whether the user exists, because a create found something missing and it was not the organization.
    ConfirmUser,
    /// Create the membership; organization and user were seen, so what is missing now is the role.
    Recreate,
    /// Read the membership, because it exists already.
    Inspect,
    /// Change its role.
    Update,
    /// Count the members of the organization, to know what share of them is about to go.
    CountMembers,
    /// Delete the membership.
    Delete,
    /// Look for a pending invitation of the e-mail address.
    FindInvitation,
    /// Withdraw this one: it is not, or no longer, what is wanted.
    WithdrawInvitation(InvitationId),
    /// Invite the e-mail address.
    Invite,
}

impl Step {
    /// All that carry nothing.
    const PLAIN: [Self; 12] = [
        Self::FindOrganization,
        Self::FindUser,
        Self::Create,
        Self::ConfirmOrganization,
        Self::ConfirmUser,
        Self::Recreate,
        Self::Inspect,
        Self::Update,
        Self::CountMembers,
        Self::Delete,
        Self::FindInvitation,
        Self::Invite,
    ];

    /// Those whose call changes nothing: a lost answer leaves nothing open.
    pub const READS: [Self; 7] = [
        Self::FindOrganization,
        Self::FindUser,
        Self::ConfirmOrganization,
        Self::ConfirmUser,
        Self::Inspect,
        Self::CountMembers,
        Self::FindInvitation,
    ];

    /// Whether a call without an answer may have changed something.
    pub fn writes(&self) -> bool {
        !Self::READS.contains(self)
    }

    /// The word for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FindOrganization => "find_organization",
            Self::FindUser => "find_user",
            Self::Create => "create",
            Self::ConfirmOrganization => "confirm_organization",
            Self::ConfirmUser => "confirm_user",
            Self::Recreate => "recreate",
            Self::Inspect => "inspect",
            Self::Update => "update",
            Self::CountMembers => "count_members",
            Self::Delete => "delete",
            Self::FindInvitation => "find_invitation",
            Self::WithdrawInvitation(_) => "withdraw_invitation",
            Self::Invite => "invite",
        }
    }

    /// The text for storage; [`FromStr`] reads it.
    pub fn to_text(&self) -> String {
        match self {
            Self::WithdrawInvitation(id) => format!("{}:{id}", self.name()),
            _ => self.name().to_owned(),
        }
    }
}

impl FromStr for Step {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Some(id) = text.strip_prefix("withdraw_invitation:") {
            return id.parse().map(Self::WithdrawInvitation);
        }
        Self::PLAIN.into_iter().find(|step| step.name() == text).ok_or(ParseError { expected: "a step" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_as_it_is_written() {
        let withdraw = Step::WithdrawInvitation("orginv_1".parse().unwrap());
        for step in Step::PLAIN.into_iter().chain([withdraw]) {
            assert_eq!(step.to_text().parse(), Ok(step));
        }
        assert!("withdraw_invitation".parse::<Step>().is_err());
    }
}
