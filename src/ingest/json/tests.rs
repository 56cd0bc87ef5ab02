//! What is read as JSON and what is refused, with places.
//! Knows nothing of events.

use super::*;
use proptest::prelude::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..8).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn a_valid_document_is_read_as_serde_json_reads_it(value in any_json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn a_document_that_is_stored_and_read_again_is_the_same(value in any_json()) {
        prop_assert_eq!(read(value.to_string().as_bytes()), Ok(value));
    }

    #[test]
    fn what_is_taken_is_what_serde_json_takes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = read(&bytes) {
            prop_assert_eq!(value, serde_json::from_slice::<Value>(&bytes).unwrap());
        }
    }

    #[test]
    fn nothing_that_looks_like_json_panics(text in r#"[\[\]{}:,"0-9eE.\-\\u tfn]{0,64}"#) {
        let _ = read(text.as_bytes());
    }
}

#[test]
fn a_name_twice_is_an_error_with_its_pointer_however_it_is_spelled() {
    for body in [r#"{"data":[{"a":1,"a":1}]}"#, r#"{"data":[{"a":1,"\u0061":2}]}"#] {
        let error = read(body.as_bytes()).unwrap_err();
        assert!(matches!(&error, JsonError::Duplicate { pointer, line: 1, .. } if pointer == "#/data/0/a"), "{error}");
    }
    assert!(read(br#"{"a":{"a":[{"a":1},{"a":1}]}}"#).is_ok());
}

#[test]
fn nesting_ends_at_32_levels() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(nested(MAX_DEPTH).as_bytes()).is_ok());
    for levels in [MAX_DEPTH + 1, 100_000] {
        let error = read(nested(levels).as_bytes()).unwrap_err();
        assert!(matches!(error, JsonError::TooDeep { .. }), "{error}");
    }
    let objects = format!("{}1{}", r#"{"a":"#.repeat(33), "}".repeat(33));
    assert!(matches!(read(objects.as_bytes()), Err(JsonError::TooDeep { pointer, .. }) if pointer.len() == 65));
}

#[test]
fn syntax_errors_name_the_place_and_quote_nothing() {
    let bad = [
        "",
        "{",
        "nul",
        "{} {}",
        "[1,]",
        "{'secret':1}",
        r#"{"a":secret}"#,
        "\"secret",
        "\"\\ud800secret\"",
        "\"se\ncret\"",
        "1e999",
        "01",
        "NaN",
        "[1] secret",
        "\u{feff}{}",
        "// secret\n{}",
    ];
    for body in bad {
        let error = read(body.as_bytes()).unwrap_err();
        assert!(matches!(error, JsonError::Syntax { line: 1.., .. }), "{body:?}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert!(read(b"\"\xff\xfe\"").is_err());
    let error = read(b"{\n  \"a\": ?\n}").unwrap_err();
    assert_eq!(error.to_string(), "it is not JSON at line 2, column 8: expected value");
}
