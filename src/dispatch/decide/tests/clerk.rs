//! A small model of Clerk that fails, loses answers and forgets who asked, and the loop that follows a change through it.

use std::time::Instant;

use super::super::super::{cache::Cache, call::Call};
use super::*;
use crate::domain::Role;
use proptest::prelude::*;
use proptest::sample::select;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    None,
    /// Not reached, or asked to come later.
    Refused,
    /// Cut before anything happened.
    DropBefore,
    /// Cut after it happened.
    DropAfter,
    /// usher is killed in the call, before or after it happened: no decision, and the lease lapses.
    CrashBefore,
    CrashAfter,
}

pub(super) fn faults() -> impl Strategy<Value = Vec<Fault>> {
    use Fault::{CrashAfter, CrashBefore, DropAfter, DropBefore, None, Refused};
    proptest::collection::vec(select(vec![None, None, Refused, DropBefore, DropAfter, CrashBefore, CrashAfter]), 0..8)
}

/// One organization and one user, as far as they exist.
#[derive(Debug, Clone)]
pub(super) struct Clerk {
    pub(super) organization: bool,
    pub(super) user: bool,
    pub(super) role: bool,
    /// No seat is left.
    pub(super) full: bool,
    /// Says that something is missing and not what.
    pub(super) vague: bool,
    pub(super) membership: Option<Membership>,
    pub(super) invitation: Option<Invitation>,
    pub(super) creates: u32,
    pub(super) mails: u32,
}

impl Default for Clerk {
    fn default() -> Self {
        let (membership, invitation) = (None, None);
        let (organization, user, role, full, vague) = (true, true, true, false, false);
        Self { organization, user, role, full, vague, membership, invitation, creates: 0, mails: 0 }
    }
}

impl Clerk {
    pub(super) fn with(membership: Option<Membership>) -> Self {
        Self { membership, ..Self::default() }
    }

    /// The user accepts a pending invitation.
    pub(super) fn accept(&mut self) {
        if let Some(pending) = self.invitation.take_if(|_| self.user) {
            let Invitation { role, usher_event, .. } = pending;
            self.membership.get_or_insert(Membership {
                id: Some("orgmem_2".to_owned()),
                role,
                usher_event,
                shows_metadata: false,
            });
        }
    }

    fn apply(&mut self, claim: &Claim) -> Answer {
        let (organization, user) = (self.has_organization(claim), self.has_user(claim));
        let seen = organization.then_some(Organization { members: Some(100) });
        match &claim.step {
            Step::FindOrganization => Answer::OrganizationFound(seen.and_then(|_| "org_1".parse().ok())),
            Step::FindUser if self.user => Answer::UserFound(FoundUser::One("user_1".parse().unwrap())),
            Step::FindUser => Answer::UserFound(FoundUser::None),
            Step::ConfirmOrganization => Answer::OrganizationConfirmed(seen),
            Step::CountMembers => Answer::Counted(seen),
            Step::ConfirmUser => Answer::UserConfirmed(user),
            _ if !organization => self.missing(Class::OrganizationMissing),
            Step::Create | Step::Recreate => self.create(claim),
            Step::Inspect => Answer::Inspected(self.membership.clone()),
            Step::Update => self.update(claim),
            Step::Delete if !user => Answer::Failed(Class::NotMember),
            Step::Delete => self.membership.take().map_or(Answer::Failed(Class::NotMember), Answer::Deleted),
            Step::FindInvitation => Answer::InvitationFound(self.invitation.clone()),
            Step::WithdrawInvitation(id) => match self.invitation.take_if(|pending| pending.id == *id) {
                Some(_) => Answer::Withdrawn,
                None => Answer::Failed(Class::InvitationGone),
            },
            Step::Invite => self.invite(claim),
        }
    }

    /// Whether the one that the change means is the one there is.
    fn has_organization(&self, claim: &Claim) -> bool {
        self.organization && claim.change.key.organization.id().is_none_or(|id| id.as_str() == "org_1")
    }

    fn has_user(&self, claim: &Claim) -> bool {
        self.user && claim.change.key.user.id().is_none_or(|id| id.as_str() == "user_1")
    }

    fn missing(&self, what: Class) -> Answer {
        Answer::Failed(if self.vague { Class::SomethingMissing } else { what })
    }

    fn create(&mut self, claim: &Claim) -> Answer {
        if !self.has_user(claim) {
            return self.missing(Class::UserMissing);
        }
        if !self.role {
            return Answer::Failed(if self.vague { Class::SomethingMissing } else { Class::Refused });
        }
        if self.membership.is_some() {
            return Answer::Failed(Class::AlreadyMember);
        }
        if self.full {
            return Answer::Failed(Class::Wait);
        }
        self.creates += 1;
        Answer::Created(self.membership.insert(membership(wanted(claim), own(claim))).clone())
    }

    fn update(&mut self, claim: &Claim) -> Answer {
        match &mut self.membership {
            Some(membership) => {
                membership.role = Some(wanted(claim).to_owned());
                Answer::Updated(membership.clone())
            }
            None => Answer::Failed(Class::NotMember),
        }
    }

    fn invite(&mut self, claim: &Claim) -> Answer {
        if !self.role {
            return Answer::Failed(if self.vague { Class::SomethingMissing } else { Class::Refused });
        }
        if self.membership.is_some() {
            return Answer::Failed(Class::AlreadyMember);
        }
        if self.invitation.is_some() {
            return Answer::Failed(Class::InvitationPending);
        }
        if self.full {
            return Answer::Failed(Class::Wait);
        }
        self.mails += 1;
        let made = Invitation { id: "orginv_2".parse().unwrap(), ..invitation(wanted(claim), own(claim)) };
        Answer::Invited(self.invitation.insert(made).clone())
    }

    /// `None` where nobody was left to hear the answer.
    fn call(&mut self, claim: &Claim, fault: Fault) -> Option<Answer> {
        let lost = Answer::Failed(Class::Retry { after: None, outcome_unknown: true });
        match fault {
            Fault::None => Some(self.apply(claim)),
            Fault::Refused => Some(Answer::Failed(Class::Retry { after: None, outcome_unknown: false })),
            Fault::DropBefore => Some(lost),
            Fault::DropAfter => {
                self.apply(claim);
                Some(lost)
            }
            Fault::CrashBefore => None,
            Fault::CrashAfter => {
                self.apply(claim);
                None
            }
        }
    }
}

fn wanted(claim: &Claim) -> &str {
    claim.change.action.role().map(Role::as_str).unwrap_or_default()
}

fn own(claim: &Claim) -> Option<String> {
    Some(claim.change.id.event.to_string())
}

/// How a change ended, and every reason on the way.
#[derive(Debug)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) reasons: Vec<String>,
    /// Nobody decided that it is dead: time ran out.
    pub(super) given_up: bool,
}

/// So many attempts are as good as the days after which a change is given up.
const PATIENCE: usize = 60;
/// More calls than this without a pause between them are no recipe but a storm.
const AT_ONCE: usize = 12;

fn pauses(decision: Option<&Decision>) -> bool {
    matches!(decision, None | Some(Decision::Restart(_) | Decision::Retry { .. } | Decision::Wait(_)))
}

/// What was looked up a minute ago, and is not so any more.
pub(super) fn out_of_date(claim: &Claim) -> Cache {
    let (mut cache, now) = (Cache::new(Duration::from_secs(300)), Instant::now());
    cache.learn(claim, &Answer::OrganizationFound("org_0".parse().ok()), now);
    if claim.change.key.user.id().is_none() {
        cache.learn(claim, &Answer::UserFound(FoundUser::One("user_0".parse().unwrap())), now);
    }
    cache
}

pub(super) fn empty() -> Cache {
    Cache::new(Duration::from_secs(300))
}

/// What the step of a claim comes to, with a call or from the cache; `None` where nobody was left to hear the answer.
fn step(claim: &Claim, clerk: &mut Clerk, cache: &mut Cache, fault: Fault) -> Option<Decision> {
    if let Some(key) = cache.resolve(claim, Instant::now()) {
        return Some(Decision::Found { key });
    }
    assert!(Call::of(claim).is_some(), "{claim:?} has no call");
    let answer = clerk.call(claim, fault)?;
    cache.learn(claim, &answer, Instant::now());
    Some(match cache.mend(claim, &answer, std::time::Instant::now()) {
        Some(key) => Decision::Found { key },
        None => judged(claim, &answer),
    })
}

/// Follows a change to its end as the ledger and the loop would; `between` happens before each call.
pub(super) fn follow(
    claim: &mut Claim,
    clerk: &mut Clerk,
    mut cache: Cache,
    faults: &[Fault],
    mut between: impl FnMut(usize, &mut Clerk),
) -> End {
    let (mut reasons, mut at_once) = (Vec::new(), 0);
    for attempt in 0..PATIENCE {
        between(attempt, clerk);
        let fault = faults.get(attempt).copied().unwrap_or(Fault::None);
        let decision = step(claim, clerk, &mut cache, fault);
        at_once = if pauses(decision.as_ref()) { 0 } else { at_once + 1 };
        assert!(at_once <= AT_ONCE, "{claim:?} spins");
        match decision {
            None => claim.answer_lost = true,
            Some(Decision::End { outcome, reason, .. }) => {
                reasons.extend(reason);
                return End { outcome, reasons, given_up: false };
            }
            Some(Decision::Refuse { reason }) => {
                reasons.extend(reason);
                return End { outcome: Outcome::Dead, reasons, given_up: false };
            }
            Some(Decision::Then(step) | Decision::Restart(step)) => claim.step = step,
            Some(Decision::Took(step)) => (claim.step, claim.answer_lost) = (step, true),
            Some(Decision::Found { key }) => {
                claim.change.key = key;
                claim.step = claim.change.first_step();
            }
            Some(Decision::Retry { step, outcome_unknown, .. }) => {
                claim.step = step;
                claim.answer_lost |= outcome_unknown;
            }
            Some(Decision::Wait(_)) => {}
            Some(other @ (Decision::Hold { .. } | Decision::Halt)) => panic!("{other:?}"),
        }
    }
    End { outcome: Outcome::Dead, reasons, given_up: true }
}
