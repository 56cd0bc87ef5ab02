//! `usher ledger export` and `usher ledger import`: moves a ledger as a file, and says what was in it.
//! Knows nothing of stores; a place may hold a password and is never printed as it came.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command prints what it did")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::exit::Failure;
use crate::app::transfer::{self, Location, MoveError, Summary, TransferError};
use crate::settings::{Environment, ledger_place};

#[derive(Subcommand)]
pub(super) enum LedgerCommand {
    /// Write the whole ledger to a new file; stop every usher that uses it first
    #[command(after_help = EXPORT_HELP)]
    Export(MoveArgs),
    /// Write an exported ledger to a place where none is yet: all of it, or nothing
    #[command(after_help = IMPORT_HELP)]
    Import(MoveArgs),
}

const EXPORT_HELP: &str = "\
The file has every event with its data, and so personal data: it is created for its owner alone (0600).
It ends with the number of rows of each table and their SHA-256 digests, without which it is not imported.
Leases are exported as ended: whatever was in flight is taken up wherever the file is imported.
Grow from one pod to several:  usher ledger export --ledger ./data - | usher ledger import --ledger postgres://… -";

const IMPORT_HELP: &str = "\
A file that was cut or changed is refused. What was written is read back and compared before it is committed.
An address with a password is better kept out of the arguments: put it in USHER_LEDGER, or in a file and its
path in USHER_LEDGER_FILE.";

#[derive(clap::Args)]
pub(super) struct MoveArgs {
    /// The folder or the postgres:// address of the ledger [default: $USHER_LEDGER, or ./data]
    #[arg(long, value_name = "PLACE")]
    ledger: Option<String>,
    /// The file, or - for stdout or stdin
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Exports or imports.
pub(super) fn run(command: &LedgerCommand) -> Result<ExitCode, Failure> {
    let (verb, args) = match command {
        LedgerCommand::Export(args) => ("exported", args),
        LedgerCommand::Import(args) => ("imported", args),
    };
    let place = place(args)?;
    let file = Some(args.file.as_path()).filter(|file| *file != Path::new("-"));
    let summary = match command {
        LedgerCommand::Export(_) => transfer::export(&place, file),
        LedgerCommand::Import(_) => transfer::import(&place, file),
    }?;
    let told = if args.json { as_json(verb, &place, &summary) } else { as_text(verb, &place, &summary) };
    match (command, file) {
        // The rows went to stdout.
        (LedgerCommand::Export(_), None) => eprintln!("{told}"),
        _ => println!("{told}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn place(args: &MoveArgs) -> Result<Location, Failure> {
    let expected = "a folder, or postgres://USER:PASSWORD@HOST:PORT/DATABASE";
    if let Some(place) = &args.ledger {
        return place.parse().map_err(|bad| Failure::misuse(format!("--ledger is {bad}: wanted is {expected}")));
    }
    let place = ledger_place(&Environment::of_process()).map_err(Failure::config)?;
    place.reveal().parse().map_err(|bad| Failure::config(format!("error: USHER_LEDGER is {bad}: wanted is {expected}")))
}

fn as_text(verb: &str, place: &Location, summary: &Summary) -> String {
    let table = |one: &transfer::TableSummary| format!("  {:<12} {:>10} rows  {}\n", one.table, one.rows, one.sha256);
    let preposition = if verb == "exported" { "from" } else { "to" };
    let tables: String = summary.tables.iter().map(table).collect();
    format!(
        "{verb} {preposition} {place}; rows and their SHA-256:\n{tables}  {:<12} {:>15}  {}",
        "all", "", summary.sha256
    )
}

fn as_json(verb: &str, place: &Location, summary: &Summary) -> String {
    json!({ "did": verb, "ledger": place.to_string(), "tables": summary.tables, "sha256": summary.sha256 }).to_string()
}

impl From<MoveError> for Failure {
    fn from(error: MoveError) -> Self {
        let kind = match &error {
            MoveError::Unreadable { .. } => Self::no_input,
            MoveError::Uncreatable { .. } => Self::no_output,
            MoveError::Transfer(TransferError::File(_)) => Self::data,
            MoveError::Transfer(TransferError::NoLedger { .. }) => Self::no_input,
            MoveError::Transfer(_) => Self::ledger,
        };
        kind(error.to_string())
    }
}
