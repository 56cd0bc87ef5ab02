//! What a history's words are in the words of usher and of Clerk.
//! Knows nothing of when they are said.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::clerk::{Clerk, Person, Place, ROLES, Seat, UNKNOWN_ROLE};
use super::history::{Asked, BY_EITHER, BY_EMAIL, BY_ID, LIMITED, PEOPLE, PLACES, What, World};
use super::oracle;
use crate::domain::*;
use crate::ledger::Entry;

pub(super) fn clerk(world: &World) -> Clerk {
    let person = |number: usize| Person {
        id: format!("user_{number}").parse().unwrap(),
        email: format!("person{number}@example.com").parse().unwrap(),
        external_id: format!("external {number}").parse().unwrap(),
        signed_up: world.signed_up[number],
    };
    let place = |number: usize| Place {
        id: format!("org_{number}").parse().unwrap(),
        slug: format!("place-{number}").parse().unwrap(),
        exists: number == 0 || world.second_exists,
        seats: world.seats[number],
    };
    let mut clerk = Clerk {
        people: (0..PEOPLE).map(person).collect(),
        places: (0..PLACES).map(place).collect(),
        says_what: world.says_what,
        ..Clerk::default()
    };
    for (place, person) in (0..PLACES).flat_map(|place| (0..PEOPLE).map(move |person| (place, person))) {
        if let Some(role) = oracle::initial(world, place, person) {
            let key = (clerk.places[place].id.clone(), clerk.people[person].id.clone());
            clerk.members.insert(key, Seat { role: ROLES[role].parse().unwrap(), usher_event: None });
        }
    }
    clerk
}

fn key(asked: &Asked) -> MembershipKey {
    let organization = match asked.place {
        0 => "org_0".to_owned(),
        place => format!("slug:place-{place}"),
    };
    let user = match asked.person {
        BY_ID => "user_0".to_owned(),
        BY_EITHER if asked.by_id => format!("user_{BY_EITHER}"),
        LIMITED => format!("external_id:external {LIMITED}"),
        person => format!("email:person{person}@example.com"),
    };
    debug_assert!(asked.person != BY_EMAIL || user.starts_with("email:"));
    MembershipKey { organization: organization.parse().unwrap(), user: user.parse().unwrap() }
}

fn action(asked: &Asked) -> Action {
    let What::Grant(role, existing, missing) = asked.what else { return Action::Revoke };
    let role_of = |number: usize| -> Role { ROLES.get(number).unwrap_or(&UNKNOWN_ROLE).parse().unwrap() };
    let existing = [Existing::Keep, Existing::Raise, Existing::Replace][existing];
    let mut grant = Grant::new(role_of(role), existing, (0..role.min(3)).map(role_of).collect());
    grant.missing_user = [MissingUser::Fail, MissingUser::Wait, MissingUser::Invite][missing];
    Action::Grant(grant)
}

/// What the event says of when it happened.
pub(super) fn moment(asked: &Asked) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + asked.time).unwrap()
}

pub(super) fn entry(world: &World, asked: &Asked, number: usize, now: Timestamp) -> Entry {
    let sender = SenderName::try_from(["billing", "support"][number % 2].to_owned()).unwrap();
    let (source, event_id) = ("model".to_owned(), number.to_string());
    let time = world.timed.then(|| moment(asked));
    let event = Event {
        id: EventId::of(&sender, &source, &event_id),
        sender,
        source,
        event_id,
        kind: EventType::try_from("model".to_owned()).unwrap(),
        subject: None,
        time,
        extensions: Extensions::default(),
        trace: None,
        data: Value::Null,
    };
    let change = |index, action, schedule| Change {
        id: ChangeId { event: event.id, index },
        rule: "model".to_owned(),
        rules_digest: Digest::of_bytes(b"model"),
        key: key(asked),
        action,
        schedule,
        superseded_by: None,
    };
    let mut changes = vec![change(0, action(asked), None)];
    if let Some(minutes) = asked.until {
        let at = now + SignedDuration::from_mins(minutes);
        changes.push(change(1, Action::Revoke, Some(Schedule { grant: 0, at })));
    }
    Entry { event, received_at: now, failure: None, changes, urgent: asked.urgent, keys: Vec::new() }
}
