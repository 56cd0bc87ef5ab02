//! What can go wrong on the way to the database and in it, and what an operator can do about it.
//! Says nothing that a statement had with it: not its values, and not the details in which the database repeats them.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use deadpool::managed::TimeoutType;
use tokio_postgres::error::{DbError, SqlState};

use super::pool::PoolError;
use crate::ledger::error::LedgerError;

/// Why something was not done, as far as is known.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database said no, or the connection broke.
    Database(tokio_postgres::Error),
    /// No connection could be had.
    Connection(PoolError),
    /// It took too long.
    Slow(Duration),
    /// What was read is not what usher writes, or the working set failed.
    Set(rusqlite::Error),
    /// A change that was to be written went to another queue before that was locked.
    Moved,
    /// Nothing was asked: others found no room on the disk of the database a moment ago.
    Full,
    /// The ledger is being closed.
    Closed,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Connection(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Set(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) | Self::Connection(PoolError::Backend(error)) => said(f, error),
            Self::Connection(PoolError::Timeout(TimeoutType::Wait)) => f.write_str(
                "all connections to the database are busy; raise USHER_LEDGER_CONNECTIONS, or see what is slow there",
            ),
            Self::Connection(PoolError::Timeout(_)) => {
                f.write_str("no connection to the database could be made in time")
            }
            Self::Connection(_) => f.write_str("the connections to the database are closed"),
            Self::Slow(limit) => write!(f, "the database did not answer within {} s", limit.as_secs()),
            Self::Set(error) => write!(f, "the working set fails: {error}"),
            Self::Moved => f.write_str("a change went to another membership meanwhile"),
            Self::Full => f.write_str("the disk of the database was full a moment ago"),
            Self::Closed => f.write_str("the ledger is closed"),
        }
    }
}

/// What the database said, or what happened to the connection, and what to do.
fn said(f: &mut fmt::Formatter<'_>, error: &tokio_postgres::Error) -> fmt::Result {
    if let Some(refusal) = error.as_db_error() {
        return refused(f, refusal);
    }
    write!(f, "{error}")?;
    // Values that could not be written or read are not repeated.
    if error.to_string().contains("serializing") {
        return Ok(());
    }
    let mut cause = error.source();
    while let Some(why) = cause {
        write!(f, ": {why}")?;
        cause = why.source();
    }
    if error.to_string().contains("TLS") {
        f.write_str("; sslrootcert=/path/of/root.pem names whom to trust, sslmode=require trusts whoever answers")?;
    }
    Ok(())
}

fn refused(f: &mut fmt::Formatter<'_>, refusal: &DbError) -> fmt::Result {
    let code = refusal.code().code();
    // What the database says of a value that it does not take has the value in it.
    let message = if code.starts_with("22") { "it does not take a value" } else { refusal.message() };
    write!(f, "the database says: {message} (SQLSTATE {code})")?;
    let help = match code {
        "28P01" | "28000" => "; check user and password in USHER_LEDGER, and who may connect in pg_hba.conf",
        "3D000" => "; create the database first",
        "42501" => "; give the role the rights that README.md lists under Several replicas",
        "53300" => "; lower USHER_LEDGER_CONNECTIONS or raise max_connections",
        "53100" => "; make room on its disk",
        "25006" => "; this server takes no writes now, as a standby does",
        "26000" | "42P05" => "; a pooler stands between: take prepared_statements=yes out of USHER_LEDGER",
        "42P01" | "42703" => "; the tables in the schema usher are not those that usher made",
        _ => "",
    };
    f.write_str(help)
}

impl From<Failure> for LedgerError {
    fn from(failure: Failure) -> Self {
        match &failure {
            Failure::Closed => Self::Closed,
            Failure::Full => Self::Full,
            _ if failure.is_of_room() => Self::Full,
            _ => Self::Unavailable(failure.to_string()),
        }
    }
}

impl Failure {
    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Database(error) | Self::Connection(PoolError::Backend(error)) => error.code(),
            Self::Connection(_) | Self::Slow(_) | Self::Set(_) | Self::Moved | Self::Full | Self::Closed => None,
        }
    }

    /// Whether another try may succeed at once or soon.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Database(error) => error.code().is_none_or(passes),
            Self::Connection(_) | Self::Moved => true,
            Self::Slow(_) | Self::Set(_) | Self::Full | Self::Closed => false,
        }
    }

    /// The same for a database that is only just being looked for: who is refused there will be refused again.
    pub(super) fn may_pass_at_start(&self) -> bool {
        match self {
            Self::Slow(_) => true,
            Self::Connection(_) => self.code().is_none_or(passes),
            Self::Database(_) | Self::Set(_) | Self::Moved | Self::Full | Self::Closed => self.may_pass(),
        }
    }

    /// Whether somebody else held a lock for longer than it was waited for.
    pub(super) fn is_of_a_lock(&self) -> bool {
        self.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
    }

    /// Whether there was no room on the disk of the database.
    pub(super) fn is_of_room(&self) -> bool {
        self.code() == Some(&SqlState::DISK_FULL)
    }

    /// Whether what was asked may have been done all the same.
    pub(super) fn is_ambiguous(&self) -> bool {
        match self {
            Self::Database(error) => error.code().is_none_or(|code| matches!(class(code), "08" | "57")),
            Self::Slow(_) => true,
            Self::Connection(_) | Self::Set(_) | Self::Moved | Self::Full | Self::Closed => false,
        }
    }
}

/// Connections, conflicts, lack of room, locks, operators who restart it; and a standby that is about to be more.
fn passes(code: &SqlState) -> bool {
    matches!(class(code), "08" | "40" | "53" | "55" | "57") || *code == SqlState::READ_ONLY_SQL_TRANSACTION
}

fn class(code: &SqlState) -> &str {
    code.code().get(..2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(code: &str) -> bool {
        passes(&SqlState::from_code(code))
    }

    #[test]
    fn what_may_pass_is_what_the_state_of_the_server_decides() {
        for code in ["08006", "57P01", "57P02", "57P03", "53300", "53100", "40001", "40P01", "55P03", "25006"] {
            assert!(passing(code), "{code}");
        }
        for code in ["28P01", "3D000", "42501", "42P01", "23505", "22P02"] {
            assert!(!passing(code), "{code}");
        }
    }

    #[test]
    fn a_pool_without_a_free_connection_is_unavailable_and_says_what_to_do() {
        let full = Failure::Connection(PoolError::Timeout(TimeoutType::Wait));
        assert!(full.to_string().contains("USHER_LEDGER_CONNECTIONS") && !full.is_ambiguous());
        // Not `Busy`, which says of itself that the disk does not keep up.
        assert!(matches!(LedgerError::from(full), LedgerError::Unavailable(_)));
        assert!(matches!(LedgerError::from(Failure::Slow(Duration::from_secs(1))), LedgerError::Unavailable(_)));
    }
}
