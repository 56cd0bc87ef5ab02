//! Plans against the changes made one by one.

use proptest::prelude::*;

use super::*;

const ROLES: [&str; 4] = ["org:viewer", "org:member", "org:billing", "org:admin"];

fn role(number: usize) -> Role {
    ROLES[number].parse().unwrap()
}

fn grant(role_number: usize, existing: Existing, lower: &[usize]) -> Action {
    Action::Grant(Grant::new(role(role_number), existing, lower.iter().copied().map(role).collect()))
}

fn missing(action: Action, missing_user: MissingUser) -> Action {
    match action {
        Action::Grant(grant) => Action::Grant(Grant { missing_user, ..grant }),
        Action::Revoke => Action::Revoke,
    }
}

fn keep(role: usize) -> Action {
    grant(role, Existing::Keep, &[])
}

fn raise(role: usize) -> Action {
    grant(role, Existing::Raise, &(0..role).collect::<Vec<_>>())
}

fn replace(role: usize) -> Action {
    grant(role, Existing::Replace, &[])
}

/// The leader, whether it replaces, and how many it stands for.
fn planned(actions: &[Action]) -> (usize, bool, usize) {
    let waiting = |action| Waiting { action, time: None, limited: false, ends: None };
    let Plan { leader, replaces, length } = plan(actions.iter().map(waiting)).unwrap();
    (leader, replaces, length)
}

#[test]
fn the_last_word_is_the_only_one_called() {
    assert_eq!(planned(&[raise(1), Action::Revoke]), (1, false, 2));
    assert_eq!(planned(&[raise(1), replace(0)]), (1, false, 2));
    assert_eq!(planned(&[Action::Revoke, Action::Revoke]), (1, false, 2));
    assert_eq!(planned(&[Action::Revoke, keep(1)]), (1, true, 2), "whoever is there gets this role");
    assert_eq!(planned(&[replace(0), raise(2)]), (1, true, 2));
    assert_eq!(planned(&[raise(1), raise(2), raise(1)]), (1, false, 3));
    assert_eq!(planned(&[replace(2), keep(0), raise(1)]), (0, false, 3));
    assert_eq!(planned(&[keep(1), raise(2)]), (1, false, 2));
}

#[test]
fn what_no_single_change_can_do_waits() {
    assert_eq!(planned(&[keep(2), raise(1)]), (0, false, 1), "a viewer stays, and is raised after");
    let other_order = grant(1, Existing::Raise, &[2]);
    assert_eq!(planned(&[grant(2, Existing::Raise, &[0]), other_order, Action::Revoke]), (0, false, 1));
}

#[test]
fn the_end_of_a_grant_waits_for_what_the_grant_comes_to() {
    let grant = raise(1);
    let queue = [
        Waiting { action: &grant, time: None, limited: true, ends: None },
        Waiting { action: &Action::Revoke, time: None, limited: false, ends: Some(0) },
    ];
    let alone = Plan { leader: 0, replaces: false, length: 1 };
    assert_eq!(plan(queue), Some(alone), "who was a member before stays one");
}

#[test]
fn an_older_event_has_no_effect_behind_a_newer_one() {
    let (first, second) = (raise(1), Action::Revoke);
    let time = |seconds| Some(Timestamp::from_second(seconds).unwrap());
    let queue = [(&first, time(9)), (&second, time(8)), (&second, None)];
    let waiting = |count| {
        queue.into_iter().take(count).map(|(action, time)| Waiting { action, time, limited: false, ends: None })
    };
    assert_eq!(plan(waiting(2)), Some(Plan { leader: 0, replaces: false, length: 2 }));
    assert_eq!(plan(waiting(3)), Some(Plan { leader: 2, replaces: false, length: 3 }));
    assert_eq!(plan([]), None);
}

#[test]
fn an_invitation_does_not_wait_for_its_user() {
    let (invites, waits) = (missing(raise(1), MissingUser::Invite), missing(raise(2), MissingUser::Wait));
    assert_eq!(planned(&[invites.clone(), waits.clone()]), (0, false, 1));
    assert_eq!(planned(&[waits.clone(), missing(raise(2), MissingUser::Invite)]), (1, false, 2));
    assert_eq!(planned(&[invites, Action::Revoke, waits]), (2, true, 3), "the invitation would be withdrawn");
}

#[test]
fn a_limit_is_only_taken_over_where_it_would_be() {
    let actions = [raise(1), raise(1)];
    let limits = |limits: [bool; 2]| {
        let waiting =
            actions.iter().zip(limits).map(|(action, limited)| Waiting { action, time: None, limited, ends: None });
        plan(waiting).map(|plan| (plan.leader, plan.length))
    };
    assert_eq!(limits([false, true]), Some((0, 2)), "a member without a limit stays one");
    assert_eq!(limits([true, false]), Some((1, 2)));
    assert_eq!(limits([true, true]), Some((1, 2)));
}

/// A change as it is made, told once more and in other words.
#[derive(Debug, Clone)]
struct Asked {
    action: Action,
    time: Option<i64>,
    limited: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Membership {
    /// The role, and whose limit: a number, or -1 for one from before.
    member: Option<(String, Option<i64>)>,
    time: Option<i64>,
}

impl Membership {
    fn make(&mut self, number: usize, asked: &Asked, replaces: bool) {
        let own = asked.limited.then_some(number as i64);
        self.member = match (&asked.action, self.member.take()) {
            (Action::Revoke, _) => None,
            (Action::Grant(grant), None) => Some((grant.role.to_string(), own)),
            (Action::Grant(grant), Some(_)) if replaces => Some((grant.role.to_string(), own)),
            (Action::Grant(grant), Some((role, limit))) => {
                let changes = grant.existing == Existing::Replace
                    || grant.existing == Existing::Raise && grant.lower.iter().any(|lower| lower.as_str() == role);
                let wanted = if changes { grant.role.to_string() } else { role.clone() };
                let unlimited = wanted == role && limit.is_none();
                Some((wanted, if unlimited { None } else { own }))
            }
        };
        self.time = self.time.max(asked.time);
    }

    fn one_by_one(mut self, queue: &[Asked]) -> Self {
        for (number, asked) in queue.iter().enumerate() {
            if asked.time.zip(self.time).is_none_or(|(time, applied)| time >= applied) {
                self.make(number, asked, false);
            }
        }
        self
    }

    /// By plans, and how many changes were made.
    fn by_plans(mut self, queue: &[Asked]) -> (Self, usize) {
        let (mut first, mut made) = (0, 0);
        while first < queue.len() {
            let stale = |asked: &Asked| asked.time.zip(self.time).is_some_and(|(time, applied)| time < applied);
            if stale(&queue[first]) {
                first += 1;
                continue;
            }
            let fresh: Vec<_> = (first..queue.len()).filter(|number| !stale(&queue[*number])).collect();
            let plan = plan(fresh.iter().map(|number| waiting(&queue[*number]))).unwrap();
            let times = fresh[..plan.length].iter().filter_map(|number| queue[*number].time).max();
            self.make(fresh[plan.leader], &queue[fresh[plan.leader]], plan.replaces);
            self.time = self.time.max(times);
            first = fresh.get(plan.length).copied().unwrap_or(queue.len());
            made += 1;
        }
        (self, made)
    }
}

fn waiting(asked: &Asked) -> Waiting<'_> {
    let time = asked.time.map(|time| Timestamp::from_second(time).unwrap());
    Waiting { action: &asked.action, time, limited: asked.limited, ends: None }
}

fn action() -> impl Strategy<Value = Action> {
    let lower = prop::collection::vec(0..ROLES.len(), 0..4);
    let raised = (0..ROLES.len(), lower).prop_map(|(role, lower)| grant(role, Existing::Raise, &lower));
    prop_oneof![
        2 => Just(Action::Revoke),
        2 => (0..ROLES.len()).prop_map(keep),
        2 => (0..ROLES.len()).prop_map(raise),
        2 => raised,
        2 => (0..ROLES.len()).prop_map(replace),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    (action(), prop::option::of(0..5i64), prop::bool::weighted(0.2)).prop_map(|(action, time, limited)| {
        let limited = limited && action != Action::Revoke;
        Asked { action, time, limited }
    })
}

fn membership() -> impl Strategy<Value = Membership> {
    let member = prop::option::of((0..ROLES.len(), prop::option::of(Just(-1))));
    (member, prop::option::of(0..5i64)).prop_map(|(member, time)| Membership {
        member: member.map(|(number, limit)| (role(number).to_string(), limit)),
        time,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plans_end_where_the_changes_one_by_one_end(
        queue in prop::collection::vec(asked(), 1..12), before in membership(),
    ) {
        let (planned, made) = before.clone().by_plans(&queue);
        prop_assert_eq!(planned.member, before.one_by_one(&queue).member);
        prop_assert!(made <= queue.len());
    }

    #[test]
    fn ten_changes_in_one_order_of_roles_cost_few_calls(
        queue in prop::collection::vec(prop_oneof![Just(Action::Revoke), (0..4usize).prop_map(raise), (0..4usize).prop_map(replace)], 10),
        before in membership(),
    ) {
        let asked = |action: &Action| Asked { action: action.clone(), time: None, limited: false };
        let queue: Vec<_> = queue.iter().map(asked).collect();
        prop_assert_eq!(before.by_plans(&queue).1, 1);
    }
}
