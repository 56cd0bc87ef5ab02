//! What is believed, for how long, and what happens to a belief that turns out wrong.

use super::super::fixtures::{claim, claim_of, grant};
use super::*;
use crate::bapi::Organization;
use crate::domain::{Action, Existing};
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);

fn cache() -> Cache {
    Cache::new(MINUTE * 5)
}

fn member() -> Action {
    grant("org:member", Existing::Raise)
}

fn user_found(id: &str) -> Answer {
    Answer::UserFound(FoundUser::One(id.parse().unwrap()))
}

fn organization_found(id: &str) -> Answer {
    Answer::OrganizationFound(Some(id.parse().unwrap()))
}

fn key(organization: &str, user: &str) -> MembershipKey {
    MembershipKey { organization: organization.parse().unwrap(), user: user.parse().unwrap() }
}

#[test]
fn a_user_that_was_found_is_not_looked_up_again_for_five_minutes() {
    let (mut cache, now) = (cache(), Instant::now());
    let claim = claim_of("org_1", "email:ada@example.com", member());
    assert_eq!(cache.resolve(&claim, now), None);
    cache.learn(&claim, &user_found("user_ada"), now);
    assert_eq!(cache.resolve(&claim, now + MINUTE * 4), Some(key("org_1", "user_ada")));
    assert_eq!(cache.resolve(&claim, now + MINUTE * 5), None);
}

#[test]
fn both_names_are_answered_at_once() {
    let (mut cache, now) = (cache(), Instant::now());
    let claim = claim_of("slug:acme", "external_id:42", member());
    cache.learn(&claim, &organization_found("org_acme"), now);
    assert_eq!(cache.resolve(&claim, now), Some(key("org_acme", "external_id:42")));
    cache.learn(&claim, &user_found("user_ada"), now);
    assert_eq!(cache.resolve(&claim, now), Some(key("org_acme", "user_ada")));
}

#[test]
fn a_revoke_by_address_still_looks_for_an_invitation() {
    let (mut cache, now) = (cache(), Instant::now());
    let claim = claim_of("slug:acme", "email:ada@example.com", Action::Revoke);
    cache.learn(&claim, &organization_found("org_acme"), now);
    cache.learn(&claim, &user_found("user_ada"), now);
    assert_eq!(cache.resolve(&claim, now), Some(key("org_acme", "email:ada@example.com")));
}

#[test]
fn whoever_is_missing_is_asked_for_again() {
    let (mut cache, now) = (cache(), Instant::now());
    let claim = claim_of("slug:acme", "external_id:42", member());
    for answer in [
        Answer::OrganizationFound(None),
        Answer::UserFound(FoundUser::None),
        Answer::UserFound(FoundUser::Several),
        Answer::Counted(None),
    ] {
        cache.learn(&claim, &answer, now);
    }
    assert_eq!(cache.resolve(&claim, now), None);
}

#[test]
fn an_id_that_turns_out_wrong_is_looked_up_again_once() {
    let (mut cache, now) = (cache(), Instant::now());
    let named = claim_of("slug:acme", "email:ada@example.com", member());
    cache.learn(&named, &organization_found("org_acme"), now);
    cache.learn(&named, &user_found("user_ada"), now);
    let found = cache.resolve(&named, now).unwrap();
    let mut claim = named.clone();
    (claim.change.key, claim.step) = (found, Step::Create);
    assert_eq!(cache.mend(&claim, &Answer::Failed(Class::AlreadyMember), Instant::now()), None);
    assert_eq!(cache.mend(&claim, &Answer::Failed(Class::UserMissing), Instant::now()), Some(named.change.key.clone()));
    assert_eq!(cache.resolve(&named, now), None, "it is forgotten");
    assert_eq!(cache.mend(&claim, &Answer::Failed(Class::UserMissing), Instant::now()), None, "once");
}

#[test]
fn what_clerk_itself_found_is_not_looked_up_again() {
    let (mut cache, now) = (cache(), Instant::now());
    let claim = claim_of("org_1", "email:ada@example.com", member());
    cache.learn(&claim, &user_found("user_ada"), now);
    assert_eq!(cache.mend(&claim, &Answer::Failed(Class::UserMissing), Instant::now()), None);
}

#[test]
fn members_are_counted_once_in_a_window() {
    let (mut cache, now) = (cache(), Instant::now());
    let claim = claim(Action::Revoke);
    cache.learn(&claim, &Answer::Counted(Some(Organization { members: Some(7) })), now);
    let members = |after| cache.members(&claim.change.key.organization, now + after, MINUTE * 60);
    assert_eq!((members(MINUTE * 59), members(MINUTE * 60)), (Some(7), None));
}

proptest! {
    #[test]
    fn it_holds_no_more_than_it_may_and_the_latest_of_it(
        keys in proptest::collection::vec((0..20u8, any::<bool>()), 0..200), capacity in 1..10usize,
    ) {
        let (mut bounded, begin) = (Bounded::new(capacity), Instant::now());
        for (second, (key, removed)) in keys.iter().enumerate() {
            let now = begin + Duration::from_secs(second as u64);
            bounded.put(*key, second, now);
            prop_assert_eq!(bounded.get(key, now, MINUTE), Some(&second));
            if *removed {
                prop_assert_eq!(bounded.remove(key), Some(second));
            }
            prop_assert!(bounded.order.len() <= capacity && bounded.entries.len() <= capacity);
        }
    }
}
