//! Times as RFC 3339 has them, no more and no less.
//! Knows nothing of events.

use jiff::Timestamp;

const SECONDS: usize = "2026-01-31T12:00:00".len();
/// Digits of a fraction that are kept; the standard has no limit.
const DIGITS: usize = 9;
/// 0000-01-01T00:00:00Z: an offset may lead to before it, where the standard has no way to write a year.
const FIRST: i64 = -62_167_219_200;

/// jiff reads more than the standard allows (time zone names, offsets without colon), so the shape is checked first.
pub(super) fn rfc_3339(text: &str) -> Option<Timestamp> {
    let (date_time, rest) = text.split_at_checked(SECONDS)?;
    let fits = |(byte, shape): (u8, u8)| {
        if shape == b'0' { byte.is_ascii_digit() } else { byte.to_ascii_uppercase() == shape }
    };
    let shaped = date_time.bytes().zip(*b"0000-00-00T00:00:00").all(fits);
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("0", rest),
    };
    if !shaped || fraction.is_empty() || !is_zone(zone) {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(DIGITS)];
    let time: Timestamp = [date_time, ".", fraction, zone].concat().parse().ok()?;
    (time.as_second() >= FIRST).then_some(time)
}

fn is_zone(zone: &str) -> bool {
    match zone.as_bytes() {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', hours @ .., b':', m, n] if hours.len() == 2 => {
            let digits = [hours[0], hours[1], *m, *n];
            digits.iter().all(u8::is_ascii_digit) && hours <= b"23".as_slice() && *m <= b'5'
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_standard_are_taken() {
        for (text, time) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31t12:00:00.123456789z", "2026-01-31T12:00:00.123456789Z"),
            ("2026-01-31T12:00:00.12345678901234567890+00:00", "2026-01-31T12:00:00.123456789Z"),
            ("2026-01-31T12:00:00-05:30", "2026-01-31T17:30:00Z"),
            ("2026-01-31T12:00:00+23:59", "2026-01-30T12:01:00Z"),
            ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00Z"),
            ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.52Z"),
            ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc_3339(text), Some(time.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn everything_else_is_no_time() {
        for text in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31 12:00:00Z",
            "2026-02-30T12:00:00Z",
            "2026-01-31T25:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00,5Z",
            "2026-01-31T12:00:00+0100",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T12:00:00+01:60",
            "2026-01-31T12:00:00Z[Europe/Paris]",
            "2026-01-31T12:00:00+01:00[x]",
            "20260131T120000Z",
            "1769860800",
            "2026-01-31T12:00:0é",
            "2026-01-31T12:00:00é:00",
            "-026-01-31T12:00:00Z",
            "0000-01-01T00:00:00+00:01",
        ] {
            assert_eq!(rfc_3339(text), None, "{text}");
        }
    }
}
