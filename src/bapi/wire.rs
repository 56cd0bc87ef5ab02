//! Bodies as Clerk spells them. Reading is lenient: a field of a surprising type is a field that is not there.
//! Knows nothing of statuses and headers.

pub(super) mod invitations;
pub(super) mod lookups;
pub(super) mod memberships;
pub(super) mod metadata;

use serde_json::Value;

use super::error::Subject;

/// The code of an error body, and what the error is about where it says so. Clerk's words are for people: they are not read.
pub(super) fn error(body: &Value) -> (Option<&str>, Subject) {
    let first = body.pointer("/errors/0").unwrap_or(&Value::Null);
    let subject = text(first, "/meta/param_name").map_or(Subject::Unsaid, Subject::parse);
    (text(first, "/code"), subject)
}

/// Clerk's trace id, where the body carries it.
pub(super) fn trace_id(body: &Value) -> Option<&str> {
    text(body, "/clerk_trace_id")
}

fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_is_read_from_whatever_is_there() {
        let named = |name: &str| json!({"errors": [{"code": "resource_not_found", "meta": {"param_name": name}}]});
        let names = [
            ("role", Subject::Role),
            ("organization_id", Subject::Organization),
            ("user_id", Subject::User),
            ("odd", Subject::Other),
        ];
        for (name, subject) in names {
            assert_eq!(error(&named(name)), (Some("resource_not_found"), subject));
        }
        let in_words = json!({"errors": [{"code": "c", "long_message": "Organization role not found"}]});
        assert_eq!(error(&in_words), (Some("c"), Subject::Unsaid), "words are not read");
        for nothing in
            [json!({}), json!({"errors": []}), json!({"errors": "x"}), json!({"errors": [{"code": 1}]}), json!(1)]
        {
            assert_eq!(error(&nothing), (None, Subject::Unsaid));
        }
    }
}
