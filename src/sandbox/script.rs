//! Faults that a test wrote down: which call meets them, how often, and what happens to it instead.
//! Knows neither sockets nor what a call means.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wildmatch::WildMatch;

use super::call::{Answer, Call};

/// One entry as `POST /sandbox/faults` takes and `GET` shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    #[serde(rename = "match", default)]
    pattern: Pattern,
    /// How many calls it is for; null for all.
    #[serde(default = "once")]
    times: Option<u64>,
    #[serde(default)]
    answer: Option<ScriptedAnswer>,
    #[serde(default)]
    effect: Effect,
    #[serde(default)]
    drop: bool,
    #[serde(default)]
    latency_ms: u64,
}

/// Globs that a call must match, all of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Pattern {
    method: String,
    path: String,
    query: String,
    body: String,
}

/// Whether the call is carried out before the fault strikes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Effect {
    /// The fault strikes before any effect.
    #[default]
    Before,
    /// The fault strikes after the effect.
    After,
}

/// What is answered: JSON, text of any kind, or nothing; with a code and no body, an error in Clerk's shape.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptedAnswer {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    body: Value,
}

/// What an entry does to one call.
pub(super) struct Strike {
    pub(super) carry_out: bool,
    pub(super) end: End,
    pub(super) latency: Duration,
}

/// How a call ends.
pub(super) enum End {
    /// As it would have.
    Own,
    Answer(Answer),
    Cut,
}

fn once() -> Option<u64> {
    Some(1)
}

impl Default for Pattern {
    fn default() -> Self {
        let any = || "*".to_owned();
        Self { method: any(), path: any(), query: any(), body: any() }
    }
}

impl Pattern {
    fn matches(&self, call: &Call) -> bool {
        let body = || String::from_utf8_lossy(call.body.as_deref().unwrap_or_default());
        glob(&self.method, &call.method)
            && glob(&self.path, &call.path)
            && glob(&self.query, &call.query)
            && (self.body == "*" || glob(&self.body, &body()))
    }
}

/// Whether the text matches; `*` stands for anything.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    pattern == "*" || WildMatch::new(pattern).matches(text)
}

impl Entry {
    fn mistake(&self) -> Option<&'static str> {
        let status = self.answer.as_ref().map(|answer| answer.status);
        if status.is_some_and(|status| !(200..=599).contains(&status)) {
            Some("answer.status must be between 200 and 599")
        } else if self.drop && self.answer.is_some() {
            Some("a dropped call has no answer: give answer or drop")
        } else if !self.drop && self.answer.is_none() && self.latency_ms == 0 {
            Some("this does nothing: give answer, drop or latency_ms")
        } else if self.times == Some(0) {
            Some("times must be at least 1, or null for every call")
        } else {
            None
        }
    }

    fn strike(&self, trace_id: &str) -> Strike {
        let end = match &self.answer {
            _ if self.drop => End::Cut,
            Some(answer) => End::Answer(answer.to_answer(trace_id)),
            None => End::Own,
        };
        let carry_out = self.effect == Effect::After || matches!(end, End::Own);
        Strike { carry_out, end, latency: Duration::from_millis(self.latency_ms) }
    }
}

impl ScriptedAnswer {
    fn to_answer(&self, trace_id: &str) -> Answer {
        let (kind, body) = match (&self.body, &self.code) {
            (Value::Null, Some(code)) => ("application/json", clerk_error(code, trace_id)),
            (Value::Null, None) => ("text/plain", Vec::new()),
            (Value::String(text), _) => ("text/html", text.clone().into_bytes()),
            (body, _) => ("application/json", body.to_string().into_bytes()),
        };
        let mut headers: Vec<(String, String)> =
            self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        // What is not Clerk's own, such as a page of the edge, has no trace id of Clerk's.
        if kind == "application/json" {
            headers.push(("Clerk-Trace-Id".to_owned(), trace_id.to_owned()));
        }
        Answer { status: self.status, headers, body }
    }
}

fn clerk_error(code: &str, trace_id: &str) -> Vec<u8> {
    let words = code.replace('_', " ");
    let error = json!({ "code": code, "message": words, "long_message": words });
    json!({ "errors": [error], "clerk_trace_id": trace_id }).to_string().into_bytes()
}

/// The entries that are left, in order.
#[derive(Default)]
pub(super) struct Script(Vec<Entry>);

impl Script {
    /// Adds entries behind those that are there: all or, if one is wrong, none.
    pub(super) fn add(&mut self, entries: Vec<Entry>) -> Result<(), String> {
        let wrong = entries.iter().enumerate().find_map(|(index, entry)| Some((index, entry.mistake()?)));
        if let Some((index, mistake)) = wrong {
            return Err(format!("[{index}]: {mistake}"));
        }
        self.0.extend(entries);
        Ok(())
    }

    /// The entries that are left, with the times that are left of each.
    pub(super) fn left(&self) -> &[Entry] {
        &self.0
    }

    /// What the first entry that matches does to this call; it is used up once more.
    pub(super) fn strike(&mut self, call: &Call, trace_id: &str) -> Option<Strike> {
        let index = self.0.iter().position(|entry| entry.pattern.matches(call))?;
        let entry = self.0.get_mut(index)?;
        let strike = entry.strike(trace_id);
        entry.times = entry.times.map(|times| times.saturating_sub(1));
        if entry.times == Some(0) {
            self.0.remove(index);
        }
        Some(strike)
    }
}
