//! How a command ends: exit codes by sysexits, and a message on stderr.
//! Knows nothing of commands.
#![expect(clippy::print_stderr, reason = "messages for the person at the command line")]

use std::fmt::Display;
use std::process::ExitCode;

use crate::app::{BuildError, OpenError};

/// The command line is wrong.
const USAGE: u8 = 64;
/// What was given to work on makes no sense.
const DATA: u8 = 65;
/// What was given to work on cannot be read.
const NO_INPUT: u8 = 66;
/// Something that is needed is taken by somebody else, or not there.
const UNAVAILABLE: u8 = 69;
/// A bug, or a part that broke.
const SOFTWARE: u8 = 70;
/// The operating system refuses.
const OS: u8 = 71;
/// A file cannot be created.
const NO_OUTPUT: u8 = 73;
/// The ledger cannot be read or written.
const IO: u8 = 74;
/// The configuration is wrong.
const CONFIG: u8 = 78;

/// A command that did not do what it was for.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    fn of(code: u8, message: impl Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// The command line is wrong in a way that only the command itself can tell.
    pub(super) fn misuse(message: impl Display) -> Self {
        Self::of(USAGE, format!("error: {message}"))
    }

    /// A file that makes no sense.
    pub(super) fn data(message: impl Display) -> Self {
        Self::of(DATA, format!("error: {message}"))
    }

    /// A file that cannot be read.
    pub(super) fn no_input(message: impl Display) -> Self {
        Self::of(NO_INPUT, format!("error: {message}"))
    }

    /// A file that cannot be created.
    pub(super) fn no_output(message: impl Display) -> Self {
        Self::of(NO_OUTPUT, format!("error: {message}"))
    }

    /// The ledger cannot be read or written.
    pub(super) fn ledger(message: impl Display) -> Self {
        Self::of(IO, format!("error: {message}"))
    }

    /// The address is taken, or nobody is there.
    pub(super) fn unavailable(message: impl Display) -> Self {
        Self::of(UNAVAILABLE, format!("error: {message}"))
    }

    /// A bug, or a part that broke.
    pub(super) fn software(message: impl Display) -> Self {
        Self::of(SOFTWARE, format!("error: {message}"))
    }

    /// The operating system refuses.
    pub(super) fn os(message: impl Display) -> Self {
        Self::of(OS, format!("error: {message}"))
    }

    /// The configuration is wrong; the message is complete as it is.
    pub(super) fn config(message: impl Display) -> Self {
        Self::of(CONFIG, message)
    }

    /// Says it, and gives the exit code.
    pub(super) fn report(self) -> ExitCode {
        eprintln!("{}", self.message);
        ExitCode::from(self.code)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let code = match &error {
            BuildError::Ledger(OpenError::Unreachable { .. }) => UNAVAILABLE,
            BuildError::Ledger(_) => IO,
            BuildError::Client(_) | BuildError::Tls(_) => CONFIG,
            BuildError::Listener(_) => OS,
            BuildError::Thread => SOFTWARE,
        };
        Self::of(code, format!("error: {error}"))
    }
}

/// Prints clap's answer: help and version are no mistakes.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be told to a person whose terminal is gone.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// What shells say of a program that a signal ended.
pub(super) fn interrupted() -> ExitCode {
    ExitCode::from(130)
}
