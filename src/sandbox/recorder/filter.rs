//! Which of the remembered calls somebody asks about, and how they lie in time.
//! Does not know how calls are remembered.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::{Value, json};

use super::counts::by_status;
use crate::sandbox::script::glob;

/// The query of `GET /sandbox/calls`; what is absent takes every call.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::sandbox) struct Filter {
    /// Only calls after the one with this number.
    #[serde(alias = "since")]
    pub(super) after: u64,
    /// A glob.
    method: Option<String>,
    /// A glob.
    path: Option<String>,
    /// A number, or `cut`.
    status: Option<String>,
    pub(super) limit: Option<usize>,
    /// 1: how many and when, instead of the calls.
    count: u8,
    /// The window whose busiest position is told with the count.
    window_ms: Option<i64>,
}

impl Filter {
    pub(in crate::sandbox) fn wants_count(&self) -> bool {
        self.count != 0
    }

    pub(super) fn takes(&self, method: &str, path: &str, status: Option<u16>) -> bool {
        let word = || status.map_or("cut".to_owned(), |status| status.to_string());
        self.method.as_ref().is_none_or(|pattern| glob(pattern, method))
            && self.path.as_ref().is_none_or(|pattern| glob(pattern, path))
            && self.status.as_ref().is_none_or(|wanted| *wanted == word())
    }

    /// The count of these calls, by status, with the time of each and the fullest window.
    pub(super) fn summary(&self, calls: impl Iterator<Item = (i64, Option<u16>)>) -> Value {
        let (mut times, mut statuses) = (Vec::new(), BTreeMap::new());
        for (at, status) in calls {
            times.push(at);
            *statuses.entry(status).or_default() += 1;
        }
        let window = self.window_ms.unwrap_or(1000);
        let (calls, from) = busiest(&times, window);
        json!({
            "count": times.len(),
            "by_status": by_status(&statuses),
            "busiest": { "window_ms": window, "calls": calls, "from_ms": from },
            "times_ms": times,
        })
    }
}

/// The most calls within less than `window` milliseconds, and when the first of them came.
fn busiest(times: &[i64], window: i64) -> (usize, Option<i64>) {
    let (mut within, mut best) = (VecDeque::new(), (0, None));
    for &at in times {
        within.push_back(at);
        while within.front().is_some_and(|first| at - first >= window) {
            within.pop_front();
        }
        if within.len() > best.0 {
            best = (within.len(), within.front().copied());
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_window_is_found_wherever_it_begins() {
        assert_eq!(busiest(&[], 10), (0, None));
        assert_eq!(busiest(&[0, 9, 10, 11, 18, 40], 10), (4, Some(9)));
        assert_eq!(busiest(&[0, 10, 20], 10), (1, Some(0)));
    }
}
