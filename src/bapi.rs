//! Clerk's Backend API as usher needs it: one method per call, each tried once, each failure classified.
//! Knows nothing of ledgers, retries or pace.

mod call;
mod client;
mod code;
mod config;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod key;
mod query;
mod reply;
mod transport;
mod wire;

pub use client::Client;
pub use config::{ClientConfig, ConfigError};
pub use error::{BapiError, Class, Health};
pub use key::SecretKey;
pub use reply::{FoundUser, Invitation, Membership, Organization, Reply};

/// The API version every call asks for; the shapes that usher reads are those of this version.
pub const API_VERSION: &str = "2026-05-12";
