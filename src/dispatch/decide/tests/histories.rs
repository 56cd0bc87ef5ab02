//! Whatever happens on the way, a change ends in the right membership and says so.

use super::super::super::fixtures::ROLES;
use super::clerk::{Clerk, End, Fault, empty, faults, follow, out_of_date};
use super::*;
use proptest::prelude::*;
use proptest::sample::select;

fn memberships() -> impl Strategy<Value = Option<Membership>> {
    let made_by = select(vec![None, Some(OTHER_EVENT.to_owned())]);
    proptest::option::of((select(ROLES.to_vec()), made_by).prop_map(|(role, by)| membership(role, by)))
}

fn existings() -> impl Strategy<Value = Existing> {
    select(vec![Existing::Keep, Existing::Raise, Existing::Replace])
}

/// The role there must be at the end, and the outcomes that tell the truth about it.
fn expected(before: Option<&Membership>, wanted: &str, existing: Existing, lost: bool) -> (String, Vec<Outcome>) {
    let Some(before) = before else { return (wanted.to_owned(), vec![Outcome::Granted]) };
    let current = before.role.clone().unwrap();
    if current != wanted && !stays(&current, wanted, existing) {
        // A crash right after the update is followed by a second one; nothing is inspected again.
        (wanted.to_owned(), vec![Outcome::Updated])
    } else if current == wanted && lost && before.usher_event.is_none() {
        (current, vec![Outcome::Unchanged, Outcome::Granted])
    } else {
        (current, vec![Outcome::Unchanged])
    }
}

/// Whether a rule leaves a role as it is.
fn stays(current: &str, wanted: &str, existing: Existing) -> bool {
    let rank = |role: &str| ROLES.iter().position(|known| *known == role);
    match existing {
        Existing::Keep => true,
        Existing::Raise => rank(current) >= rank(wanted),
        Existing::Replace => current == wanted,
    }
}

/// A change of any key, in a Clerk of any state, and when what changes.
#[derive(Debug, Clone)]
struct World {
    claim: Claim,
    clerk: Clerk,
    appears: Option<usize>,
    accepts: bool,
    full_until: usize,
    out_of_date: bool,
    faults: Vec<Fault>,
}

impl World {
    fn user_is_there_at_first(&self) -> bool {
        self.appears == Some(0)
    }

    fn run(&mut self) -> End {
        let (appears, accepts, full_until) = (self.appears, self.accepts, self.full_until);
        let cache = if self.out_of_date { out_of_date(&self.claim) } else { empty() };
        follow(&mut self.claim, &mut self.clerk, cache, &self.faults, |attempt, clerk| {
            clerk.user = appears.is_some_and(|appears| attempt >= appears);
            clerk.full = attempt < full_until;
            if accepts {
                clerk.accept();
            }
        })
    }
}

fn changes() -> impl Strategy<Value = Claim> {
    let user = select(vec!["user_1", "email:ada@example.com", "external_id:ada@example.com"]);
    let missing = select(vec![MissingUser::Fail, MissingUser::Wait, MissingUser::Invite]);
    let grant = (select(ROLES.to_vec()), existings(), missing).prop_map(|(wanted, existing, missing)| {
        let Action::Grant(mut grant) = grant(wanted, existing) else { unreachable!() };
        grant.missing_user = missing;
        Action::Grant(grant)
    });
    let action = prop_oneof![3 => grant, 1 => Just(Action::Revoke)];
    (select(vec!["org_1", "slug:acme"]), user, action)
        .prop_map(|(organization, user, action)| claim_of(organization, user, action))
}

fn clerks() -> impl Strategy<Value = Clerk> {
    let invitations = proptest::option::of(select(ROLES.to_vec()));
    (memberships(), invitations, proptest::bool::weighted(0.9), proptest::bool::weighted(0.9), any::<bool>()).prop_map(
        |(membership, invited, organization, role, vague)| {
            let invitation = invited.map(|role| invitation(role, None));
            Clerk { membership, invitation, organization, role, vague, ..Clerk::default() }
        },
    )
}

fn worlds() -> impl Strategy<Value = World> {
    let appears = prop_oneof![2 => Just(Some(0)), 2 => (1..20usize).prop_map(Some), 1 => Just(None)];
    (changes(), clerks(), appears, any::<bool>(), 0..20usize, any::<bool>(), faults()).prop_map(
        |(claim, mut clerk, appears, accepts, full_until, out_of_date, faults)| {
            if appears != Some(0) || !clerk.organization {
                clerk.membership = None;
            }
            if clerk.membership.is_some() || !clerk.organization {
                clerk.invitation = None;
            }
            World { claim, clerk, appears, accepts, full_until, out_of_date, faults }
        },
    )
}

/// Whether a grant may end dead.
fn may_die(before: &World, grant: &Grant) -> bool {
    let by_address = matches!(before.claim.change.key.user, crate::domain::UserRef::Email(_));
    !before.clerk.organization
        || !before.clerk.role
        || match grant.missing_user {
            MissingUser::Fail => !before.user_is_there_at_first(),
            MissingUser::Wait => before.appears.is_none(),
            MissingUser::Invite => !before.user_is_there_at_first() && !by_address,
        }
}

/// Whether what a grant waits for never comes.
fn waits_in_vain(before: &World) -> bool {
    let Action::Grant(grant) = &before.claim.change.action else { return false };
    grant.missing_user == MissingUser::Wait && before.appears.is_none()
}

fn check_grant(before: &World, after: &World, grant: &Grant, outcome: Outcome) -> Result<(), TestCaseError> {
    let clerk = &after.clerk;
    prop_assert!(clerk.creates <= 1 && clerk.mails <= 1, "done twice");
    let role = clerk.membership.as_ref().and_then(|membership| membership.role.clone());
    let invited = clerk.invitation.as_ref().and_then(|invitation| invitation.role.clone());
    let there = role.or(invited);
    let fits = |role: &String| role == grant.role.as_str() || stays(role, grant.role.as_str(), grant.existing);
    match outcome {
        Outcome::Dead => prop_assert!(may_die(before, grant), "dead without need"),
        Outcome::Granted | Outcome::Updated | Outcome::Invited => {
            prop_assert_eq!(there.as_deref(), Some(grant.role.as_str()));
        }
        Outcome::Unchanged => prop_assert!(there.is_some_and(|role| fits(&role))),
        Outcome::Revoked | Outcome::Superseded => prop_assert!(false, "{outcome} is no end of a grant"),
    }
    Ok(())
}

fn check_revoke(before: &World, after: &World, outcome: Outcome) -> Result<(), TestCaseError> {
    let by_address = matches!(before.claim.change.key.user, crate::domain::UserRef::Email(_));
    match outcome {
        Outcome::Dead => prop_assert!(!before.clerk.organization, "dead without need"),
        Outcome::Revoked => {}
        Outcome::Unchanged => prop_assert!(
            before.clerk.membership.is_none() && (!by_address || before.clerk.invitation.is_none()),
            "there was something"
        ),
        other => prop_assert!(false, "{other} is no end of a revoke"),
    }
    if by_address {
        prop_assert_eq!(&after.clerk.invitation, &None, "who is invited may come in later");
    }
    // Who accepts an invitation that the revoke cannot see may do so after it.
    if by_address || !after.accepts {
        prop_assert_eq!(&after.clerk.membership, &None);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_history_ends_in_the_right_membership_and_says_so(before in worlds()) {
        let mut after = before.clone();
        let end = after.run();
        prop_assert!(!end.given_up || waits_in_vain(&before), "{end:?}");
        match &before.claim.change.action {
            Action::Grant(grant) => check_grant(&before, &after, grant, end.outcome)?,
            Action::Revoke => check_revoke(&before, &after, end.outcome)?,
        }
        for reason in end.reasons {
            prop_assert!(!reason.contains('@') && !reason.contains("ada"), "{reason}");
        }
    }

    #[test]
    fn a_grant_ends_in_the_right_membership_and_says_so(
        before in memberships(), wanted in select(ROLES.to_vec()), existing in existings(), faults in faults(),
    ) {
        let (mut claim, mut clerk) = (claim(grant(wanted, existing)), Clerk::with(before.clone()));
        let outcome = follow(&mut claim, &mut clerk, empty(), &faults, |_, _| {}).outcome;
        let (role, outcomes) = expected(before.as_ref(), wanted, existing, claim.answer_lost);
        prop_assert_eq!(clerk.membership.unwrap().role.unwrap(), role);
        prop_assert!(outcomes.contains(&outcome), "{outcome} is none of {outcomes:?}");
        prop_assert_eq!(clerk.creates, u32::from(before.is_none()), "created once, or found");
    }

    #[test]
    fn a_revoke_ends_without_a_membership_and_says_so(before in memberships(), faults in faults()) {
        let (mut claim, mut clerk) = (claim(Action::Revoke), Clerk::with(before.clone()));
        let outcome = follow(&mut claim, &mut clerk, empty(), &faults, |_, _| {}).outcome;
        prop_assert_eq!(clerk.membership, None);
        match outcome {
            Outcome::Unchanged => prop_assert!(before.is_none() && !claim.answer_lost),
            Outcome::Revoked => prop_assert!(before.is_some() || claim.answer_lost),
            other => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn whatever_others_do_in_between_a_change_comes_to_its_end(
        befores in proptest::collection::vec(proptest::option::of(memberships()), 0..8),
        wanted in select(ROLES.to_vec()), existing in existings(), faults in faults(), revoke in any::<bool>(),
    ) {
        let action = if revoke { Action::Revoke } else { grant(wanted, existing) };
        let (mut claim, mut clerk) = (claim(action), Clerk::default());
        let outcome = follow(&mut claim, &mut clerk, empty(), &faults, |attempt, clerk| {
            if let Some(Some(other)) = befores.get(attempt) {
                clerk.membership = other.clone();
            }
        })
        .outcome;
        prop_assert_ne!(outcome, Outcome::Dead);
        prop_assert_eq!(clerk.membership.is_none(), revoke, "what was asked for last holds");
    }
}
