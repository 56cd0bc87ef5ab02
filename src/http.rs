//! What every HTTP face of usher shares: problem documents, pointers into a body, the state behind the probes, and
//! the end of connections whose body nobody reads.
//! Knows nobody else of the crate.

pub mod kind;
pub mod pointer;
pub mod probes;
pub mod problem;
pub mod unread;
