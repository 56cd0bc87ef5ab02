//! The tests that rules carry: an event and the changes it must give.
//! Knows one rule at a time, so that a test says what its rule does and nothing else.

use jiff::Timestamp;
use serde_json::Value;

use super::diagnostic::{Mistake, Report};
use super::evaluate::evaluate_one;
use super::expected::{self, Expected};
use super::fields::{self, Fields};
use super::names::is_attribute;
use super::rule::{Rule, Surroundings};
use super::tree::Node;
use crate::domain::{Event, EventId, EventType, Extensions, SenderName};

const EVENT: &[&str] = &["type", "source", "subject", "id", "time", "sender", "data"];

/// Runs the tests of `rule`, which stand at `node`.
pub(super) fn run(report: &mut Report<'_>, node: &Node, rule: Option<&Rule>, around: &Surroundings<'_>) {
    let tests = fields::list(report, node, "tests", "a list of { event, expect }").unwrap_or_default();
    for test in tests {
        let Some(fields) = Fields::read(report, test, "a test", &["event", "expect"]) else { continue };
        let event = fields.require(report, "event").and_then(|node| event(report, node, rule, around));
        let expect = fields.require(report, "expect");
        let begin = event.as_ref().and_then(|event| event.time);
        let expected = expect.and_then(|node| expected::read(report, node, begin));
        if let (Some(rule), Some(event), Some(expected), Some(node)) = (rule, event, expected, expect) {
            compare(report, node, rule, &event, &expected, around);
        }
    }
}

/// A test runs at the time of its event, or long ago: it must not begin to fail one day.
fn compare(
    report: &mut Report<'_>,
    node: &Node,
    rule: &Rule,
    event: &Event,
    expected: &[Expected],
    around: &Surroundings<'_>,
) {
    let accepted_at = event.time.unwrap_or(Timestamp::UNIX_EPOCH);
    let got = match evaluate_one(around.world, rule, event, accepted_at) {
        Ok(changes) => {
            let changes = Expected::all_of(&changes);
            let fit = changes.iter().zip(expected).all(|(change, expected)| expected.fits(change));
            if fit && changes.len() == expected.len() {
                return;
            }
            told(changes.iter().enumerate().map(|(index, change)| change.as_told_by(expected.get(index))))
        }
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
    let fields = Fields::read_open(report, node, "the event of a test", EVENT, is_attribute)?;
    let extensions = extensions(report, &fields);
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
        extensions: extensions?,
        trace: None,
        data: fields.get("data").map(Node::to_json).unwrap_or_default(),
    })
}

/// Everything else in the event is an extension attribute.
fn extensions(report: &mut Report<'_>, fields: &Fields<'_>) -> Option<Extensions> {
    let before = report.count();
    let mut extensions = Extensions::new();
    for (name, node) in fields.others(EVENT).filter(|(name, _)| is_attribute(name)) {
        match node.to_json() {
            Value::Null => {}
            value if is_simple(&value) => _ = extensions.insert(name.to_owned(), value),
            _ => {
                let mistake = Mistake::new(format!("the extension attribute `{name}` cannot be {}", node.kind()));
                let expected = "a text, a whole number of 32 bits, or true or false";
                report.add(node.place.clone(), mistake.expected(expected).help("payload belongs in `data`"));
            }
        }
    }
    (report.count() == before).then_some(extensions)
}

fn is_simple(value: &Value) -> bool {
    let is_whole = value.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
    is_whole || value.is_string() || value.is_boolean()
}

fn wrong<T>(report: &mut Report<'_>, fields: &Fields<'_>, key: &str, expected: &str) -> Option<T> {
    let node = fields.get(key)?;
    report.add(node.place.clone(), Mistake::new(format!("not the {key} of an event")).expected(expected));
    None
}
