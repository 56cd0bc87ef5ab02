//! What every HTTP face of usher shares: problem documents, pointers into a body, and the state behind the probes.
//! Knows nobody else of the crate.

pub mod pointer;
pub mod probes;
pub mod problem;

mod kind;
pub mod unread;
