//! How many rows of each table went by, and their digests: what must be the same on both sides of a move.
//! Knows nothing of where they come from.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::line::hex;
use super::tables::TABLES;

/// What a ledger holds, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Each table, in the order of the file.
    pub tables: Vec<TableSummary>,
    /// SHA-256 of all rows together, as they stand in the file.
    pub sha256: String,
}

/// What a table holds, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSummary {
    /// Its name.
    pub table: String,
    /// How many rows it has.
    pub rows: u64,
    /// SHA-256 of its rows as they stand in the file.
    pub sha256: String,
}

impl Summary {
    /// The first table that is not the same in the other.
    pub(super) fn difference(&self, other: &Self) -> Option<&str> {
        let differs = self.tables.iter().zip(&other.tables).find(|(mine, theirs)| mine != theirs);
        let whole = (self != other).then_some("the whole");
        differs.map(|(mine, _)| mine.table.as_str()).or(whole)
    }
}

/// Counts lines.
#[derive(Default)]
pub(super) struct Tally {
    tables: [(u64, Sha256); TABLES.len()],
    all: Sha256,
}

impl Tally {
    pub(super) fn add(&mut self, table: usize, line: &[u8]) {
        let (rows, digest) = &mut self.tables[table];
        *rows += 1;
        digest.update(line);
        self.all.update(line);
    }

    pub(super) fn summary(&self) -> Summary {
        let digest = |digest: &Sha256| hex(&digest.clone().finalize());
        let table = |((rows, sha256), table): (&(u64, Sha256), &super::tables::Table)| TableSummary {
            table: table.name.to_owned(),
            rows: *rows,
            sha256: digest(sha256),
        };
        Summary { tables: self.tables.iter().zip(&TABLES).map(table).collect(), sha256: digest(&self.all) }
    }
}
