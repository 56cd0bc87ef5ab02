//! Which parts of a sender may be a secret at the wrong place, so that no excerpt shows them.
//! Knows nothing of what is wrong with them.

use super::super::diagnostic::Report;
use super::super::tree::{Content, Node};

/// What secrets begin with; the name of a place begins with none of it.
const BEGINNINGS: [&str; 8] = ["whsec_", "whsk_", "whpk_", "sk_live_", "sk_test_", "eyJ", "-----BEGIN", "Bearer"];

/// Masks whatever the sender at `node` holds besides names.
pub(super) fn secrets(report: &mut Report<'_>, node: &Node) {
    let Content::Map(entries) = &node.content else { return texts(report, node) };
    for entry in entries {
        match entry.key.as_str() {
            "events" | "sources" | "roles" | "organizations" | "actions" => {}
            "rate" | "max_batch" | "weight" | "brake" => {}
            "tokens" | "signing_secrets" => places(report, &entry.value),
            "service_account" => account(report, &entry.value),
            _ => texts(report, &entry.value),
        }
    }
}

/// Whether it can name an environment variable.
pub(super) fn is_variable(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.starts_with(|c: char| !c.is_ascii_digit())
        && !is_secret(name)
}

/// Whether it can name a file.
pub(super) fn is_path(text: &str) -> bool {
    !text.is_empty() && !is_secret(text)
}

fn is_secret(text: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

fn places(report: &mut Report<'_>, node: &Node) {
    match &node.content {
        Content::List(items) => items.iter().for_each(|item| places(report, item)),
        Content::Map(entries) => {
            for entry in entries {
                let is_name = match (&entry.value.content, entry.key.as_str()) {
                    (Content::Text(text), "env") => is_variable(text),
                    (Content::Text(text), "file") => is_path(text),
                    _ => false,
                };
                if !is_name {
                    texts(report, &entry.value);
                }
            }
        }
        _ => texts(report, node),
    }
}

/// Issuer, audience and subject are no secrets; the key set and the token belong into files.
fn account(report: &mut Report<'_>, node: &Node) {
    let Content::Map(entries) = &node.content else { return texts(report, node) };
    for entry in entries {
        match (&entry.value.content, entry.key.as_str()) {
            (Content::Text(text), "issuer" | "audience" | "subject") if is_path(text) => {}
            (_, "jwks") => key_set(report, &entry.value),
            _ => texts(report, &entry.value),
        }
    }
}

fn key_set(report: &mut Report<'_>, node: &Node) {
    let Content::Map(entries) = &node.content else { return texts(report, node) };
    for entry in entries {
        match (&entry.value.content, entry.key.as_str()) {
            (Content::Text(text), "file" | "ca" | "token") if is_path(text) => {}
            // A password may stand before the host.
            (Content::Text(text), "url") if !text.contains('@') => {}
            _ => texts(report, &entry.value),
        }
    }
}

fn texts(report: &mut Report<'_>, node: &Node) {
    match &node.content {
        Content::List(items) => items.iter().for_each(|item| texts(report, item)),
        Content::Map(entries) => entries.iter().for_each(|entry| texts(report, &entry.value)),
        _ => report.mask(node.place.clone()),
    }
}
