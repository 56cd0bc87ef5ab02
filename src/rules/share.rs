//! How much of the pace a sender gets, and when it is braked.
//! Knows nothing of how the pace is shared or removals are counted.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::diagnostic::{Mistake, Report};
use super::fields::{self, Fields};
use super::moment::Moment;
use super::tree::{Content, Node};
use crate::domain::Brake;

const WEIGHTS: RangeInclusive<u32> = 1..=1000;
const REMOVALS: RangeInclusive<u32> = 1..=100_000;
const PERCENT: RangeInclusive<u32> = 1..=100;
const AT_LEAST: RangeInclusive<u32> = 0..=100_000;
const WINDOWS: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(30 * 24 * 3600);

/// Reads `weight:`; 1 if absent or wrong.
pub(super) fn weight(report: &mut Report<'_>, fields: &Fields<'_>) -> u32 {
    number(report, fields, "weight", WEIGHTS, 1)
}

/// Reads `brake:`; the default if absent or wrong, nothing for `off`.
pub(super) fn brake(report: &mut Report<'_>, fields: &Fields<'_>) -> Option<Brake> {
    let standard = Brake::default();
    match fields.get("brake") {
        None => Some(standard),
        Some(node) => match &node.content {
            Content::Text(text) if text == "off" => None,
            Content::Map(_) => Some(limits(report, node, standard).unwrap_or(standard)),
            _ => {
                let mistake = Mistake::new("this is no brake");
                report.add(node.place.clone(), mistake.expected("{ limit: 100, percent: 50, window: 1h }, or off"));
                Some(standard)
            }
        },
    }
}

fn limits(report: &mut Report<'_>, node: &Node, standard: Brake) -> Option<Brake> {
    let fields = Fields::read(report, node, "a brake", &["limit", "percent", "at_least", "window"])?;
    Some(Brake {
        limit: number(report, &fields, "limit", REMOVALS, standard.limit),
        percent: number(report, &fields, "percent", PERCENT, standard.percent),
        at_least: number(report, &fields, "at_least", AT_LEAST, standard.at_least),
        window: fields.get("window").and_then(|node| window(report, node)).unwrap_or(standard.window),
    })
}

/// A number within `range`; `standard` if absent or wrong.
pub(super) fn number(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    key: &str,
    range: RangeInclusive<u32>,
    standard: u32,
) -> u32 {
    let Some(node) = fields.get(key) else { return standard };
    let given = match &node.content {
        Content::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        _ => None,
    };
    given.filter(|number| range.contains(number)).unwrap_or_else(|| {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        report.add(node.place.clone(), Mistake::new(format!("this is no `{key}`")).expected(expected));
        standard
    })
}

fn window(report: &mut Report<'_>, node: &Node) -> Option<Duration> {
    let expected = "a duration from 1m to 30d, such as 1h";
    let text = fields::text(report, node, "window", expected)?;
    let length = match Moment::duration(text) {
        Some(Moment::For(length)) => Duration::try_from(length).ok(),
        _ => None,
    };
    let length = length.filter(|length| WINDOWS.contains(length));
    if length.is_none() {
        report.add(node.place.clone(), Mistake::new("this is no `window`").expected(expected));
    }
    length
}
