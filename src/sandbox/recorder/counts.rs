//! How many calls came in since the start, by status, by fault and by kind of call.
//! Keeps no call: what it holds does not grow with their number.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Fate;
use crate::sandbox::call::Call;

/// Every other part of a path is somebody's id.
const WORDS: [&str; 9] = [
    "users",
    "count",
    "organizations",
    "memberships",
    "metadata",
    "invitations",
    "revoke",
    "organization_roles",
    "organization_memberships",
];
/// Longer paths name nothing; without a bound they would name ever new kinds.
const MOST_SEGMENTS: usize = 6;

/// Calls by status; the status of a cut connection is none.
type ByStatus = BTreeMap<Option<u16>, u64>;

#[derive(Default)]
pub(super) struct Counts {
    calls: u64,
    effects: u64,
    by_status: ByStatus,
    by_fault: BTreeMap<String, u64>,
    by_call: BTreeMap<String, ByStatus>,
    /// The times of the first and the last call.
    span: Option<(i64, i64)>,
}

impl Counts {
    pub(super) fn count(&mut self, call: &Call, fate: &Fate, at: i64) {
        self.calls += 1;
        self.effects += u64::from(fate.effect);
        *self.by_status.entry(fate.status).or_default() += 1;
        *self.by_call.entry(kind(call)).or_default().entry(fate.status).or_default() += 1;
        if let Some(word) = fate.fault.and_then(|fault| serde_json::to_value(fault).ok()) {
            *self.by_fault.entry(word.as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        self.span = Some((self.span.map_or(at, |(first, _)| first), at));
    }

    pub(super) fn shown(&self) -> Value {
        let by_call: BTreeMap<&String, Value> =
            self.by_call.iter().map(|(kind, statuses)| (kind, by_status(statuses))).collect();
        json!({
            "calls": self.calls,
            "effects": self.effects,
            "by_status": by_status(&self.by_status),
            "by_fault": self.by_fault,
            "by_call": by_call,
            "first_ms": self.span.map(|(first, _)| first),
            "last_ms": self.span.map(|(_, last)| last),
        })
    }
}

/// Statuses as the names of a JSON object's members; a cut connection is `cut`.
pub(super) fn by_status(counts: &BTreeMap<Option<u16>, u64>) -> Value {
    let word = |status: &Option<u16>| status.map_or("cut".to_owned(), |status| status.to_string());
    counts.iter().map(|(status, count)| (word(status), Value::from(*count))).collect::<serde_json::Map<_, _>>().into()
}

/// The method and the path with a star for every id.
fn kind(call: &Call) -> String {
    let mut kind = call.method.clone();
    kind.push_str(" /v1");
    for segment in call.segments().into_iter().take(MOST_SEGMENTS) {
        kind.push('/');
        kind.push_str(if WORDS.contains(&segment) { segment } else { "*" });
    }
    kind
}
