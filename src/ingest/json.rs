//! Strict JSON: what serde_json takes, less duplicate member names and deep nesting, with the place of every mistake.
//! Knows nothing of events; its errors never repeat a value of the body.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::http::pointer;

/// How deep arrays and objects may be nested.
pub(super) const MAX_DEPTH: usize = 32;

/// Why a body is not the JSON that is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum JsonError {
    /// Not JSON at all; `expected` are the fixed words of the JSON reader.
    #[error("it is not JSON at line {line}, column {column}: {expected}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What the reader says.
        expected: String,
    },
    /// A member name is there twice; which one counts would be a guess.
    #[error("it names the same member twice in one object, at line {line}, column {column}")]
    Duplicate {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// To the member.
        pointer: String,
    },
    /// Nested more deeply than anybody needs.
    #[error("it is nested more than {MAX_DEPTH} levels deep, at line {line}, column {column}")]
    TooDeep {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// To the value that is too deep.
        pointer: String,
    },
}

impl JsonError {
    /// The same mistake as seen from the array that has the read value as its element `index`, so many lines and
    /// columns behind its beginning.
    pub(super) fn within(mut self, index: usize, lines: usize, columns: usize) -> Self {
        let (Self::Syntax { line, column, .. }
        | Self::Duplicate { line, column, .. }
        | Self::TooDeep { line, column, .. }) = &mut self;
        if *line == 1 {
            *column += columns;
        }
        *line += lines;
        if let Self::Duplicate { pointer, .. } | Self::TooDeep { pointer, .. } = &mut self {
            pointer.insert_str(1, &format!("/{index}"));
        }
        self
    }
}

/// Reads the whole of `body` as one JSON value.
pub(super) fn read(body: &[u8]) -> Result<Value, JsonError> {
    let fault = RefCell::new(Fault { broken: None, path: Vec::new() });
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = Strict { depth: 0, fault: &fault }.deserialize(&mut reader);
    let whole = read.and_then(|value| reader.end().map(|()| value));
    whole.map_err(|error| fault.into_inner().explain(&error))
}

/// What is remembered of a broken rule of ours while serde_json's error travels up.
struct Fault {
    broken: Option<Rule>,
    /// Innermost first.
    path: Vec<String>,
}

#[derive(Clone, Copy)]
enum Rule {
    Unique,
    Shallow,
}

impl Fault {
    fn explain(self, error: &serde_json::Error) -> JsonError {
        let (line, column) = (error.line(), error.column());
        let pointer = pointer::to(self.path.iter().rev().map(String::as_str));
        match self.broken {
            Some(Rule::Unique) => JsonError::Duplicate { line, column, pointer },
            Some(Rule::Shallow) => JsonError::TooDeep { line, column, pointer },
            None => JsonError::Syntax { line, column, expected: words_of(error) },
        }
    }
}

/// serde_json's words without the place, which we give ourselves. They come from a fixed list and quote nothing.
fn words_of(error: &serde_json::Error) -> String {
    let mut words = error.to_string();
    if let Some(place) = words.rfind(" at line ") {
        words.truncate(place);
    }
    words
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    fault: &'a RefCell<Fault>,
}

impl Strict<'_> {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.broken(Rule::Shallow));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn broken<E: serde::de::Error>(self, rule: Rule) -> E {
        self.fault.borrow_mut().broken = Some(rule);
        E::custom("")
    }

    fn passed<E>(self, step: &impl ToString) -> impl FnOnce(E) -> E {
        move |error| {
            self.fault.borrow_mut().path.push(step.to_string());
            error
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inside).map_err(self.passed(&array.len()))? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Vacant(slot) => {
                    let member = members.next_value_seed(inside).map_err(self.passed(slot.key()))?;
                    slot.insert(member);
                }
                Entry::Occupied(slot) => return Err(self.passed(slot.key())(self.broken(Rule::Unique))),
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests;
