//! The ledger in PostgreSQL as rows, and rows as a ledger in PostgreSQL, each in one transaction on one connection.
//! Refuses where a replica is alive; knows nothing of files.

mod read;
mod write;

use std::io;

use tokio::runtime;

use super::address::Address;
use super::error::Failure;
use super::pool::Connection;
use super::pool::Pool;
use super::schema::{self, Unfit};
use super::session::Session;
use crate::ledger::error::OpenError;
use crate::ledger::transfer::{In, Out, TransferError, compare, counting};

/// It takes as long as it takes, and what is told to be there is on disk.
const NO_LIMITS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
    SET LOCAL lock_timeout = '5s'; SET LOCAL jit = off; SET LOCAL synchronous_commit = on";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
/// Whoever begins to serve meanwhile records nothing in between.
const WRITE: &str = "BEGIN; LOCK TABLE usher.events IN EXCLUSIVE MODE";

const EXISTS: &str = "SELECT to_regclass('usher.events') IS NOT NULL";
const ALIVE: &str = "SELECT count(*) FROM usher.replicas WHERE seen_at + gone_after > clock_timestamp()";

pub(in crate::ledger) fn export(address: &Address, to: &mut Out<'_>) -> Result<(), TransferError> {
    run(async {
        let pool = Pool::new(address, 1)?;
        if !truth(&*connection(&pool).await?, EXISTS).await? {
            return Err(TransferError::NoLedger { place: "the database".to_owned() });
        }
        schema::migrate(&pool).await?;
        let client = connection(&pool).await?;
        refuse_newer(&client).await?;
        begin(&client, READ).await?;
        refuse_replicas(&client).await?;
        read::tables(&client, to).await?;
        client.batch_execute("COMMIT").await?;
        // One that came meanwhile may have recorded what the file does not have.
        refuse_replicas(&client).await
    })
}

pub(in crate::ledger) fn import(address: &Address, from: &mut In<'_>) -> Result<(), TransferError> {
    run(async {
        let pool = Pool::new(address, 1)?;
        schema::migrate(&pool).await?;
        let client = connection(&pool).await?;
        refuse_newer(&client).await?;
        begin(&client, WRITE).await?;
        refuse_replicas(&client).await?;
        if truth(&client, write::ANYTHING).await? {
            return Err(TransferError::NotEmpty { place: "the database".to_owned() });
        }
        write::tables(&client, from).await?;
        let mut nowhere = io::sink();
        let mut read_back = counting(&mut nowhere);
        read::tables(&client, &mut read_back).await?;
        compare(from, read_back)?;
        client.batch_execute("COMMIT").await.map_err(unsure)
    })
}

/// What is not committed when this ends is rolled back: the connections end with it.
fn run(work: impl Future<Output = Result<(), TransferError>>) -> Result<(), TransferError> {
    runtime::Builder::new_current_thread().enable_all().build().map_err(thread)?.block_on(work)
}

fn thread(error: io::Error) -> TransferError {
    OpenError::Postgres(error.to_string()).into()
}

async fn connection(pool: &Pool) -> Result<Connection, TransferError> {
    Ok(pool.get().await.map_err(Unfit::from)?)
}

async fn begin(client: &Session, how: &str) -> Result<(), TransferError> {
    Ok(client.batch_execute(&format!("{how}; {NO_LIMITS}")).await?)
}

async fn truth(client: &Session, question: &str) -> Result<bool, TransferError> {
    Ok(client.query_typed_one(question, &[]).await?.try_get(0)?)
}

async fn refuse_replicas(client: &Session) -> Result<(), TransferError> {
    match client.query_typed_one(ALIVE, &[]).await?.try_get(0)? {
        0 => Ok(()),
        count => Err(TransferError::Replicas { count }),
    }
}

/// Tables that a later usher made may have columns that this one would leave behind.
async fn refuse_newer(client: &Session) -> Result<(), TransferError> {
    let newest: i32 = client.query_typed_one("SELECT max(version) FROM usher.versions", &[]).await?.try_get(0)?;
    match newest == schema::latest() {
        true => Ok(()),
        false => Err(OpenError::Postgres("a later usher made its tables: move it with that one".to_owned()).into()),
    }
}

impl From<tokio_postgres::Error> for TransferError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(Failure::from(error).to_string())
    }
}

impl From<Unfit> for TransferError {
    fn from(unfit: Unfit) -> Self {
        Self::Open(OpenError::Postgres(match unfit {
            Unfit::Failed(failure) => failure.to_string(),
            Unfit::ReadOnly => "this server takes no writes, as a standby does".to_owned(),
            Unfit::Never(why) => why,
        }))
    }
}

fn unsure(error: tokio_postgres::Error) -> TransferError {
    match error.code() {
        Some(_) => error.into(),
        None => TransferError::Unsure(Failure::from(error).to_string()),
    }
}
