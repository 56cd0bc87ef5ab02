//! Rows by key that also remember the order in which they came.
//! Does not know what a row is.

use std::collections::{BTreeMap, HashMap};

/// A keyed collection in order of insertion; removal and lookup do not scan.
pub(super) struct Table<T> {
    rows: BTreeMap<u64, T>,
    numbers: HashMap<String, u64>,
    next: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), numbers: HashMap::new(), next: 0 }
    }
}

impl<T> Table<T> {
    /// Adds a row at the end; a row of the same key is replaced.
    pub(super) fn insert(&mut self, key: String, row: T) {
        self.next += 1;
        if let Some(former) = self.numbers.insert(key, self.next) {
            self.rows.remove(&former);
        }
        self.rows.insert(self.next, row);
    }

    pub(super) fn get(&self, key: &str) -> Option<&T> {
        self.rows.get(self.numbers.get(key)?)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.rows.get_mut(self.numbers.get(key)?)
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<T> {
        self.rows.remove(&self.numbers.remove(key)?)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// All rows, oldest first.
    pub(super) fn rows(&self) -> impl Iterator<Item = &T> {
        self.rows.values()
    }

    /// The rows of these keys, oldest first, each once; unknown keys are passed over.
    pub(super) fn select<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Vec<&T> {
        let found: BTreeMap<u64, &T> = keys
            .filter_map(|key| self.numbers.get(key))
            .filter_map(|number| self.rows.get(number).map(|row| (*number, row)))
            .collect();
        found.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_order_through_removals_and_selections() {
        let mut table = Table::default();
        for key in ["c", "a", "b"] {
            table.insert(key.to_owned(), key);
        }
        assert_eq!(table.select(["b", "x", "c", "b"].into_iter()), [&"c", &"b"]);
        assert_eq!(table.remove("a"), Some("a"));
        assert_eq!(table.rows().collect::<Vec<_>>(), [&"c", &"b"]);
        assert_eq!((table.get("a"), table.get("b"), table.len()), (None, Some(&"b"), 2));
    }
}
