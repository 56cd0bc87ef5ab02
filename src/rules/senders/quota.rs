//! How much a sender may send: its rate and its largest batch.
//! Counts nothing itself.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::diagnostic::{Mistake, Report};
use super::super::fields::Fields;
use super::super::share;
use super::super::tree::Content;
use crate::domain::EventRate;

const STANDARD: EventRate = EventRate { events: 1000, per: Duration::from_secs(1) };
const RATES: RangeInclusive<u32> = 1..=1_000_000;
const BATCHES: RangeInclusive<u32> = 1..=1000;
const STANDARD_BATCH: u32 = 100;

/// Reads `rate:`; the default if absent or wrong, nothing for `off`.
pub(super) fn rate(report: &mut Report<'_>, fields: &Fields<'_>) -> Option<EventRate> {
    let Some(node) = fields.get("rate") else { return Some(STANDARD) };
    let given = match &node.content {
        Content::Text(text) if text == "off" => return None,
        Content::Text(text) => parsed(text),
        _ => None,
    };
    if given.is_none() {
        let help = match &node.content {
            Content::Number(number) => Some(format!("say in how long: {number}/s, {number}/min or {number}/h")),
            _ => None,
        };
        let expected = "100/s, 100/min, 100/h (1 to 1000000 events), or off";
        report.add(node.place.clone(), Mistake::new("this is no `rate`").expected(expected).maybe_help(help));
    }
    given.or(Some(STANDARD))
}

/// Reads `max_batch:`; the default if absent or wrong.
pub(super) fn max_batch(report: &mut Report<'_>, fields: &Fields<'_>) -> usize {
    let events = share::number(report, fields, "max_batch", BATCHES, STANDARD_BATCH);
    usize::try_from(events).unwrap_or(usize::MAX)
}

fn parsed(text: &str) -> Option<EventRate> {
    let (events, unit) = text.split_once('/')?;
    let seconds = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        _ => return None,
    };
    let digits = events.bytes().all(|byte| byte.is_ascii_digit());
    let events = events.parse().ok().filter(|events| digits && RATES.contains(events))?;
    Some(EventRate { events, per: Duration::from_secs(seconds) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        let rate = |events, seconds| Some(EventRate { events, per: Duration::from_secs(seconds) });
        assert_eq!(
            [parsed("100/s"), parsed("1/min"), parsed("1000000/h")],
            [rate(100, 1), rate(1, 60), rate(1_000_000, 3600)]
        );
        for bad in ["", "/", "100", "100/", "/s", "0/s", "-1/s", "+1/s", "1.5/s", "1000001/s", "1/d", "1 / s", "1/S"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
