//! What every HTTP face of usher shares: problem documents, pointers into a body, the state behind the probes, bounds
//! on heads, on patience
//! with slow clients, what becomes of a panic, and the end of connections whose body nobody reads.
//! Knows nobody else of the crate.

pub mod connection;
pub mod farewell;
pub mod heads;
pub mod kind;
pub mod panics;
pub mod pointer;
pub mod probes;
pub mod problem;
mod rewrite;
pub mod unread;
