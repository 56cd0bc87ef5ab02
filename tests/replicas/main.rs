//! Several real replicas on one real PostgreSQL, and one sandbox beside them.
//!
//! What is measured is printed. The long form of the chaos takes minutes: run it with `--ignored`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on panics and says why"
)]

mod away;
mod balancer;
mod chaos;
mod fleet;
mod killed;
mod load;
mod once;
mod pace;
mod pooler;
#[expect(unreachable_pub, reason = "shared by several crates: pub is what they use, each its part")]
#[path = "../postgres/mod.rs"]
mod postgres;
mod rolling;
mod wire;
#[path = "../service"]
mod service {
    #[expect(unreachable_pub, dead_code, reason = "shared by several crates: pub is what they use, each its part")]
    pub(crate) mod support;
}

use service::support;
