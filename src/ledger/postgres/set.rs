//! The working set: the very tables of the embedded ledger, in memory, filled with what one transaction reads, worked on by
//! the same code, and compared afterwards. Knows nothing of PostgreSQL.

#[derive(Default)]
pub(super) struct Sets {}
