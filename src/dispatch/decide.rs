//! The recipe that makes a change safe to repeat: what an answer means for it, and which call comes next.
//! Pure: knows nothing of time, retries, the ledger's store or the network.
//!
//! ```text
//! names:   find organization → find user ─found→ the change goes on under their ids
//! grant:   create ─ok→ granted     already a member → inspect ─other role, to be changed→ update ─ok→ updated
//!          something missing → confirm organization → confirm user → recreate ─something missing again→ it is the role
//!          no such user, to be invited → find invitation ─none→ invite ─ok→ invited     other role → withdraw → invite
//! revoke:  delete ─ok→ revoked     not a member → unchanged
//!          by e-mail address, before that: find invitation ─pending→ withdraw; then find user
//! ```
//!
//! A lost answer is made good by repeating the call: a create that took effect is found by its inspection, which reads the
//! event's id in the membership's metadata; an update that took effect succeeds again; a delete that took effect finds
//! nobody, and counts as `revoked` because nobody can say more; an invitation is looked for before it is made again.

mod brake;
mod invitation;
mod lookup;
mod membership;

use std::time::Duration;

use crate::bapi::{Class, FoundUser, Invitation, Membership, Organization};
use crate::domain::{Action, MembershipKey, OrganizationId, Outcome, Step};
use crate::ledger::Claim;

pub(super) use brake::{Gate, Guard, gate, lowers};

/// What a call came back with; each step has an answer of its own, so that none can be taken for another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The organization of a slug.
    OrganizationFound(Option<OrganizationId>),
    /// The user of an e-mail address or external id.
    UserFound(FoundUser),
    /// Whether the organization exists.
    OrganizationConfirmed(Option<Organization>),
    /// Whether the user exists.
    UserConfirmed(bool),
    /// The membership was created.
    Created(Membership),
    /// An inspection saw this.
    Inspected(Option<Membership>),
    /// Its role was changed.
    Updated(Membership),
    /// The organization, with the number of its members.
    Counted(Option<Organization>),
    /// The membership was deleted; this is what it was.
    Deleted(Membership),
    /// The pending invitation of the address.
    InvitationFound(Option<Invitation>),
    /// The invitation was withdrawn.
    Withdrawn,
    /// The address was invited.
    Invited(Invitation),
    /// The call failed.
    Failed(Class),
}

/// What is to become of the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// It ends.
    End { outcome: Outcome, membership_id: Option<String>, reason: Option<String> },
    /// The recipe goes on with this call at once.
    Then(Step),
    /// As with `Then`; the call before took an effect that the change cannot take back.
    Took(Step),
    /// A name was looked up: it goes on under this key.
    Found { key: MembershipKey },
    /// An operator has to let it pass.
    Hold { reason: String },
    /// What is there came or went between two calls; this call, after a while, because it may happen again.
    Restart(Step),
    /// This call later: the same one, unless its effect has to be looked for first.
    Retry { step: Step, after: Option<Duration>, outcome_unknown: bool },
    /// The same call much later, when what it waits for may be there.
    Wait(WaitFor),
    /// The same call when calls can work again; this one counts for nothing.
    Halt,
    /// It can never be; without a reason of the recipe's, the one that the call gave.
    Refuse { reason: Option<String> },
}

/// What somebody else has to do first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitFor {
    /// Make room.
    Room,
    /// Sign up.
    User,
}

impl Decision {
    /// The label of the attempt that led here: a call whose answer the recipe could use was of use.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::End { .. }
            | Self::Then(_)
            | Self::Took(_)
            | Self::Found { .. }
            | Self::Hold { .. }
            | Self::Restart(_) => "done",
            Self::Retry { .. } => "retry",
            Self::Wait(_) => "wait",
            Self::Halt => "halt",
            Self::Refuse { .. } => "refused",
        }
    }

    pub(super) fn refuse(reason: &str) -> Self {
        Self::Refuse { reason: Some(reason.to_owned()) }
    }
}

/// Decides what becomes of a claimed change after the answer to its call.
pub(super) fn decide(claim: &Claim, answer: &Answer, guard: &Guard) -> Decision {
    match answer {
        Answer::OrganizationFound(found) => lookup::organization_found(claim, found.as_ref()),
        Answer::UserFound(found) => lookup::user_found(claim, found),
        Answer::OrganizationConfirmed(organization) => lookup::organization_confirmed(claim, organization.is_some()),
        Answer::UserConfirmed(exists) => lookup::user_confirmed(claim, *exists),
        Answer::Created(membership) => end(Outcome::Granted, membership.id.as_deref(), None),
        Answer::Inspected(None) => Decision::Restart(Step::Create),
        Answer::Inspected(Some(membership)) => membership::inspected(claim, membership, guard),
        Answer::Updated(membership) => end(Outcome::Updated, membership.id.as_deref(), None),
        Answer::Counted(organization) => membership::counted(claim, organization.as_ref(), guard),
        Answer::Deleted(membership) => end(Outcome::Revoked, membership.id.as_deref(), None),
        Answer::InvitationFound(found) => invitation::found(claim, found.as_ref()),
        Answer::Withdrawn => invitation::withdrawn(claim),
        Answer::Invited(invitation) => end(Outcome::Invited, Some(invitation.id.as_str()), None),
        Answer::Failed(class) => failed(claim, *class),
    }
}

fn failed(claim: &Claim, class: Class) -> Decision {
    match class {
        Class::Retry { after, outcome_unknown } => retry(claim, after, outcome_unknown),
        Class::Wait => Decision::Wait(WaitFor::Room),
        Class::Halt => Decision::Halt,
        Class::Refused => Decision::Refuse { reason: None },
        Class::AlreadyMember => membership::already_member(claim),
        Class::NotMember => membership::not_member(claim),
        Class::OrganizationMissing => lookup::organization_missing(claim),
        Class::UserMissing => lookup::user_missing(claim),
        Class::SomethingMissing => lookup::something_missing(claim),
        Class::InvitationPending => invitation::pending(claim),
        Class::InvitationGone => invitation::gone(claim),
    }
}

/// Everything but an invitation may simply be called again: that would send a second mail and cost of a small budget.
fn retry(claim: &Claim, after: Option<Duration>, outcome_unknown: bool) -> Decision {
    let step = match &claim.step {
        Step::Invite if outcome_unknown => Step::FindInvitation,
        same => same.clone(),
    };
    Decision::Retry { step, after, outcome_unknown }
}

fn end(outcome: Outcome, membership_id: Option<&str>, reason: Option<String>) -> Decision {
    Decision::End { outcome, membership_id: membership_id.map(str::to_owned), reason }
}

/// A revoke that finds nothing to end; after an effect of its own, or one that nobody knows of, it may have ended it.
fn nothing_left(claim: &Claim, reason: &str) -> Decision {
    if claim.answer_lost {
        let reason = "an answer may have been lost, or an invitation was withdrawn; there is nothing left now";
        return end(Outcome::Revoked, None, Some(reason.to_owned()));
    }
    end(Outcome::Unchanged, None, Some(reason.to_owned()))
}

/// An answer that the call cannot have, by what is known of Clerk: a person should see it.
fn unheard_of() -> Decision {
    Decision::Refuse { reason: None }
}

fn is_grant(claim: &Claim) -> bool {
    matches!(claim.change.action, Action::Grant(_))
}

#[cfg(test)]
mod tests;
