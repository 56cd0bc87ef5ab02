//! The sandbox over real sockets: what Clerk's Backend API promises, and the faults that were asked for.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod client;
mod faults;
mod invitations;
mod objects;
mod policies;
mod recorder;
mod refusals;
mod script;
mod sdk;
mod switches;
