//! Tests of the embedded ledger that need to see inside it; what any ledger must do is told in `tests/ledger.rs`.

mod groups;
mod identities;
mod refusals;

use super::{Embedded, Ledger, Store};

impl Ledger {
    fn embedded(&self) -> &Embedded {
        match &self.0 {
            Store::Embedded(store) => store,
            Store::Postgres(_) => panic!("not embedded"),
        }
    }
}
