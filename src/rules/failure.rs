//! Why an expression failed on an event, in words that hold nothing of the event.
//! Knows CEL's errors, not rules.

use cel::ExecutionError;

/// What went wrong; `source` is the expression.
pub(super) fn describe(error: &ExecutionError, source: &str) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => no_such_key(key, source),
        // Names of types and operators only; CEL marks some of its own with @.
        ExecutionError::NoSuchOverload(overload) => overload.to_string().replace('@', ""),
        ExecutionError::UnexpectedType { got, want } => format!("expected {want}, got {got}"),
        ExecutionError::UndeclaredReference(_) => "it uses a name that does not exist".to_owned(),
        ExecutionError::FunctionError { function, .. } => format!("`{function}` cannot take this value"),
        ExecutionError::ValuesNotComparable(..) => "two values cannot be compared".to_owned(),
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            format!("`{operator}` cannot take {} and {}", left.type_of(), right.type_of())
        }
        ExecutionError::UnsupportedIndex(..) | ExecutionError::UnsupportedKeyType(_) => {
            "a value of this type cannot be looked up".to_owned()
        }
        ExecutionError::IndexOutOfBounds(_) => "the list has no element of this number".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "a division by zero".to_owned(),
        ExecutionError::Overflow(..) => "a number is too large".to_owned(),
        _ => "it cannot be evaluated on this event".to_owned(),
    }
}

/// A key that the rule names may be shown; one that came from the event may not.
fn no_such_key(key: &str, source: &str) -> String {
    let is_named = source.match_indices(key).any(|(at, _)| {
        let is_selected = source[..at].ends_with('.');
        is_selected && !source[at + key.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
    });
    if is_named && !key.is_empty() {
        format!("there is no `{key}` here; has(…) tells whether there is")
    } else {
        "a key is not there; `key in map` tells whether it is".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_the_rule_names_are_told() {
        let told = |key: &str, source| describe(&ExecutionError::no_such_key(key), source);
        assert!(told("plan", "data.plan == 'x'").contains("`plan`"));
        assert!(!told("pla", "data.plan == 'x'").contains("pla"));
        assert!(!told("ada@example.com", "table[data.mail]").contains("ada"));
        assert!(!told("", "data.").contains("``"));
    }

    #[test]
    fn values_are_never_told() {
        for error in [
            ExecutionError::function_error("int", "cannot parse hunter2"),
            ExecutionError::IndexOutOfBounds("hunter2".into()),
            ExecutionError::UnsupportedBinaryOperator("add", "hunter2".into(), 1.into()),
            ExecutionError::unsupported_key_type("hunter2".into()),
            ExecutionError::DuplicateKey("hunter2".into()),
            ExecutionError::InternalError("hunter2".into()),
        ] {
            assert!(!describe(&error, "x").contains("hunter2"));
        }
    }
}
