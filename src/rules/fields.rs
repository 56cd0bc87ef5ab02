//! Reading a node as the map, list or text it should be, with a mistake for all that is otherwise.
//! Knows nothing of what the keys mean.

use std::ops::Range;

use super::diagnostic::{Mistake, Report};
use super::tree::{Content, Entry, Node};

/// A map whose keys were checked.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    place: Range<usize>,
    what: &'static str,
}

impl<'n> Fields<'n> {
    /// Reads `node` as `what` with these keys; reports every other key.
    pub(super) fn read(
        report: &mut Report<'_>,
        node: &'n Node,
        what: &'static str,
        known: &'static [&'static str],
    ) -> Option<Self> {
        Self::read_open(report, node, what, known, |_| false)
    }

    /// As [`Fields::read`], but keys that are `open` may stand beside the known ones, unless they are near to one.
    pub(super) fn read_open(
        report: &mut Report<'_>,
        node: &'n Node,
        what: &'static str,
        known: &'static [&'static str],
        open: fn(&str) -> bool,
    ) -> Option<Self> {
        let entries = map(report, node, what, &known.join(", "))?;
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let near = nearest(&entry.key, known.iter().copied());
            if near.is_none() && open(&entry.key) {
                continue;
            }
            let help = near.map(did_you_mean);
            let mistake = Mistake::new(format!("{what} has no key `{}` in this version of usher", entry.key));
            report.add(entry.key_place.clone(), mistake.expected(known.join(", ")).maybe_help(help));
        }
        Some(Self { entries, place: node.place.clone(), what })
    }

    /// The value of `key`; a key without a value is as good as none.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (!matches!(entry.value.content, Content::Null)).then_some(&entry.value)
    }

    /// The keys that are not among `known`, with their values.
    pub(super) fn others(&self, known: &'static [&'static str]) -> impl Iterator<Item = (&'n str, &'n Node)> {
        let others = self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str()));
        others.map(|entry| (entry.key.as_str(), &entry.value))
    }

    /// The value of `key`, or a mistake.
    pub(super) fn require(&self, report: &mut Report<'_>, key: &str) -> Option<&'n Node> {
        self.get_or_tell(report, key, |mistake| mistake)
    }

    /// As [`Fields::require`], and the mistake says what is expected.
    pub(super) fn require_as(&self, report: &mut Report<'_>, key: &str, expected: &str) -> Option<&'n Node> {
        self.get_or_tell(report, key, |mistake| mistake.expected(expected))
    }

    fn get_or_tell(
        &self,
        report: &mut Report<'_>,
        key: &str,
        complete: impl FnOnce(Mistake) -> Mistake,
    ) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            let empty = self.entries.iter().find(|entry| entry.key == key);
            let place = empty.map_or(self.place.clone(), |entry| entry.key_place.clone());
            report.add(place, complete(Mistake::new(format!("{} needs `{key}`", self.what))));
        }
        found
    }
}

/// The entries of a map without repeated keys.
pub(super) fn map<'n>(report: &mut Report<'_>, node: &'n Node, what: &str, expected: &str) -> Option<&'n [Entry]> {
    let Content::Map(entries) = &node.content else {
        let mistake = Mistake::new(format!("{what} cannot be {}", node.kind()));
        report.add(node.place.clone(), mistake.expected(format!("a map with {expected}")));
        return None;
    };
    for (index, entry) in entries.iter().enumerate() {
        if entries[..index].iter().any(|earlier| earlier.key == entry.key) {
            report.add(entry.key_place.clone(), Mistake::new(format!("`{}` is given twice", entry.key)));
        }
    }
    Some(entries)
}

/// The items of a list.
pub(super) fn list<'n>(report: &mut Report<'_>, node: &'n Node, what: &str, expected: &str) -> Option<&'n [Node]> {
    let Content::List(items) = &node.content else {
        let mistake = Mistake::new(format!("{what} cannot be {}", node.kind()));
        report.add(node.place.clone(), mistake.expected(expected));
        return None;
    };
    Some(items)
}

/// A text.
pub(super) fn text<'n>(report: &mut Report<'_>, node: &'n Node, what: &str, expected: &str) -> Option<&'n str> {
    let Content::Text(text) = &node.content else {
        let mistake = Mistake::new(format!("{what} cannot be {}", node.kind()));
        report.add(node.place.clone(), mistake.expected(expected));
        return None;
    };
    Some(text)
}

/// Help for a word that is close to another.
pub(super) fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}

/// The candidate that a typing error may have turned into `word`.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (word.chars().count() / 3).max(1);
    let near = candidates.into_iter().map(|candidate| (distance(word, candidate), candidate));
    near.filter(|(distance, _)| *distance <= limit).min().map(|(_, candidate)| candidate)
}

/// Levenshtein's, over characters; only the first 64 count, so that a long word costs nothing.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_near_and_another_word_is_not() {
        let keys = ["name", "when", "grant", "organization"];
        assert_eq!(nearest("wehn", keys), None, "two swaps in four letters are another word");
        assert_eq!(nearest("whne", ["where", "when"]), None);
        assert_eq!(nearest("wen", keys), Some("when"));
        assert_eq!(nearest("organisation", keys), Some("organization"));
        assert_eq!(nearest("", keys), None);
    }
}
