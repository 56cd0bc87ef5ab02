//! The recipe that makes a change safe to repeat: what an answer means for it, and which call comes next.
//! Pure: knows nothing of time, retries, the ledger or the network.
//!
//! ```text
//! grant:  create ─ok→ granted      already a member → inspect ─other role, to be changed→ update ─ok→ updated
//! revoke: delete ─ok→ revoked      not a member → unchanged
//! ```
//!
//! A lost answer is made good by repeating the call: a create that took effect is found by its inspection, which reads the
//! event's id in the membership's metadata; an update that took effect succeeds again; a delete that took effect finds
//! nobody, and counts as `revoked` because nobody can say more.

use crate::bapi::{Class, Membership};
use crate::domain::{Action, Existing, Grant, Outcome, Role, Step};
use crate::ledger::Claim;

/// What a call came back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A create, update or delete took effect.
    Done(Membership),
    /// An inspection saw this.
    Seen(Option<Membership>),
    /// It failed.
    Failed(Class),
}

/// What is to become of the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// It ends.
    End { outcome: Outcome, membership_id: Option<String>, reason: Option<String> },
    /// The recipe goes on with this call at once.
    Then(Step),
    /// The membership came or went between two calls; this call, after a while, because it may happen again.
    Restart(Step),
    /// The same call later.
    Retry { after: Option<std::time::Duration>, outcome_unknown: bool },
    /// The same call much later.
    Wait,
    /// The same call when calls can work again; this one counts for nothing.
    Halt,
    /// It can never be.
    Refuse,
}

/// Decides what becomes of a claimed change after the answer to its call.
pub(super) fn decide(claim: &Claim, answer: &Answer) -> Decision {
    match answer {
        Answer::Failed(Class::Retry { after, outcome_unknown }) => {
            Decision::Retry { after: *after, outcome_unknown: *outcome_unknown }
        }
        Answer::Failed(Class::Wait) => Decision::Wait,
        Answer::Failed(Class::Halt) => Decision::Halt,
        Answer::Failed(
            Class::Refused
            | Class::OrganizationMissing
            | Class::UserMissing
            | Class::SomethingMissing
            | Class::InvitationPending
            | Class::InvitationGone,
        ) => Decision::Refuse,
        Answer::Failed(Class::AlreadyMember) => already_member(claim),
        Answer::Failed(Class::NotMember) => not_member(claim),
        Answer::Done(membership) => end(done(claim), membership.id.as_ref(), None),
        Answer::Seen(None) => Decision::Restart(Step::Create),
        Answer::Seen(Some(membership)) => seen(claim, membership),
    }
}

fn end(outcome: Outcome, membership_id: Option<&String>, reason: Option<String>) -> Decision {
    Decision::End { outcome, membership_id: membership_id.cloned(), reason }
}

fn done(claim: &Claim) -> Outcome {
    match (&claim.change.action, &claim.step) {
        (Action::Revoke, _) => Outcome::Revoked,
        (Action::Grant(_), Step::Update) => Outcome::Updated,
        (Action::Grant(_), _) => Outcome::Granted,
    }
}

fn already_member(claim: &Claim) -> Decision {
    match claim.change.action {
        Action::Grant(_) => Decision::Then(Step::Inspect),
        Action::Revoke => Decision::Refuse,
    }
}

fn not_member(claim: &Claim) -> Decision {
    match claim.change.action {
        Action::Grant(_) => Decision::Restart(Step::Create),
        Action::Revoke if claim.answer_lost => {
            end(Outcome::Revoked, None, Some("an answer may have been lost; there is no membership now".to_owned()))
        }
        Action::Revoke => end(Outcome::Unchanged, None, Some("the user was not a member".to_owned())),
    }
}

fn seen(claim: &Claim, membership: &Membership) -> Decision {
    let Action::Grant(Grant { role, existing, lower, .. }) = &claim.change.action else {
        return Decision::Then(Step::Delete);
    };
    let current = membership.role.as_deref().unwrap_or_default();
    if current == role.as_str() {
        return as_wanted(claim, membership);
    }
    match existing {
        Existing::Replace => Decision::Then(Step::Update),
        Existing::Raise if lower.iter().any(|lower| lower.as_str() == current) => Decision::Then(Step::Update),
        Existing::Raise => end(Outcome::Unchanged, membership.id.as_ref(), Some(kept(current, "which is not lower"))),
        Existing::Keep => end(Outcome::Unchanged, membership.id.as_ref(), Some(kept(current, "which the rule keeps"))),
    }
}

/// Who made a membership that is as wanted: its metadata says so; where it says nothing, a lost answer is the likeliest.
fn as_wanted(claim: &Claim, membership: &Membership) -> Decision {
    let own = claim.change.id.event.to_string();
    let (outcome, reason) = match &membership.usher_event {
        Some(event) if *event == own => (Outcome::Granted, "an answer was lost; the membership is there"),
        None if claim.answer_lost => (Outcome::Granted, "an answer may have been lost; the membership is there"),
        Some(_) | None => (Outcome::Unchanged, "the user was a member with this role"),
    };
    end(outcome, membership.id.as_ref(), Some(reason.to_owned()))
}

fn kept(current: &str, why: &str) -> String {
    // Clerk's text is quoted only where it has the form of a role.
    match current.parse::<Role>() {
        Ok(role) => format!("the user is a member as {role}, {why}"),
        Err(_) => format!("the user is a member with another role, {why}"),
    }
}

#[cfg(test)]
mod tests;
