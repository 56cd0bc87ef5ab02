//! SHA-256 over canonical JSON: equal content gives an equal digest whatever the order of keys.
//! Knows nothing of what the content means.

use std::fmt;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of bytes as they are.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of texts that stay apart: each is preceded by its length, so that ("ab", "c") is not ("a", "bc").
    pub fn of_parts(parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finalize().into())
    }

    /// The digest of a JSON value in canonical form: keys sorted, no white space, `1.0` the same as `1` and `-0` as `0` (as in RFC 8785).
    pub fn of_json(value: &Value) -> Self {
        let mut hasher = Sha256::new();
        hash_value(value, &mut hasher);
        Self(hasher.finalize().into())
    }

    /// As [`Digest::of_json`] of a list with these texts, or `null` for none, and a last value; copies nothing.
    pub fn of_list(texts: &[Option<&str>], last: &Value) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"[");
        for text in texts {
            match text {
                Some(text) => hash_text(text, &mut hasher),
                None => hash_value(&Value::Null, &mut hasher),
            }
            hasher.update(b",");
        }
        hash_value(last, &mut hasher);
        hasher.update(b",]");
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn hash_value(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Array(items) => hash_list(b'[', items.iter().map(|item| (None, item)), hasher),
        Value::Object(members) => {
            // serde_json keeps a map in the order of its keys unless `preserve_order` is on somewhere in the tree.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            hash_list(b'{', sorted.into_iter().map(|(name, member)| (Some(name), member)), hasher);
        }
        Value::String(text) => hash_text(text, hasher),
        Value::Number(number) => hasher.update(canonical_number(number).as_bytes()),
        Value::Bool(true) => hasher.update(b"true"),
        Value::Bool(false) => hasher.update(b"false"),
        Value::Null => hasher.update(b"null"),
    }
}

fn hash_list<'a>(open: u8, items: impl Iterator<Item = (Option<&'a String>, &'a Value)>, hasher: &mut Sha256) {
    hasher.update([open]);
    for (name, item) in items {
        if let Some(name) = name {
            hash_text(name, hasher);
        }
        hash_value(item, hasher);
        hasher.update(b",");
    }
    hasher.update(b"]");
}

/// A length prefix instead of quotes and escapes: as unambiguous, and cheaper.
fn hash_text(text: &str, hasher: &mut Sha256) {
    hasher.update(b"\"");
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

/// Integral doubles that an integer can stand for are written as that integer; JavaScript sends them so.
fn canonical_number(number: &serde_json::Number) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        // Also the one with a minus, which no integer is.
        Some(0.0) => "0".to_owned(),
        Some(double) if number.is_f64() && double.fract() == 0.0 && double.abs() <= EXACT => format!("{double:.0}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn key_order_and_integral_doubles_make_no_difference() {
        let a: Value = serde_json::from_str(r#"{"a":1,"b":{"c":[1.0,2],"d":null}}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{ "b":{"d":null,"c":[1,2.0]}, "a":1 }"#).unwrap();
        assert_eq!(Digest::of_json(&a), Digest::of_json(&b));
    }

    #[test]
    fn every_way_to_write_zero_is_the_same() {
        for zero in ["-0", "0.0", "-0.0", "0e5", "-0e5", "0E-7", "-0.000"] {
            let value: Value = serde_json::from_str(zero).unwrap();
            assert_eq!(Digest::of_json(&value), Digest::of_json(&json!(0)), "{zero}");
            assert_eq!(Digest::of_json(&json!({"a": [value]})), Digest::of_json(&json!({"a": [0]})), "{zero}");
        }
    }

    #[test]
    fn different_content_gives_different_digests() {
        let values = [
            json!(null),
            json!(0),
            json!("0"),
            json!(0.5),
            json!([]),
            json!({}),
            json!([[]]),
            json!([[], []]),
            json!(["a", "b"]),
            json!(["ab"]),
            json!({"a": "b"}),
            json!({"a": {"b": 1}}),
            json!({"a": {}, "b": 1}),
            json!("null"),
            json!(true),
        ];
        for (i, a) in values.iter().enumerate() {
            for b in &values[i + 1..] {
                assert_ne!(Digest::of_json(a), Digest::of_json(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn a_list_of_parts_has_the_digest_of_the_list() {
        let data = json!({"b": [1.0, null], "a": "x"});
        for subject in [None, Some("")] {
            let whole = Digest::of_json(&json!(["kind", "source", subject, data]));
            assert_eq!(Digest::of_list(&[Some("kind"), Some("source"), subject], &data), whole);
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(Digest::of_parts(&["ab", "c"]), Digest::of_parts(&["a", "bc"]));
    }
}
