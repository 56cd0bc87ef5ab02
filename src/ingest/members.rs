//! The members of a JSON object, taken out one by one while every mistake is noted.
//! Knows nothing of which members an event has.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::http::pointer;
use crate::http::problem::Mistake;

/// Enough to mend a body, and no more than an answer should carry.
const MAX_MISTAKES: usize = 20;

/// What is left of the object, and what was wrong with what was taken.
pub(super) struct Members {
    left: Map<String, Value>,
    mistakes: Vec<Mistake>,
}

impl Members {
    pub(super) fn new(object: Map<String, Value>) -> Self {
        Self { left: object, mistakes: Vec::new() }
    }

    /// Notes a mistake at a member; the first one at each counts.
    pub(super) fn blame(&mut self, name: &str, detail: impl Into<Cow<'static, str>>) {
        let pointer = pointer::to([name]);
        if self.mistakes.len() < MAX_MISTAKES && self.mistakes.iter().all(|mistake| mistake.pointer != pointer) {
            self.mistakes.push(Mistake { pointer, detail: detail.into() });
        }
    }

    /// The member as it is, `null` included.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name)
    }

    /// Whether the member is not there; a `null` is as good as absent.
    pub(super) fn is_absent(&self, name: &str) -> bool {
        self.left.get(name).is_none_or(Value::is_null)
    }

    /// A text of 1 to `max` bytes; a `null` is as good as absent.
    pub(super) fn text(&mut self, name: &str, max: usize) -> Option<String> {
        let text = match self.take(name)? {
            Value::Null => return None,
            Value::String(text) => text,
            _ => {
                self.blame(name, "expected a string");
                return None;
            }
        };
        if let Some(fault) = fault_of(&text, max) {
            self.blame(name, fault);
            return None;
        }
        Some(text)
    }

    /// A text that must be there; what is returned for one that is not never gets past [`Members::finish`].
    pub(super) fn required(&mut self, name: &str, max: usize) -> String {
        self.text(name, max).unwrap_or_else(|| {
            self.blame(name, "required, and missing");
            String::new()
        })
    }

    /// A text that something can be made of.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        max: usize,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name, max)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.blame(name, expected);
        }
        parsed
    }

    /// Judges every member nobody took.
    pub(super) fn judge_rest(&mut self, fault: impl Fn(&str, &Value) -> Option<&'static str>) {
        for (name, value) in std::mem::take(&mut self.left) {
            if let Some(detail) = fault(&name, &value) {
                self.blame(&name, detail);
            }
        }
    }

    /// The mistakes, in the order in which they were found.
    pub(super) fn finish(self) -> Result<(), Vec<Mistake>> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(self.mistakes) }
    }
}

/// What CloudEvents 1.0.2 (type system, String) forbids, and lengths that no identity needs.
fn fault_of(text: &str, max: usize) -> Option<Cow<'static, str>> {
    if text.is_empty() {
        Some("expected a string that is not empty".into())
    } else if text.len() > max {
        Some(format!("expected at most {max} bytes").into())
    } else if text.chars().any(|c| c.is_control() || is_noncharacter(c)) {
        Some("expected a string without control characters".into())
    } else {
        None
    }
}

fn is_noncharacter(c: char) -> bool {
    matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE
}
