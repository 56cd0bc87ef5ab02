//! YAML text to a tree in which every key and value knows its place in the text.
//! Knows nothing of senders or rules, so that one mistake never hides the next.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Location, Spanned};

/// Deepest nesting of lists and maps; a rule file needs eight.
const MAX_DEPTH: usize = 24;

/// A value and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) place: Range<usize>,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One `key: value`; keys may repeat here.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Range<usize>,
    pub(super) value: Node,
}

/// Text that is no YAML: where, and why.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) offset: usize,
    pub(super) message: String,
}

impl Node {
    /// The word for what it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.content {
            Content::Null => "nothing",
            Content::Bool(_) => "true or false",
            Content::Number(_) => "a number",
            Content::Text(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// The value as JSON; the last of repeated keys counts.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.content {
            Content::Null => serde_json::Value::Null,
            Content::Bool(value) => (*value).into(),
            Content::Number(value) => value.clone().into(),
            Content::Text(value) => value.clone().into(),
            Content::List(items) => items.iter().map(Node::to_json).collect(),
            Content::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect(),
        }
    }
}

/// Reads the one document of `source`.
pub(super) fn parse(source: &str) -> Result<Node, SyntaxError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: 50_000, max_aliases: 1_000, max_documents: 1 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Content>>(source, options) {
        Ok(root) => Ok(node(root)),
        Err(error) => {
            let error = error.without_snippet();
            let offset = error.location().map_or(0, |location| offset_of(source, location));
            Err(SyntaxError { offset, message: reason(&error.to_string()) })
        }
    }
}

/// The parser's first line without the position it ends with; the place is told apart.
fn reason(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let limits =
        [("Documents", "it is more than one document"), ("Depth", "it is nested too deeply"), ("", "it is too large")];
    if let Some(limit) = line.strip_prefix("budget breached: ") {
        let found = limits.into_iter().find(|(name, _)| limit.starts_with(name));
        return found.map_or(limit, |(_, words)| words).to_owned();
    }
    let end = line.rfind(" at line ").or_else(|| line.rfind(": line ")).unwrap_or(line.len());
    line[..end].trim_start_matches("error: ").to_owned()
}

fn offset_of(source: &str, location: Location) -> usize {
    let characters = usize::try_from(location.span().offset()).unwrap_or(usize::MAX);
    source.char_indices().nth(characters).map_or(source.len(), |(offset, _)| offset)
}

fn node(spanned: Spanned<Content>) -> Node {
    Node { content: spanned.value, place: place(spanned.defined) }
}

/// The bytes of a value; the parser gives them for every text it reads from memory.
fn place(location: Location) -> Range<usize> {
    let number = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok()).unwrap_or(0);
    let start = number(location.span().byte_offset());
    start..start + number(location.span().byte_len())
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Content, E> {
        serde_json::Number::from_f64(value).map(Content::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(node(item));
        }
        Ok(Content::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<Spanned<String>, Spanned<Content>>()? {
            entries.push(Entry { key_place: place(key.defined), key: key.value, value: node(value) });
        }
        Ok(Content::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<'s>(source: &'s str, node: &Node, out: &mut Vec<&'s str>) {
        out.push(&source[node.place.clone()]);
        match &node.content {
            Content::List(items) => items.iter().for_each(|item| written(source, item, out)),
            Content::Map(entries) => {
                for entry in entries {
                    out.push(&source[entry.key_place.clone()]);
                    written(source, &entry.value, out);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_key_and_value_knows_its_bytes() {
        let source = "é: 1\na: plain # c\nb: 'it''s'\nc: |\n  block\n   two\nd: [x, {y: no}]\n";
        let mut out = Vec::new();
        written(source, &parse(source).unwrap(), &mut out);
        let expected =
            ["", "é", "1", "a", "plain", "b", "'it''s'", "c", "block\n   two\n", "d", "[", "x", "{", "y", "no"];
        assert_eq!(out, expected);
    }

    #[test]
    fn no_is_a_text_and_repeated_keys_are_kept() {
        let Content::Map(entries) = parse("a: no\na: true\n").unwrap().content else { panic!("a map") };
        assert!(matches!(entries[0].value.content, Content::Text(_)));
        assert!(matches!(entries[1].value.content, Content::Bool(true)));
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = parse("a: 1\nb: [1").unwrap_err();
        assert_eq!((error.offset, error.message.as_str()), (8, "unclosed bracket '['"));
        assert_eq!(parse("é: *x").unwrap_err().offset, 4);
    }

    #[test]
    fn deep_nesting_and_many_aliases_are_errors_not_crashes() {
        for depth in [25, 1_000, 100_000] {
            assert!(parse(&format!("{}{}", "[".repeat(depth), "]".repeat(depth))).is_err());
            assert!(parse(&format!("{}a", "- ".repeat(depth))).is_err());
            assert!(parse(&"{a: ".repeat(depth)).is_err());
        }
        let bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n".to_owned()
            + &('b'..='h')
                .fold((String::new(), 'a'), |(text, last), name| {
                    (text + &format!("{name}: &{name} [{}*{last}]\n", format!("*{last},").repeat(9)), name)
                })
                .0;
        assert!(parse(&bomb).is_err());
    }
}
