//! The attributes of an event by name, taken out one by one while every mistake is noted.
//! Knows nothing of which attributes an event has.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::http::pointer;
use crate::http::problem::{Mistake, Place};

/// Enough to mend a request, and no more than an answer should carry.
const MAX_MISTAKES: usize = 20;
/// Longest name of a header that is told.
const MAX_NAME: usize = 64;

/// Where the attributes stand in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// They are the members of the body.
    Body,
    /// They are the members of this element of the body.
    Element(usize),
    /// They are the headers that begin with `ce-`.
    Headers,
}

impl Origin {
    /// Where the attribute of this name stands.
    pub(super) fn place(self, name: &str) -> Place {
        match self {
            Self::Body => Place::Pointer(pointer::to([name])),
            Self::Element(index) => Place::Pointer(pointer::to([index.to_string().as_str(), name])),
            Self::Headers => header(name),
        }
    }

    /// Where all of them stand.
    pub(super) fn pointer(self) -> String {
        match self {
            Self::Element(index) => format!("#/{index}"),
            Self::Body | Self::Headers => "#".to_owned(),
        }
    }
}

/// The header of the attribute of this name, as far as anybody wants to read it.
fn header(name: &str) -> Place {
    Place::Header(["ce-", name.get(..MAX_NAME).unwrap_or(name)].concat())
}

/// What is left of the attributes, and what was wrong with what was taken.
pub(super) struct Members {
    origin: Origin,
    left: Map<String, Value>,
    mistakes: Vec<Mistake>,
}

impl Members {
    pub(super) fn new(origin: Origin, object: Map<String, Value>) -> Self {
        Self { origin, left: object, mistakes: Vec::new() }
    }

    /// Notes a mistake at an attribute; the first one at each counts.
    pub(super) fn blame(&mut self, name: &str, detail: impl Into<Cow<'static, str>>) {
        self.note(self.origin.place(name), detail.into());
    }

    /// Notes a mistake at the header of an attribute, wherever the attribute itself stands.
    pub(super) fn blame_header(&mut self, name: &str, detail: &'static str) {
        self.note(header(name), detail.into());
    }

    fn note(&mut self, place: Place, detail: Cow<'static, str>) {
        if self.mistakes.len() < MAX_MISTAKES && self.mistakes.iter().all(|mistake| mistake.place != place) {
            self.mistakes.push(Mistake { place, detail });
        }
    }

    /// The attribute as it is, without taking it.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.left.get(name)
    }

    /// The attribute as it is, `null` included.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name)
    }

    /// Whether the attribute is not there; a `null` is as good as absent.
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

    /// Judges every attribute nobody took, and gives those that are there and pass.
    pub(super) fn rest(&mut self, fault: impl Fn(&str, &Value) -> Option<&'static str>) -> Map<String, Value> {
        let mut rest = std::mem::take(&mut self.left);
        rest.retain(|name, value| {
            let fault = fault(name, value);
            if let Some(detail) = fault {
                self.blame(name, detail);
            }
            fault.is_none() && !value.is_null()
        });
        rest
    }

    /// The mistakes, in the order in which they were found.
    pub(super) fn finish(self) -> Result<(), Vec<Mistake>> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(self.mistakes) }
    }
}

fn fault_of(text: &str, max: usize) -> Option<Cow<'static, str>> {
    if text.is_empty() {
        Some("expected a string that is not empty".into())
    } else if text.len() > max {
        Some(format!("expected at most {max} bytes").into())
    } else if !is_string(text) {
        Some("expected a string without control characters".into())
    } else {
        None
    }
}

/// Whether CloudEvents 1.0.2 (type system, String) has these characters.
pub(super) fn is_string(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_noncharacter(c))
}

fn is_noncharacter(c: char) -> bool {
    matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE
}
