//! The attributes of an event beyond those that usher has fields for, and how attributes are named (CloudEvents 1.0.2).
//! Knows no format that they come in.

use serde_json::Value;

/// Attributes of an event beyond those that CloudEvents names, as JSON: texts, whole numbers, truth values.
pub type Extensions = serde_json::Map<String, Value>;

/// Whether an attribute can have this name: lower-case letters and digits, and not `data`.
pub fn is_attribute_name(name: &str) -> bool {
    !name.is_empty() && name != "data" && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
