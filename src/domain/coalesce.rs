//! What of a queue of changes to one membership has to be called: one change whose effect is that of several.
//! Pure: knows nothing of where a queue is kept and of how a change is made.

use jiff::Timestamp;

use super::{Action, Existing, Grant, MissingUser, Role};

/// A change in the queue of its membership, as far as the plan needs it.
#[derive(Debug, Clone, Copy)]
pub struct Waiting<'a> {
    /// What it does.
    pub action: &'a Action,
    /// When its event happened, where the event says so.
    pub time: Option<Timestamp>,
    /// A grant that ends by itself: its revoke is scheduled.
    pub limited: bool,
    /// The scheduled revoke of a grant that waits itself, in this place of the queue: it ends nothing but that.
    pub ends: Option<usize>,
}

/// The beginning of a queue, and the one change of it that stands for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The place of the change to be made.
    pub leader: usize,
    /// Whatever role is there gives way to the leader's.
    pub replaces: bool,
    /// How many changes from the first on are done when the leader is; those behind wait.
    pub length: usize,
}

/// Makes the plan of a queue in the order of acceptance; `None` where it is empty.
pub fn plan<'a>(queue: impl IntoIterator<Item = Waiting<'a>>) -> Option<Plan> {
    let mut queue = queue.into_iter();
    let mut fold = Fold::begin(queue.next()?);
    // What comes after the first that does not fit stays for a later plan.
    while queue.next().is_some_and(|change| fold.push(change)) {}
    Some(fold.plan)
}

/// What a membership is. `None` as a role is some role that no change of the queue names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State<'a> {
    Absent,
    Member { role: Option<&'a Role>, limit: Limit },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    None,
    /// Of a grant before the queue.
    Before,
    /// Of the grant in this place.
    Of(usize),
}

/// The effect of what was taken so far, written out: what it makes of each state there can be.
struct Fold<'a> {
    plan: Plan,
    leader: Waiting<'a>,
    effect: Vec<(State<'a>, State<'a>)>,
    roles: Vec<&'a Role>,
    newest: Option<Timestamp>,
    invites: bool,
}

impl<'a> Fold<'a> {
    fn begin(first: Waiting<'a>) -> Self {
        let unknown = |limit| State::Member { role: None, limit };
        let states = [State::Absent, unknown(Limit::None), unknown(Limit::Before)];
        let mut fold = Self {
            plan: Plan { leader: 0, replaces: false, length: 1 },
            leader: first,
            effect: states.map(|state| (state, state)).to_vec(),
            roles: Vec::new(),
            newest: first.time,
            invites: missing_user(first.action) == Some(MissingUser::Invite),
        };
        fold.introduce(first.action);
        fold.effect = fold.followed_by(first, 0);
        fold
    }

    /// Takes one more where one change can still stand for all, and says whether it did.
    fn push(&mut self, change: Waiting<'a>) -> bool {
        let place = self.plan.length;
        if change.time.zip(self.newest).is_some_and(|(time, newest)| time < newest) {
            // Of an older time than what goes before it: it has no effect.
            self.plan.length += 1;
            return true;
        }
        self.introduce(change.action);
        let effect = self.followed_by(change, place);
        let is = |leader, at, replaces| effect.iter().all(|(from, to)| run(leader, at, replaces, *from) == *to);
        // Who waits for a user must not keep another from inviting that user.
        let may_lead = !self.invites || missing_user(change.action) != Some(MissingUser::Wait);
        let (leads, replaces) = if may_lead && is(change, place, false) {
            (true, false)
        } else if is(self.leader, self.plan.leader, self.plan.replaces) {
            (false, self.plan.replaces)
        } else if may_lead && is(change, place, true) {
            (true, true)
        } else {
            return false;
        };
        self.take(change, effect, leads, replaces);
        true
    }

    fn take(&mut self, change: Waiting<'a>, effect: Vec<(State<'a>, State<'a>)>, leads: bool, replaces: bool) {
        self.invites = match missing_user(change.action) {
            Some(missing) => self.invites || missing == MissingUser::Invite,
            None => false,
        };
        if leads {
            (self.plan.leader, self.leader) = (self.plan.length, change);
        }
        self.plan.replaces = replaces;
        self.plan.length += 1;
        self.newest = self.newest.max(change.time);
        self.effect = effect;
    }

    fn followed_by(&self, change: Waiting<'a>, place: usize) -> Vec<(State<'a>, State<'a>)> {
        self.effect.iter().map(|(from, to)| (*from, run(change, place, false, *to))).collect()
    }

    /// Tells the roles that a change names from the others.
    fn introduce(&mut self, action: &'a Action) {
        let Action::Grant(Grant { role, lower, .. }) = action else { return };
        for role in lower.iter().chain([role]) {
            if self.roles.contains(&role) {
                continue;
            }
            self.roles.push(role);
            let unnamed = self.effect.iter().filter(|(from, _)| matches!(from, State::Member { role: None, .. }));
            let named: Vec<_> = unnamed.map(|(from, to)| (named(*from, role), named(*to, role))).collect();
            self.effect.extend(named);
        }
    }
}

fn named<'a>(state: State<'a>, name: &'a Role) -> State<'a> {
    match state {
        State::Member { role: None, limit } => State::Member { role: Some(name), limit },
        state => state,
    }
}

fn missing_user(action: &Action) -> Option<MissingUser> {
    match action {
        Action::Grant(grant) => Some(grant.missing_user),
        Action::Revoke => None,
    }
}

/// What a change makes of a state.
fn run<'a>(change: Waiting<'a>, place: usize, replaces: bool, state: State<'a>) -> State<'a> {
    let Action::Grant(grant) = change.action else { return ended(change.ends, state) };
    let own = if change.limited { Limit::Of(place) } else { Limit::None };
    let granted = State::Member { role: Some(&grant.role), limit: own };
    let State::Member { role: current, limit } = state else { return granted };
    let role = if replaces { Some(&grant.role) } else { role_after(grant, current) };
    if !replaces && role == current && limit == Limit::None {
        // Who is a member without a limit stays one.
        return state;
    }
    State::Member { role, limit: own }
}

/// What a revoke leaves: who is a member beside the grant that it ends stays one.
fn ended(ends: Option<usize>, state: State<'_>) -> State<'_> {
    match (ends, state) {
        (Some(grant), State::Member { limit, .. }) if limit != Limit::Of(grant) => state,
        _ => State::Absent,
    }
}

fn role_after<'a>(grant: &'a Grant, current: Option<&'a Role>) -> Option<&'a Role> {
    let changes = match grant.existing {
        Existing::Keep => false,
        Existing::Raise => current.is_some_and(|current| grant.lower.contains(current)),
        Existing::Replace => true,
    };
    if changes { Some(&grant.role) } else { current }
}

#[cfg(test)]
mod tests;
