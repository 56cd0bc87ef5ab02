//! A Clerk small enough to be seen through: who is there, who is a member as what, and what it answers to one call.
//! Knows nothing of usher's promises.

use std::collections::BTreeMap;

use crate::bapi::{Class, FoundUser, Invitation, Membership, Organization};
use crate::domain::{
    Action, Change, EmailAddress, EventId, ExternalId, Member, OrganizationId, OrganizationRef, Role, Slug, Step,
    UserId, UserRef,
};

use super::super::super::decide::Answer;

/// A role that every instance knows, and one that none does.
pub(super) const ROLES: [&str; 3] = ["org:viewer", "org:member", "org:admin"];
pub(super) const UNKNOWN_ROLE: &str = "org:nowhere";

/// Somebody, whether or not he has signed up yet.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) email: EmailAddress,
    pub(super) external_id: ExternalId,
    pub(super) signed_up: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) id: OrganizationId,
    pub(super) slug: Slug,
    pub(super) exists: bool,
    /// Members and pending invitations together.
    pub(super) seats: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) role: Role,
    /// From the private metadata.
    pub(super) usher_event: Option<EventId>,
}

/// The instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Clerk {
    pub(super) people: Vec<Person>,
    pub(super) places: Vec<Place>,
    pub(super) members: BTreeMap<(OrganizationId, UserId), Seat>,
    pub(super) invitations: BTreeMap<(OrganizationId, EmailAddress), (u64, Seat)>,
    /// Whether errors say what is missing.
    pub(super) says_what: bool,
    pub(super) invited: u64,
    /// How often a create took effect, by its event and member.
    pub(super) creates: BTreeMap<(EventId, UserId), u32>,
}

impl Clerk {
    /// The answer to the call that `step` makes for `change`, its effect done.
    pub(super) fn answer(&mut self, step: &Step, change: &Change, role: Option<&Role>) -> Answer {
        match (step, change.key.member(), &change.key.organization, &change.key.user) {
            (Step::FindOrganization, _, OrganizationRef::Slug(slug), _) => self.find_organization(slug),
            (Step::FindUser, _, _, user) => self.find_user(user),
            (Step::ConfirmOrganization, _, OrganizationRef::Id(id), _) => {
                Answer::OrganizationConfirmed(self.organization(id))
            }
            (Step::CountMembers, _, OrganizationRef::Id(id), _) => Answer::Counted(self.organization(id)),
            (Step::ConfirmUser, _, _, UserRef::Id(user)) => Answer::UserConfirmed(self.has_user(user)),
            (Step::FindInvitation, _, OrganizationRef::Id(id), UserRef::Email(email)) => self.pending(id, email),
            (Step::WithdrawInvitation(invitation), _, OrganizationRef::Id(id), UserRef::Email(email)) => {
                self.withdraw(id, email, invitation.as_str())
            }
            (Step::Invite, _, OrganizationRef::Id(id), UserRef::Email(email)) => {
                self.invite(id, email, role.unwrap(), change.id.event)
            }
            (Step::Create | Step::Recreate, Some(member), _, _) => self.create(member, role.unwrap(), change.id.event),
            (Step::Inspect, Some(member), _, _) => self.inspect(&member),
            (Step::Update, Some(member), _, _) => self.update(member, role.unwrap()),
            (Step::Delete, Some(member), _, _) => self.delete(member),
            _ => panic!("{} makes no sense for {:?} {:?}", step.name(), change.key, Action::name(&change.action)),
        }
    }

    /// Signs up; whoever was invited joins.
    pub(super) fn sign_up(&mut self, number: usize) {
        let person = &mut self.people[number];
        if std::mem::replace(&mut person.signed_up, true) {
            return;
        }
        let (id, email) = (person.id.clone(), person.email.clone());
        let invited: Vec<_> = self.invitations.keys().filter(|(_, invited)| *invited == email).cloned().collect();
        for key in invited {
            let (_, seat) = self.invitations.remove(&key).unwrap();
            self.members.insert((key.0, id.clone()), seat);
        }
    }

    fn missing(&self, what: Class) -> Answer {
        Answer::Failed(if self.says_what { what } else { Class::SomethingMissing })
    }

    fn place(&self, id: &OrganizationId) -> Option<&Place> {
        self.places.iter().find(|place| place.exists && place.id == *id)
    }

    fn has_user(&self, id: &UserId) -> bool {
        self.people.iter().any(|person| person.signed_up && person.id == *id)
    }

    fn is_full(&self, place: &Place) -> bool {
        let members = self.members.keys().filter(|(organization, _)| *organization == place.id).count();
        let invited = self.invitations.keys().filter(|(organization, _)| *organization == place.id).count();
        members + invited >= place.seats
    }

    fn find_organization(&self, slug: &Slug) -> Answer {
        let found = self.places.iter().find(|place| place.exists && place.slug == *slug);
        Answer::OrganizationFound(found.map(|place| place.id.clone()))
    }

    fn find_user(&self, user: &UserRef) -> Answer {
        let is = |person: &&Person| match user {
            UserRef::Id(id) => person.id == *id,
            UserRef::Email(email) => person.email == *email,
            UserRef::ExternalId(id) => person.external_id == *id,
        };
        let found = self.people.iter().filter(|person| person.signed_up).find(is);
        Answer::UserFound(found.map_or(FoundUser::None, |person| FoundUser::One(person.id.clone())))
    }

    fn organization(&self, id: &OrganizationId) -> Option<Organization> {
        let members = self.members.keys().filter(|(organization, _)| organization == id).count() as u64;
        self.place(id).map(|_| Organization { members: Some(members) })
    }

    fn create(&mut self, member: Member, role: &Role, event: EventId) -> Answer {
        let Some(place) = self.place(&member.organization) else { return self.missing(Class::OrganizationMissing) };
        if !self.has_user(&member.user) {
            return self.missing(Class::UserMissing);
        }
        let full = self.is_full(place);
        if self.members.contains_key(&(member.organization.clone(), member.user.clone())) {
            return Answer::Failed(Class::AlreadyMember);
        }
        if !ROLES.contains(&role.as_str()) {
            return if self.says_what {
                Answer::Failed(Class::Refused)
            } else {
                Answer::Failed(Class::SomethingMissing)
            };
        }
        if full {
            return Answer::Failed(Class::Wait);
        }
        *self.creates.entry((event, member.user.clone())).or_default() += 1;
        let seat = Seat { role: role.clone(), usher_event: Some(event) };
        let shown = shown(&member, &seat);
        self.members.insert((member.organization, member.user), seat);
        Answer::Created(shown)
    }

    fn inspect(&self, member: &Member) -> Answer {
        if self.place(&member.organization).is_none() {
            return self.missing(Class::OrganizationMissing);
        }
        let seat = self.members.get(&(member.organization.clone(), member.user.clone()));
        Answer::Inspected(seat.map(|seat| shown(member, seat)))
    }

    fn update(&mut self, member: Member, role: &Role) -> Answer {
        let Some(seat) = self.members.get_mut(&(member.organization.clone(), member.user.clone())) else {
            return Answer::Failed(Class::NotMember);
        };
        if !ROLES.contains(&role.as_str()) {
            return Answer::Failed(Class::Refused);
        }
        seat.role = role.clone();
        Answer::Updated(shown(&member, seat))
    }

    fn delete(&mut self, member: Member) -> Answer {
        match self.members.remove(&(member.organization.clone(), member.user.clone())) {
            Some(seat) => Answer::Deleted(shown(&member, &seat)),
            None => Answer::Failed(Class::NotMember),
        }
    }

    fn pending(&self, organization: &OrganizationId, email: &EmailAddress) -> Answer {
        let found = self.invitations.get(&(organization.clone(), email.clone()));
        Answer::InvitationFound(found.map(|(number, seat)| invitation(*number, seat)))
    }

    fn withdraw(&mut self, organization: &OrganizationId, email: &EmailAddress, id: &str) -> Answer {
        let key = (organization.clone(), email.clone());
        match self.invitations.get(&key) {
            Some((number, _)) if format!("orginv_{number}") == id => {
                self.invitations.remove(&key);
                Answer::Withdrawn
            }
            _ => Answer::Failed(Class::InvitationGone),
        }
    }

    fn invite(&mut self, organization: &OrganizationId, email: &EmailAddress, role: &Role, event: EventId) -> Answer {
        let Some(place) = self.place(organization) else { return self.missing(Class::OrganizationMissing) };
        let full = self.is_full(place);
        let user = self.people.iter().find(|person| person.signed_up && person.email == *email);
        if user.is_some_and(|user| self.members.contains_key(&(organization.clone(), user.id.clone()))) {
            return Answer::Failed(Class::AlreadyMember);
        }
        if self.invitations.contains_key(&(organization.clone(), email.clone())) {
            return Answer::Failed(Class::InvitationPending);
        }
        if !ROLES.contains(&role.as_str()) {
            return if self.says_what {
                Answer::Failed(Class::Refused)
            } else {
                Answer::Failed(Class::SomethingMissing)
            };
        }
        if full {
            return Answer::Failed(Class::Wait);
        }
        self.invited += 1;
        let seat = Seat { role: role.clone(), usher_event: Some(event) };
        let shown = invitation(self.invited, &seat);
        if let Some(user) = user.map(|user| user.id.clone()) {
            // An invited user who has an account sees the invitation and takes it.
            self.members.insert((organization.clone(), user), seat);
        } else {
            self.invitations.insert((organization.clone(), email.clone()), (self.invited, seat));
        }
        Answer::Invited(shown)
    }
}

fn shown(member: &Member, seat: &Seat) -> Membership {
    Membership {
        id: Some(format!("orgmem_{}", member.user)),
        role: Some(seat.role.to_string()),
        usher_event: seat.usher_event.map(|event| event.to_string()),
        shows_metadata: true,
    }
}

fn invitation(number: u64, seat: &Seat) -> Invitation {
    Invitation {
        id: format!("orginv_{number}").parse().unwrap(),
        role: Some(seat.role.to_string()),
        usher_event: seat.usher_event.map(|event| event.to_string()),
    }
}
