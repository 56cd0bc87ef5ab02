//! The address of a database, `postgres://user:password@host:port/name?sslmode=…`; its Debug says no password.
//! Connects to nothing.

use std::fmt;
use std::str::FromStr;

use tokio_postgres::Config;

use crate::ledger::location::BadLocation;

/// Where a PostgreSQL database is and how to get in.
#[derive(Clone, PartialEq)]
pub struct Address {
    pub(super) config: Config,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://…")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://…")
    }
}

impl FromStr for Address {
    type Err = BadLocation;
    fn from_str(text: &str) -> Result<Self, BadLocation> {
        let config = text
            .parse()
            .map_err(|_unsaid: tokio_postgres::Error| BadLocation("not an address of PostgreSQL".to_owned()))?;
        Ok(Self { config })
    }
}
