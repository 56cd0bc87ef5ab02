//! The calls that came in, for tests to ask about: counts of all, and the last hundred thousand themselves.
//! Judges nothing and never slows a call down: what a call was about is worked out when somebody asks.

mod counts;
mod filter;

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use super::call::Call;
use super::faults::Fault;
use counts::Counts;
pub(super) use filter::Filter;

/// How many calls are remembered, if their texts are short enough.
const CAPACITY: usize = 100_000;
/// How many bytes of paths, queries and bodies are remembered.
const TEXT_CAPACITY: usize = 64 << 20;
/// How much of one body is remembered.
const BODY_CAPACITY: usize = 64 << 10;

/// What came of a call.
pub(super) struct Fate {
    /// The status answered; `None` if the connection was cut instead.
    pub(super) status: Option<u16>,
    pub(super) fault: Option<Fault>,
    /// Whether the store was changed.
    pub(super) effect: bool,
}

struct Record {
    number: u64,
    at: i64,
    method: String,
    path: String,
    query: String,
    body: Vec<u8>,
    fate: Fate,
}

/// A call as `GET /sandbox/calls` shows it.
#[derive(Serialize)]
pub(super) struct RecordedCall<'a> {
    n: u64,
    at_ms: i64,
    method: &'a str,
    path: &'a str,
    query: &'a str,
    status: Option<u16>,
    fault: Option<Fault>,
    effect: bool,
    organization_id: Option<String>,
    user_id: Option<String>,
    body: Value,
}

/// Remembers calls, forgetting the oldest; counts never forget.
#[derive(Default)]
pub(super) struct Recorder {
    records: VecDeque<Record>,
    text: usize,
    counts: Counts,
}

impl Recorder {
    pub(super) fn record(&mut self, number: u64, at: i64, call: Call, fate: Fate) {
        self.counts.count(&call, &fate, at);
        let Call { method, path, query, body, .. } = call;
        let mut body = body.unwrap_or_default();
        if body.len() > BODY_CAPACITY {
            body.truncate(BODY_CAPACITY);
            body.shrink_to_fit();
        }
        let record = Record { number, at, method, path, query, body, fate };
        self.text += record.text();
        self.records.push_back(record);
        while self.records.len() > CAPACITY || self.text > TEXT_CAPACITY {
            let Some(oldest) = self.records.pop_front() else { break };
            self.text -= oldest.text();
        }
    }

    /// The remembered calls that the filter takes, oldest first.
    pub(super) fn calls<'a>(&'a self, filter: &'a Filter) -> Vec<RecordedCall<'a>> {
        self.select(filter).map(Record::shown).collect()
    }

    /// How many of the remembered calls the filter takes, and when they came.
    pub(super) fn count(&self, filter: &Filter) -> Value {
        filter.summary(self.select(filter).map(|record| (record.at, record.fate.status)))
    }

    /// Counts of every call since the start.
    pub(super) fn statistics(&self) -> Value {
        let mut shown = self.counts.shown();
        shown["remembered"] = self.records.len().into();
        shown
    }

    fn select<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Record> {
        let start = self.records.partition_point(|record| record.number <= filter.after);
        let taken =
            self.records.range(start..).filter(|record| filter.takes(&record.method, &record.path, record.fate.status));
        taken.take(filter.limit.unwrap_or(usize::MAX))
    }
}

impl Record {
    fn text(&self) -> usize {
        self.path.len() + self.query.len() + self.body.len()
    }

    fn shown(&self) -> RecordedCall<'_> {
        let body = self.body();
        RecordedCall {
            n: self.number,
            at_ms: self.at,
            method: &self.method,
            path: &self.path,
            query: &self.query,
            status: self.fate.status,
            fault: self.fate.fault,
            effect: self.fate.effect,
            organization_id: self.after("organizations"),
            user_id: self.user_id(&body),
            body,
        }
    }

    /// The body as JSON; as text when it is none; null when there is none.
    fn body(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        let text = || Value::String(String::from_utf8_lossy(&self.body).into_owned());
        serde_json::from_slice(&self.body).unwrap_or_else(|_| text())
    }

    /// The path segment after this one.
    fn after(&self, name: &str) -> Option<String> {
        let mut segments = self.path.split('/').skip_while(|segment| *segment != name).skip(1);
        segments.next().map(str::to_owned)
    }

    /// Named by the path, else by the body, else by the query.
    fn user_id(&self, body: &Value) -> Option<String> {
        let in_body = || body.get("user_id").and_then(Value::as_str).map(str::to_owned);
        let in_query = || self.query.split('&').find_map(|pair| pair.strip_prefix("user_id=")).map(str::to_owned);
        self.after("memberships").or_else(|| self.after("users")).or_else(in_body).or_else(in_query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, path: &str, query: &str, body: &str) -> Call {
        Call {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            authorization: Some("Bearer sk_test_hidden".into()),
            api_version: None,
            content_type: None,
            body: Ok(body.into()),
        }
    }

    fn fate() -> Fate {
        Fate { status: Some(200), fault: None, effect: false }
    }

    #[test]
    fn a_call_tells_whom_it_was_about_and_not_the_key() {
        let mut recorder = Recorder::default();
        let path = "/v1/organizations/org_a/memberships";
        recorder.record(1, 5, call("POST", path, "", r#"{"user_id":"user_a"}"#), fate());
        recorder.record(2, 6, call("GET", path, "user_id=user_b&limit=1", ""), fate());
        recorder.record(3, 7, call("DELETE", &format!("{path}/user_c"), "", ""), fate());
        let shown = serde_json::to_value(recorder.calls(&Filter::default())).unwrap();
        for (index, user) in ["user_a", "user_b", "user_c"].into_iter().enumerate() {
            assert_eq!(shown[index]["user_id"], user);
            assert_eq!(shown[index]["organization_id"], "org_a");
        }
        assert!(!shown.to_string().contains("hidden"));
        assert_eq!(recorder.calls(&serde_json::from_str(r#"{"after":2}"#).unwrap()).len(), 1);
    }

    #[test]
    fn the_oldest_calls_are_forgotten() {
        let mut recorder = Recorder::default();
        for number in 1..=CAPACITY as u64 + 5 {
            recorder.record(number, 0, call("GET", "/v1/users", "", ""), fate());
        }
        let all = Filter::default();
        let remembered = recorder.calls(&all);
        assert_eq!((remembered.len(), remembered[0].n), (CAPACITY, 6));
    }

    #[test]
    fn long_bodies_are_cut_and_push_out_the_oldest_calls() {
        let mut recorder = Recorder::default();
        let long = "x".repeat(1 << 20);
        for number in 1..=2_000 {
            recorder.record(number, 0, call("POST", "/v1/users", "", &long), fate());
        }
        assert!(recorder.text <= TEXT_CAPACITY);
        let all = Filter::default();
        let remembered = recorder.calls(&all);
        assert!(remembered.len() > 1_000 && remembered.len() < 1_100, "{}", remembered.len());
        assert_eq!(recorder.statistics()["calls"], 2_000);
    }
}
