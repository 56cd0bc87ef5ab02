//! Events that nobody would send, for rules that use all there is: whatever comes of it, it comes soon.
//! Knows nothing of what rules should say of them.
#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Map, Value};
use usher::domain::Event;
use usher::ingest::fuzz;
use usher::rules::{self, Rules};

static RULES: LazyLock<Rules> = LazyLock::new(|| match rules::load("rules.yaml", include_str!("rules.yaml")) {
    Ok(rules) => rules,
    Err(mistakes) => panic!("{}", mistakes.iter().map(ToString::to_string).collect::<String>()),
});

/// The names that the rules look for, and one that they do not.
const NAMES: [&str; 12] = ["o", "u", "l", "n", "t", "s", "a", "b", "at", "role", "id", "é"];
const TEXTS: [&str; 12] = [
    "org_1",
    "user_1",
    "team",
    "ada@example.com",
    "2026-01-31T12:00:00Z",
    "14d",
    "9223372036854775807",
    "NaN",
    "-1e999",
    "org:member",
    "\u{0}\u{10FFFF}",
    "",
];

libfuzzer_sys::fuzz_target!(|input: &[u8]| watch::watched(input, door));

/// A rule, a line of text for the attributes, and data: as JSON, or in a code in which every text of bytes means something.
fn door(input: &[u8]) {
    let [rule, form, input @ ..] = input else { return };
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, rest) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let data = if form % 2 == 0 { fuzz::value(rest) } else { Some(coded(&mut rest.iter().copied(), 30)) };
    let Some(data) = data else { return };
    let body = format!("{{\"id\":\"1\",\"type\":\"t{}\"}}", usize::from(*rule) % RULES.len());
    let event = fuzz::plain(body.as_bytes()).map(|event| with(event, &String::from_utf8_lossy(line), data));
    let accepted_at = Timestamp::from_second(1_800_000_000).unwrap_or_default();
    if let Some(Err(failure)) = event.map(|event| rules::evaluate(&RULES, &event, accepted_at)) {
        assert!(!failure.message.is_empty());
    }
}

fn with(event: Event, line: &str, data: Value) -> Event {
    let mut words = line.split(' ').map(str::to_owned);
    let mut extensions = Map::new();
    if let Some(key) = words.next().filter(|key| !key.is_empty()) {
        extensions.insert("partitionkey".to_owned(), key.into());
    }
    let (subject, time) = (words.next(), words.next().and_then(|time| time.parse().ok()));
    Event { extensions, subject, time, data, ..event }
}

/// A value from a few bytes, one for its kind and some for what is in it.
fn coded(code: &mut impl Iterator<Item = u8>, depth: u8) -> Value {
    let Some(byte) = code.next() else { return Value::Null };
    let (kind, argument) = (byte % 8, byte / 8);
    match kind {
        0 => [Value::Null, true.into(), false.into()][usize::from(argument) % 3].clone(),
        1 => i64::from(argument).into(),
        2 => number(code, argument),
        3 | 4 => TEXTS[usize::from(argument) % TEXTS.len()].into(),
        5 => code.take(argument.into()).map(char::from).collect::<String>().into(),
        _ if depth == 0 => Value::Null,
        6 => (0..argument).map(|_| coded(code, depth - 1)).collect(),
        _ => {
            let name = |byte: u8| NAMES[usize::from(byte) % NAMES.len()].to_owned();
            let members = (0..argument).map_while(|_| Some((name(code.next()?), coded(code, depth - 1))));
            Value::Object(members.collect())
        }
    }
}

fn number(code: &mut impl Iterator<Item = u8>, argument: u8) -> Value {
    let mut bytes = [0; 8];
    bytes.iter_mut().for_each(|byte| *byte = code.next().unwrap_or_default());
    match argument % 3 {
        0 => i64::from_le_bytes(bytes).into(),
        1 => u64::from_le_bytes(bytes).into(),
        _ => f64::from_le_bytes(bytes).into(),
    }
}
