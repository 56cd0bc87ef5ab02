//! Black-box tests: the real binary, real sockets, a real sandbox beside it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on may panic")]

mod bad_input;
mod crash;
mod durable;
mod events;
mod first_run;
mod lifecycle;
mod recipe;
mod start;
#[expect(unreachable_pub, reason = "one binary, several modules: pub is what its siblings use")]
mod support;
