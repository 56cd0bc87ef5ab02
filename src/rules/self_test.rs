//! The tests that rules carry: an event and the changes it must give.
//! Knows one rule at a time, so that a test says what its rule does and nothing else.

use jiff::Timestamp;

use super::diagnostic::{Mistake, Report};
use super::evaluate::evaluate_one;
use super::fields::{self, Fields};
use super::rule::{Rule, Surroundings};
use super::tree::Node;
use crate::domain::{Action, Change, Event, EventId, EventType, Existing, SenderName};

const EVENT: &[&str] = &["type", "source", "subject", "id", "time", "sender", "data"];

/// Runs the tests of `rule`, which stand at `node`.
pub(super) fn run(report: &mut Report<'_>, node: &Node, rule: Option<&Rule>, around: &Surroundings<'_>) {
    let tests = fields::list(report, node, "tests", "a list of { event, expect }").unwrap_or_default();
    for test in tests {
        let Some(fields) = Fields::read(report, test, "a test", &["event", "expect"]) else { continue };
        let event = fields.require(report, "event").and_then(|node| event(report, node, rule, around));
        let expect = fields.require(report, "expect");
        let expected = expect.and_then(|node| expectations(report, node));
        if let (Some(rule), Some(event), Some(expected), Some(node)) = (rule, event, expected, expect) {
            compare(report, node, rule, &event, &expected, around);
        }
    }
}

fn compare(
    report: &mut Report<'_>,
    node: &Node,
    rule: &Rule,
    event: &Event,
    expected: &[Expected],
    around: &Surroundings<'_>,
) {
    let outcome = evaluate_one(around.world, rule, event);
    let got = match &outcome {
        Ok(changes) if changes.len() == expected.len() => {
            if changes.iter().zip(expected).all(|(change, expected)| expected.fits(change)) {
                return;
            }
            told(changes.iter().map(Expected::of))
        }
        Ok(changes) => told(changes.iter().map(Expected::of)),
        Err(failure) => format!("no change: `{}` fails, {}", failure.part, failure.message),
    };
    let mistake = Mistake::new(format!("this test of `{}` fails: the rule gives {got}", rule.name));
    report.add(node.place.clone(), mistake.expected(told(expected.iter().cloned())));
}

fn told(changes: impl Iterator<Item = Expected>) -> String {
    let told: Vec<_> = changes.map(|change| change.to_string()).collect();
    if told.is_empty() { "no change".to_owned() } else { told.join("; ") }
}

fn event(report: &mut Report<'_>, node: &Node, rule: Option<&Rule>, around: &Surroundings<'_>) -> Option<Event> {
    let fields = Fields::read(report, node, "the event of a test", EVENT)?;
    let mut text = |key: &str| match fields.get(key) {
        None => Some(None),
        Some(node) => fields::text(report, node, key, "a text").map(Some),
    };
    let (kind, source, subject) = (text("type")?, text("source")?, text("subject")?);
    let (event_id, time, sender) = (text("id")?, text("time")?, text("sender")?);
    let kind = kind.or_else(|| rule.map(|rule| rule.on.as_str())).unwrap_or("test").to_owned();
    let kind = match EventType::try_from(kind) {
        Ok(kind) => kind,
        Err(error) => return wrong(report, &fields, "type", error.expected),
    };
    let Ok(time) = time.map(str::parse::<Timestamp>).transpose() else {
        return wrong(report, &fields, "time", "a time such as 2026-01-31T12:00:00Z");
    };
    let sender = match sender {
        Some(name) => SenderName::try_from(name.to_owned()).ok(),
        None => around.senders.all.iter().find(|sender| sender.may_send(&kind)).map(|sender| sender.name.clone()),
    };
    let sender = sender.or_else(|| SenderName::try_from("test".to_owned()).ok())?;
    let (source, event_id) = (source.unwrap_or(sender.as_str()).to_owned(), event_id.unwrap_or("test").to_owned());
    Some(Event {
        id: EventId::of(&sender, &source, &event_id),
        sender,
        source,
        event_id,
        kind,
        subject: subject.map(str::to_owned),
        time,
        data: fields.get("data").map(Node::to_json).unwrap_or_default(),
    })
}

fn wrong<T>(report: &mut Report<'_>, fields: &Fields<'_>, key: &str, expected: &str) -> Option<T> {
    let node = fields.get(key)?;
    report.add(node.place.clone(), Mistake::new(format!("not the {key} of an event")).expected(expected));
    None
}

/// A change as a test tells it.
#[derive(Clone)]
struct Expected {
    organization: String,
    user: String,
    grant: Option<(String, Option<Existing>)>,
}

impl Expected {
    fn of(change: &Change) -> Self {
        let grant = match &change.action {
            Action::Grant(grant) => Some((grant.role.to_string(), Some(grant.existing))),
            Action::Revoke => None,
        };
        Self { organization: change.key.organization.to_string(), user: change.key.user.to_string(), grant }
    }

    fn fits(&self, change: &Change) -> bool {
        let got = Self::of(change);
        let action = match (&self.grant, &got.grant) {
            (Some((role, existing)), Some((got, got_existing))) => {
                role == got && (existing.is_none() || existing == got_existing)
            }
            (None, None) => true,
            _ => false,
        };
        action && self.organization == got.organization && self.user == got.user
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { organization, user, grant } = self;
        match grant {
            None => write!(f, "revoke {user} in {organization}"),
            Some((role, None | Some(Existing::Raise))) => write!(f, "grant {user} {role} in {organization}"),
            Some((role, Some(existing))) => {
                let word = if *existing == Existing::Keep { "keep" } else { "replace" };
                write!(f, "grant {user} {role} in {organization} (existing: {word})")
            }
        }
    }
}

fn expectations(report: &mut Report<'_>, node: &Node) -> Option<Vec<Expected>> {
    let items = fields::list(report, node, "expect", "a list of changes; [] for none")?;
    let before = report.count();
    let expected: Vec<_> = items.iter().filter_map(|item| expectation(report, item)).collect();
    (report.count() == before).then_some(expected)
}

fn expectation(report: &mut Report<'_>, node: &Node) -> Option<Expected> {
    let fields = Fields::read(report, node, "an expected change", &["grant", "revoke"])?;
    match (fields.get("grant"), fields.get("revoke")) {
        (Some(node), None) => {
            let fields = Fields::read(report, node, "grant", &["organization", "user", "role", "existing"])?;
            let role = value(report, &fields, "role");
            let existing = fields.get("existing").map(|node| super::parts::existing(report, node));
            let expected = key(report, &fields)?;
            Some(Expected {
                grant: Some((role?, existing.map_or(Some(None), |existing| existing.map(Some))?)),
                ..expected
            })
        }
        (None, Some(node)) => {
            let fields = Fields::read(report, node, "revoke", &["organization", "user"])?;
            key(report, &fields)
        }
        _ => {
            report.add(node.place.clone(), Mistake::new("a change is either `grant` or `revoke`"));
            None
        }
    }
}

fn key(report: &mut Report<'_>, fields: &Fields<'_>) -> Option<Expected> {
    let (organization, user) = (value(report, fields, "organization"), value(report, fields, "user"));
    Some(Expected { organization: organization?, user: user?, grant: None })
}

fn value(report: &mut Report<'_>, fields: &Fields<'_>, key: &str) -> Option<String> {
    let node = fields.require(report, key)?;
    fields::text(report, node, key, "the value itself, not an expression").map(str::to_owned)
}
