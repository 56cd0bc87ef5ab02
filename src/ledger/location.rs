//! Where a ledger lives: in a folder, or in a PostgreSQL database.
//! Opens nothing.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::postgres::Address;

/// A place for a ledger.
#[derive(Debug, Clone, PartialEq)]
pub enum Location {
    /// A folder of this process alone.
    Folder(PathBuf),
    /// A database that several processes share.
    Postgres(Box<Address>),
}

impl Default for Location {
    fn default() -> Self {
        Self::Folder(PathBuf::new())
    }
}

/// Without what gets one in.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

/// Why a text names no place for a ledger; never says the text itself, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadLocation(pub(super) String);

impl FromStr for Location {
    type Err = BadLocation;
    fn from_str(text: &str) -> Result<Self, BadLocation> {
        let trimmed = text.trim();
        if trimmed.starts_with("postgres://") || trimmed.starts_with("postgresql://") {
            return trimmed.parse().map(|address| Self::Postgres(Box::new(address)));
        }
        Ok(Self::Folder(text.into()))
    }
}
