//! The contract in itself: that it holds together, and that nothing of it changes unseen.

use std::collections::BTreeSet;

use super::*;
use crate::http::problem::Kind;

/// Every `$ref` within.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.clone());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Every `value` of an `examples` within.
fn examples(value: &Value, found: &mut Vec<Value>) {
    if let Some(named) = value.get("examples").and_then(Value::as_object) {
        found.extend(named.values().map(|example| example["value"].clone()));
    }
    match value {
        Value::Object(members) => members.values().for_each(|member| examples(member, found)),
        Value::Array(items) => items.iter().for_each(|item| examples(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let there: BTreeSet<_> = schemas.keys().map(|name| format!("#/components/schemas/{name}")).collect();
    assert_eq!(found, there);
}

#[test]
fn every_example_is_there() {
    let mut found = Vec::new();
    examples(&document(), &mut found);
    assert!(found.len() > 10);
    for example in found {
        assert!(
            example.as_object().is_none_or(|members| !members.is_empty()) && !example.is_null(),
            "{found:?}",
            found = example
        );
    }
}

#[test]
fn every_kind_of_problem_is_in_the_contract() {
    let text = document().to_string();
    for kind in Kind::ALL {
        assert!(text.contains(&kind.urn()), "{}", kind.slug());
    }
}

/// Whoever changes it sees what callers will see: a name that is gone, a status that is new.
#[test]
fn nothing_of_the_contract_changes_unseen() {
    insta::assert_json_snapshot!("contract", document());
}
