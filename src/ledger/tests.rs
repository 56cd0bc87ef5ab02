//! What is peculiar to the SQLite ledger: its groups, its ids, its file, and the files that it refuses.

mod groups;
mod identities;
mod refusals;
