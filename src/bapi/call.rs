//! The calls of Clerk's API that usher makes, as far as the meaning of an answer depends on which one it answers.
//! Knows nothing of paths and bodies.

/// Which call was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    FindOrganization,
    FindUser,
    ReadOrganization,
    ReadUser,
    Create,
    Inspect,
    Update,
    Delete,
    FindInvitation,
    Invite,
    WithdrawInvitation,
}

impl Call {
    #[cfg(test)]
    pub(super) const ALL: [Self; 11] = [
        Self::FindOrganization,
        Self::FindUser,
        Self::ReadOrganization,
        Self::ReadUser,
        Self::Create,
        Self::Inspect,
        Self::Update,
        Self::Delete,
        Self::FindInvitation,
        Self::Invite,
        Self::WithdrawInvitation,
    ];

    /// Whether it changes something, so that a lost answer leaves a question.
    pub(super) fn writes(self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Delete | Self::Invite | Self::WithdrawInvitation => true,
            Self::FindOrganization
            | Self::FindUser
            | Self::ReadOrganization
            | Self::ReadUser
            | Self::Inspect
            | Self::FindInvitation => false,
        }
    }
}
