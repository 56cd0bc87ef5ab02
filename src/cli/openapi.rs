//! `usher openapi`: prints the contract that a running usher serves at `/openapi.json`.
//! Knows nothing of what is in it.

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::exit::Failure;
use crate::app;

/// Prints the document, for people to read and for tools to compare.
pub(super) fn run() -> Result<ExitCode, Failure> {
    let document = format!("{:#}\n", app::contract());
    match io::stdout().lock().write_all(document.as_bytes()) {
        // Whoever reads on has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::software(error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}
