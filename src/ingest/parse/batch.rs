//! The elements of a batch, each read on its own: what is wrong with one does not touch the others.
//! Knows nothing of events.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::ParseError;
use crate::http::problem::Mistake;
use crate::ingest::json::{self, JsonError};

/// The elements of the array that `body` is; no more than `max`.
pub(super) fn elements(body: &[u8], max: usize) -> Result<Vec<Result<Value, JsonError>>, ParseError> {
    // Once it is JSON at all, every bracket and quote means what it seems to mean.
    if serde_json::from_slice::<IgnoredAny>(body).is_err() || body.trim_ascii_start().first() != Some(&b'[') {
        json::read(body)?;
        return Err(ParseError::Invalid(vec![Mistake::at("#", "expected a JSON array of events")]));
    }
    let mut elements = Elements::of(body);
    let mut read = Vec::new();
    while let Some((element, place)) = elements.next() {
        if read.len() == max {
            return Err(ParseError::TooMany { limit: max });
        }
        read.push(json::read(element).map_err(|error| error.within(read.len(), place.lines, place.columns)));
    }
    Ok(read)
}

/// How far behind the beginning of the body something stands.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    lines: usize,
    columns: usize,
}

impl Place {
    fn behind(self, bytes: &[u8]) -> Self {
        let lines = self.lines + bytes.iter().filter(|byte| **byte == b'\n').count();
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => Self { lines, columns: bytes.len() - at - 1 },
            None => Self { lines, columns: self.columns + bytes.len() },
        }
    }
}

/// A walk along an array that is known to be JSON.
struct Elements<'b> {
    /// Behind the bracket or comma that was seen last.
    rest: &'b [u8],
    /// Of the rest. Carried along: looked for anew for each mistake, a batch of nothing else would take the square of its size.
    place: Place,
}

impl<'b> Elements<'b> {
    fn of(body: &'b [u8]) -> Self {
        let (before, rest) = body.split_at(body.iter().position(|byte| *byte == b'[').map_or(0, |at| at + 1));
        Self { rest, place: Place::default().behind(before) }
    }

    /// The next element, and where it begins.
    fn next(&mut self) -> Option<(&'b [u8], Place)> {
        let (element, behind) = self.rest.split_at(length(self.rest));
        if element.trim_ascii().is_empty() {
            return None;
        }
        let place = self.place;
        // Without the comma or bracket, which is no end of a line.
        self.place = place.behind(element);
        self.place.columns += 1;
        self.rest = behind.get(1..).unwrap_or_default();
        Some((element, place))
    }
}

/// The bytes up to the comma or bracket that ends the element.
fn length(rest: &[u8]) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let end = rest.iter().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b',' | b']' | b'}' if depth == 0 => return true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        false
    });
    end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(body: &str) -> Vec<Result<Value, JsonError>> {
        elements(body.as_bytes(), 100).unwrap()
    }

    #[test]
    fn an_array_falls_into_its_elements() {
        assert_eq!(read(" [ ] "), []);
        let body = " [1 ,\n{\"a\":[1,2],\"b\":\"],\\\"[\"} , \"x,\\\\\",[[]] ,null]\n";
        let expected = [json!(1), json!({"a": [1, 2], "b": "],\"["}), json!("x,\\"), json!([[]]), json!(null)];
        assert_eq!(read(body), expected.map(Ok));
    }

    #[test]
    fn what_is_wrong_with_one_is_told_with_its_place_and_touches_no_other() {
        for body in ["[{},\n {\"a\":{\"b\":1,\"b\":2}}, 7]", "[ 1,{\"a\":[1,\n{\"b\":1,\n \"b\":2}]},2]"] {
            let mut elements = read(body);
            assert!(elements.pop().unwrap().is_ok());
            assert_eq!(elements.pop(), json::read(body.as_bytes()).map(|_| panic!("it is there twice")).err().map(Err));
            assert!(elements.pop().unwrap().is_ok());
        }
        let elements = read("[\"\\ud800\",1]");
        assert!(matches!(&elements[..], [Err(JsonError::Syntax { line: 1, .. }), Ok(_)]), "{elements:?}");
    }

    #[test]
    fn a_batch_of_nothing_but_mistakes_is_gone_over_once() {
        let began = Instant::now();
        let body = format!("[{}]", vec!["{\"a\":1,\n\"a\":2}"; 40_000].join(","));
        let elements = elements(body.as_bytes(), usize::MAX).unwrap();
        assert!(matches!(elements.last(), Some(Err(JsonError::Duplicate { line: 40_001, .. }))));
        // A fraction of a second; minutes, if what is before each of them is gone over again.
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }

    #[test]
    fn nesting_is_counted_within_the_element() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let elements = read(&format!("[{},{}]", nested(json::MAX_DEPTH), nested(json::MAX_DEPTH + 1)));
        assert!(elements[0].is_ok());
        assert!(matches!(&elements[1], Err(JsonError::TooDeep { pointer, .. }) if pointer.starts_with("#/1/0/0")));
        assert_eq!(read(&format!("[{}]", nested(100_000))).len(), 1);
    }

    #[test]
    fn what_is_no_array_is_no_batch() {
        for body in ["[", "[1,]", "[1 2]", "", "{", "[]]", "[}", "\u{feff}[]"] {
            assert!(matches!(elements(body.as_bytes(), 9), Err(ParseError::Json(_))), "{body}");
        }
        for body in ["{}", "null", "\"[]\"", "{\"a\":[1]}"] {
            assert!(matches!(elements(body.as_bytes(), 9), Err(ParseError::Invalid(_))), "{body}");
        }
        assert!(elements(b"[\"\xff\"]", 9).unwrap()[0].is_err());
    }

    #[test]
    fn more_than_the_maximum_is_refused_as_a_whole() {
        assert_eq!(elements(b"[1,2,3]", 3).unwrap().len(), 3);
        assert!(matches!(elements(b"[1,2,3,4]", 3), Err(ParseError::TooMany { limit: 3 })));
    }

    proptest! {
        #[test]
        fn any_array_is_read_as_serde_json_reads_it(text in "\\[([\\[\\]{},:0-9\" a\\\\]{0,12}|(\"[a\\[,\\]]{0,3}\"|1|\\[\\]|\\{\"a\":[12]\\})(,(\"[\\[,\\]{}]{0,3}\"|1|\\{\\}))*)\\]") {
            if let Ok(Value::Array(expected)) = serde_json::from_str(&text) {
                let read: Vec<_> = read(&text).into_iter().map(Result::unwrap).collect();
                prop_assert_eq!(read, expected);
            } else {
                prop_assert!(elements(text.as_bytes(), 100).is_err());
            }
        }
    }
}
