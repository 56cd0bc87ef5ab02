//! The one call that a claimed change needs next, and the attempt it leaves behind.
//! Knows nothing of what the answer means.

use std::time::Instant;

use jiff::Timestamp;

use crate::bapi::{Class, Client, Health, Reply};
use crate::domain::{Action, Attempt, AttemptCode, Step};
use crate::ledger::Claim;

use super::decide::Answer;

/// A call that was made.
pub(super) struct Called {
    pub(super) answer: Answer,
    /// The failure in words.
    pub(super) why: Option<String>,
    /// What it says about Clerk itself.
    pub(super) health: Health,
    pub(super) attempt: Attempt,
}

impl Called {
    /// The label of the attempt: what a member or no member means is for the recipe, to which the call was of use.
    pub(super) fn class(&self) -> &'static str {
        match &self.answer {
            Answer::Done(_) | Answer::Seen(_) => "done",
            Answer::Failed(Class::Retry { .. }) => "retry",
            Answer::Failed(Class::Wait) => "wait",
            Answer::Failed(Class::Refused) => "refused",
            Answer::Failed(Class::Halt) => "halt",
            Answer::Failed(
                Class::AlreadyMember
                | Class::NotMember
                | Class::OrganizationMissing
                | Class::UserMissing
                | Class::SomethingMissing
                | Class::InvitationPending
                | Class::InvitationGone,
            ) => "done",
        }
    }
}

/// Makes the call.
pub(super) async fn call(client: &Client, claim: &Claim) -> Called {
    let (at, begun) = (Timestamp::now(), Instant::now());
    let reply = reply(client, claim).await;
    let attempt = Attempt {
        at,
        status: reply.status,
        code: reply.code.as_deref().map(AttemptCode::new),
        duration_ms: u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX),
        trace_id: reply.trace_id,
    };
    match reply.result {
        Ok(answer) => Called { answer, why: None, health: Health::Well, attempt },
        Err(error) => {
            let (answer, health) = (Answer::Failed(error.class()), error.health());
            Called { answer, why: Some(error.to_string()), health, attempt }
        }
    }
}

async fn reply(client: &Client, claim: &Claim) -> Reply<Answer> {
    let Some(member) = claim.change.key.member() else { todo!() };
    match (&claim.change.action, &claim.step) {
        (Action::Revoke, _) => client.delete(&member).await.map(Answer::Done),
        (Action::Grant(_), Step::Inspect) => client.inspect(&member).await.map(Answer::Seen),
        (Action::Grant(grant), Step::Update) => client.update(&member, &grant.role).await.map(Answer::Done),
        (Action::Grant(grant), _) => {
            client.create(&member, &grant.role, &grant.metadata, claim.change.id.event).await.map(Answer::Done)
        }
    }
}
