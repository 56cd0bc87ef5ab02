//! Times and durations: `timestamp(…)` and `duration(…)` for expressions, and what their sums and comparisons give.
//! Knows no clock.

use std::any::Any;
use std::cmp::Ordering;

use cel::common::traits::{Adder, Comparer, Subtractor};
use cel::common::types::{CelString, DURATION_TYPE, STRING_TYPE, TIMESTAMP_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// What a text must look like to be a time.
pub(super) const A_TIME: &str = "a time such as 2026-01-31T12:00:00Z";
/// What a text must look like to be a duration.
pub(super) const A_DURATION: &str = "a duration such as 720h, 30d or 1h30m";
/// Longest text that is looked at.
const MAX_TEXT: usize = 64;

/// A value of CEL's types `timestamp` and `duration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// A point in time.
    At(Timestamp),
    /// A length of time.
    For(SignedDuration),
}

impl Moment {
    /// What `timestamp(text)` gives.
    pub(super) fn timestamp(text: &str) -> Option<Self> {
        short(text)?.parse().ok().map(Self::At)
    }

    /// What `duration(text)` gives: a day has 24 hours, and months have no length.
    pub(super) fn duration(text: &str) -> Option<Self> {
        let span: Span = short(text)?.parse().ok()?;
        span.to_duration(SpanRelativeTo::days_are_24_hours()).ok().map(Self::For)
    }

    /// A text that is either.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        Self::timestamp(text).or_else(|| Self::duration(text))
    }

    /// A value that is either, or a text that is.
    pub(super) fn of(value: &dyn Val) -> Option<Self> {
        let text = || value.downcast_ref::<CelString>().and_then(|text| Self::of_text(text.inner()));
        value.downcast_ref::<Self>().copied().or_else(text)
    }

    fn plus(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::At(time), Self::For(length)) | (Self::For(length), Self::At(time)) => {
                time.checked_add(length).ok().map(Self::At)
            }
            (Self::For(one), Self::For(two)) => one.checked_add(two).map(Self::For),
            (Self::At(_), Self::At(_)) => None,
        }
    }

    fn minus(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::At(time), Self::For(length)) => time.checked_sub(length).ok().map(Self::At),
            (Self::At(later), Self::At(earlier)) => Some(Self::For(later.duration_since(earlier))),
            (Self::For(one), Self::For(two)) => one.checked_sub(two).map(Self::For),
            (Self::For(_), Self::At(_)) => None,
        }
    }

    /// The other operand of an operator.
    fn operand<'v>(&self, other: &(dyn Val + 'v)) -> Result<Self, ExecutionError> {
        other.downcast_ref::<Self>().copied().ok_or_else(|| ExecutionError::UnexpectedType {
            got: other.get_type().name().to_owned(),
            want: self.get_type().name().to_owned(),
        })
    }
}

/// The text as written, in CEL's own form: for metadata.
impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(time) => time.fmt(f),
            Self::For(length) => write!(f, "{}s", length.as_secs_f64()),
        }
    }
}

fn short(text: &str) -> Option<&str> {
    (text.len() <= MAX_TEXT).then_some(text)
}

fn result<'b, 'v>(found: Option<Moment>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let out_of_range = || ExecutionError::function_error("time", "the sum or difference does not exist");
    found.map(CowVal::owned).ok_or_else(out_of_range)
}

impl Adder for Moment {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        result(self.plus(self.operand(other)?))
    }
}

impl Subtractor for Moment {
    fn sub<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        result(self.minus(self.operand(other)?))
    }
}

impl Comparer for Moment {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        match (self, self.operand(other)?) {
            (Self::At(one), Self::At(two)) => Ok(one.cmp(&two)),
            (Self::For(one), Self::For(two)) => Ok(one.cmp(&two)),
            _ => Err(ExecutionError::function_error("time", "a time and a duration")),
        }
    }
}

impl Val for Moment {
    fn get_type(&self) -> &Type {
        match self {
            Self::At(_) => &TIMESTAMP_TYPE,
            Self::For(_) => &DURATION_TYPE,
        }
    }

    fn cel_type() -> &'static Type {
        &TIMESTAMP_TYPE
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_subtractor<'b, 'v>(&'b self) -> Option<&'b (dyn Subtractor + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| self == other)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Moment {}

/// Adds `timestamp(text)` and `duration(text)`.
pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload("timestamp", "string_to_timestamp", vec![STRING_TYPE], |args| {
        read(&args, "timestamp", Moment::timestamp)
    })?;
    env.add_overload("duration", "string_to_duration", vec![STRING_TYPE], |args| {
        read(&args, "duration", Moment::duration)
    })
}

fn read<'b, 'v>(
    args: &[CowVal<'b, 'v>],
    function: &str,
    parse: fn(&str) -> Option<Moment>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = args.first().and_then(|value| value.downcast_ref::<CelString>());
    let text = text.ok_or_else(ExecutionError::missing_argument_or_target)?;
    let found = parse(text.inner()).map(CowVal::owned);
    found.ok_or_else(|| ExecutionError::function_error(function, "not in its form"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::environment::environment;
    use cel::{Context, Value};
    use std::sync::Arc;

    fn holds(source: &str) -> Option<bool> {
        let env = Arc::new(environment().unwrap());
        let program = env.compile(source).unwrap();
        match program.execute(&Context::with_env(Arc::clone(&env))) {
            Ok(Value::Bool(holds)) => Some(holds),
            _ => None,
        }
    }

    #[test]
    fn times_and_durations_add_up_and_compare() {
        for source in [
            "timestamp('2026-01-31T12:00:00Z') + duration('24h') == timestamp('2026-02-01T13:00:00+01:00')",
            "duration('1d') + timestamp('2026-01-31T12:00:00Z') > timestamp('2026-01-31T12:00:00Z')",
            "timestamp('2026-02-01T00:00:00Z') - timestamp('2026-01-31T00:00:00Z') == duration('1d')",
            "duration('90m') - duration('1h') <= duration('1800s')",
            "timestamp('2026-01-02T00:00:00Z') - duration('24h') < timestamp('2026-01-01T00:00:01Z')",
            "timestamp('2026-01-31T12:00:00Z') != duration('1h')",
        ] {
            assert_eq!(holds(source), Some(true), "{source}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_an_error_not_a_crash() {
        for source in [
            "timestamp('2026-01-31') == 1",
            "timestamp(1) == 1",
            "duration('1 month') == 1",
            "timestamp('2026-01-31T12:00:00Z') < duration('1h')",
            "timestamp('9999-12-30T00:00:00Z') + duration('99999h') == 1",
            "duration('1h') - timestamp('2026-01-31T12:00:00Z') == 1",
            "duration('1h') + 'x' == 1",
            "timestamp('2026-01-31T12:00:00Z') + timestamp('2026-01-31T12:00:00Z') == 1",
        ] {
            assert_eq!(holds(source), None, "{source}");
        }
        assert_eq!(Moment::of_text(&"9".repeat(MAX_TEXT + 1)), None);
    }

    #[test]
    fn a_text_is_a_time_or_a_duration() {
        for text in ["720h", "30d", "2w", "1h30m", "PT36H", "1d 12h"] {
            assert!(matches!(Moment::of_text(text), Some(Moment::For(_))), "{text}");
        }
        assert!(matches!(Moment::of_text("2026-01-31T12:00:00+01:00"), Some(Moment::At(_))));
        for text in ["", "720", "1y", "2026-01-31", "noon", "tomorrow"] {
            assert_eq!(Moment::of_text(text), None, "{text}");
        }
    }
}
