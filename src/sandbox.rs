//! A fake of Clerk's Backend API for development and tests: users, organizations, memberships, and faults on demand.
//! Knows nothing of the rest of the crate, so that what speaks to Clerk is checked by something it shares no code with.

mod call;
mod controls;
mod errors;
mod faults;
mod fields;
mod ids;
mod instance;
mod invitations;
mod listing;
mod memberships;
mod options;
mod organization;
mod organizations;
mod params;
mod rate_limit;
mod recorder;
mod roles;
mod routes;
mod script;
mod seeds;
mod server;
mod store;
mod switches;
mod table;
mod users;
mod wire;

use std::io;
use std::net::TcpListener;

pub use faults::{Faults, FaultsError};
pub use options::Options;
pub use rate_limit::{RateLimit, RateLimitError};

/// Serves a fresh, seeded instance on `listener`; the server runs when it is awaited or spawned, and handles no signals.
pub fn start(listener: TcpListener, options: Options) -> io::Result<actix_web::dev::Server> {
    server::start(listener, options)
}
