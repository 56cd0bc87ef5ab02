//! The command line: what a person or a manifest can ask for, and how it ends.
//! Knows sockets, signals and exit codes; the service itself is `app`.

pub mod check;
mod dev;
mod exit;
mod ledger;
mod listen;
mod openapi;
pub mod sandbox;
mod send;
mod serve;
mod signals;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Failure;

/// Turns events into organization memberships through Clerk's Backend API: durable, in order, once.
#[derive(Parser)]
#[command(name = "usher", version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Try it, without a Clerk account:  usher dev
Exit codes: 0 done, 1 not as it should be, 64 usage, 65 not an event, 66 file not readable,
  69 address in use or not reached, 70 internal, 73 file not created, 74 ledger, 78 configuration";

#[derive(Subcommand)]
enum Command {
    /// Run the service; the environment configures it (config/example.env lists every variable)
    Serve,
    /// Run the service beside a sandbox of Clerk on this machine, and send it three events
    Dev(dev::DevArgs),
    /// Compile the rules file and run its tests
    Check(CheckArgs),
    /// Move a ledger between a folder and PostgreSQL, as a file
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Print the contract of the HTTP face, as OpenAPI 3.1
    Openapi,
    /// Send an event, once or many times, and show what came of it
    Send(send::SendArgs),
    /// Run the sandbox by itself: a fake of Clerk's Backend API
    Sandbox(sandbox::SandboxArgs),
}

#[derive(clap::Args)]
struct CheckArgs {
    /// The rules file [default: $USHER_CONFIG, or config/usher.yaml]
    file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command that the arguments of this process ask for.
pub fn run() -> ExitCode {
    let result = match Cli::try_parse() {
        Ok(Cli { command: Command::Serve }) => serve::run(),
        Ok(Cli { command: Command::Dev(args) }) => dev::run(&args),
        Ok(Cli { command: Command::Openapi }) => openapi::run(),
        Ok(Cli { command: Command::Ledger(command) }) => ledger::run(&command),
        Ok(Cli { command: Command::Check(args) }) => return check::run(args.file, args.json),
        Ok(Cli { command: Command::Send(args) }) => send::run(&args),
        Ok(Cli { command: Command::Sandbox(args) }) => return sandbox::run(args),
        Err(error) => return exit::usage(&error),
    };
    result.unwrap_or_else(Failure::report)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
