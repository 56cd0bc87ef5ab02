//! Black-box tests: the real binary, real sockets, a real sandbox beside it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on panics and says why"
)]

mod bad_input;
mod brake;
mod crash;
mod durable;
mod errors;
mod events;
mod first_run;
mod halt;
mod lifecycle;
mod limits;
mod names;
mod overload;
mod promises;
mod recipe;
mod start;
#[expect(unreachable_pub, reason = "one binary, several modules: pub is what its siblings use")]
mod support;
