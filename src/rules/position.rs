//! From a character of an expression to its place in the file, through YAML's quotes, folds and indents.
//! Knows nothing of CEL.

use std::ops::Range;

use super::tree::Node;

/// The place of character `at` of `value`, which is what the YAML at `node` says; to the end of that line.
pub(super) fn within(source: &str, node: &Node, value: &str, at: usize) -> Range<usize> {
    let raw = &source[node.place.clone()];
    let offset = node.place.start + offset_in(raw, value, at);
    let rest = &source[offset..node.place.end.max(offset)];
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    offset..offset + word.max(first)
}

/// Only characters that are not white space are counted: YAML changes the others.
fn offset_in(raw: &str, value: &str, at: usize) -> usize {
    let wanted = value.chars().take(at).filter(|c| !c.is_whitespace()).count();
    let quote = raw.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let (start, end) = match quote {
        Some(quote) => (1, raw.strip_suffix(quote).unwrap_or(raw).len()),
        None => (0, raw.trim_end().len()),
    };
    let body = raw.get(start..end).unwrap_or_default();
    start + visible(body, quote).nth(wanted).unwrap_or(body.trim_end().len())
}

/// The offsets of the characters that are not white space, an escaped one being one.
fn visible(body: &str, quote: Option<char>) -> impl Iterator<Item = usize> {
    let mut escaped = false;
    body.char_indices().filter_map(move |(offset, c)| {
        let escapes = match quote {
            Some('"') => c == '\\',
            Some('\'') => c == '\'',
            _ => false,
        };
        if escapes && !escaped {
            escaped = true;
            return None;
        }
        let start = if escaped { offset - 1 } else { offset };
        escaped = false;
        (!c.is_whitespace()).then_some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tree::{self, Content};

    /// Where the last `?` of the value is found in the file.
    fn found(source: &str) -> usize {
        let Content::Map(entries) = tree::parse(source).unwrap().content else { panic!("a map") };
        let node = &entries[0].value;
        let Content::Text(value) = &node.content else { panic!("a text") };
        let at = value.chars().count() - 1 - value.chars().rev().position(|c| c == '?').unwrap();
        within(source, node, value, at).start
    }

    #[test]
    fn every_style_leads_back_to_the_character() {
        for source in [
            "a: é b ? c # no",
            "a: 'it''s é ? c'",
            "a: \"q\\\"x\\\"é ? \"",
            "a: |\n  one é\n    two ? three\n",
            "a: >-\n  one\n  two ?\n\n  three\n",
            "a: plain\n  multi ? line",
            "{a: b ? c}",
        ] {
            assert_eq!(found(source), source.find('?').unwrap(), "{source}");
        }
    }

    #[test]
    fn behind_the_end_is_the_end() {
        let Content::Map(entries) = tree::parse("a: 'b' ").unwrap().content else { panic!("a map") };
        assert_eq!(within("a: 'b' ", &entries[0].value, "b", 9).start, 5);
    }
}
