//! Black-box tests: the real binary, real sockets, a real sandbox beside it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on panics and says why"
)]

mod bad_input;
mod batch;
mod brake;
mod ceilings;
mod clients;
mod contract;
mod crash;
mod durable;
mod errors;
mod events;
mod first_run;
mod formats;
mod halt;
mod idempotency;
mod lifecycle;
mod limits;
mod methods;
mod names;
mod overload;
mod promises;
mod proof;
mod recipe;
mod send;
mod service_account;
mod signed_identity;
mod start;
#[expect(unreachable_pub, reason = "one binary, several modules: pub is what its siblings use")]
mod support;
mod tls;
mod trace;
mod waiting;
