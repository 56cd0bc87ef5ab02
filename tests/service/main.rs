//! Black-box tests: the real binary, real sockets, a real sandbox beside it.

mod bad_input;
mod crash;
mod durable;
mod events;
mod first_run;
mod lifecycle;
mod recipe;
mod start;
mod support;
