//! What must be true at the end of a history: the changes one by one, in the order in which they were accepted.
//! Knows the promises, and nothing of how usher keeps them.

use crate::domain::{ChangeRecord, ChangeState, EventRecord, Outcome};

use super::clerk::{ROLES, UNKNOWN_ROLE};
use super::history::{Asked, BY_EITHER, LIMITED, PEOPLE, PLACES, What, World};
use super::words::moment;

/// A change that was accepted, and what became of it.
pub(super) struct Told {
    pub(super) asked: Asked,
    pub(super) event: EventRecord,
}

impl Told {
    fn record(&self) -> &ChangeRecord {
        &self.event.changes[0]
    }
}

/// A membership or a pending invitation, which becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Has {
    role: usize,
    /// It ends by itself.
    limited: bool,
}

/// The role that this person must have at this place in the end.
pub(super) fn expected(world: &World, told: &[Told], place: usize, person: usize) -> Option<&'static str> {
    assert!(place < PLACES && person < PEOPLE);
    let mut has = initial(world, place, person).map(|role| Has { role, limited: false });
    let mut latest = None;
    for change in told.iter().filter(|told| told.asked.place == place && told.asked.person == person) {
        let outcome = change.record().outcome.unwrap_or_else(|| panic!("no end: {:?}", change.record()));
        assert_eq!(change.record().state, ChangeState::Settled);
        if person == BY_EITHER && change.record().change.key.member().is_none() {
            // Nobody went by this name then: it was about no membership.
            continue;
        }
        if outcome == Outcome::Dead {
            assert!(may_die(world, &change.asked), "dead without need: {:?}", change.record());
            continue;
        }
        let time = moment(&change.asked).min(change.event.received_at);
        if world.timed && latest.is_some_and(|latest| latest > time) {
            // Under another name it may have come first; then what is newer came after it.
            let other_name = person == BY_EITHER;
            assert!(outcome == Outcome::Superseded || other_name, "older than what was applied: {:?}", change.record());
            continue;
        }
        latest = Some(time);
        has = applied(has, &change.asked);
    }
    has.filter(|has| !has.limited).map(|has| ROLES[has.role])
}

pub(super) fn initial(world: &World, place: usize, person: usize) -> Option<usize> {
    let is = |member: &&(usize, usize, usize)| (member.0, member.1) == (place, person);
    let role = world.members.iter().rev().find(is).map(|member| member.2)?;
    let there = world.signed_up[person] && (place == 0 || world.second_exists);
    there.then_some(if person == LIMITED { 1 } else { role })
}

fn applied(has: Option<Has>, asked: &Asked) -> Option<Has> {
    let What::Grant(role, existing, _) = asked.what else { return None };
    let limited = asked.until.is_some();
    let Some(has) = has else { return Some(Has { role, limited }) };
    let role = match existing {
        0 => has.role,
        1 => has.role.max(role),
        _ => role,
    };
    // Whoever was a member without a limit stays one; a later grant moves or removes the limit of an earlier one.
    Some(Has { role, limited: limited && has.limited })
}

/// A change may end dead only for a reason that the world gives.
fn may_die(world: &World, asked: &Asked) -> bool {
    let role = matches!(asked.what, What::Grant(role, ..) if ROLES.get(role).is_none());
    debug_assert!(!ROLES.contains(&UNKNOWN_ROLE));
    let place = asked.place == 1 && !world.second_exists;
    role || place || !world.signed_up[asked.person]
}
