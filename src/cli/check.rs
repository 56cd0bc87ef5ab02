//! `usher check`: reads, compiles and tests a rule file and shows every mistake in it.
//! Knows nothing of the service.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command prints what it found")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::rules::{self, Diagnostic, Rules};

/// sysexits' EX_CONFIG.
const EX_CONFIG: u8 = 78;
const DEFAULT_FILE: &str = "config/usher.yaml";
const UNREADABLE: &str = "help: name the rule file, as in: usher check path/to/usher.yaml";

/// Checks `file`, or what `USHER_CONFIG` names, or `config/usher.yaml`; exits with 0 or 78.
pub fn run(file: Option<PathBuf>, json: bool) -> ExitCode {
    let named = || std::env::var_os("USHER_CONFIG").filter(|name| !name.is_empty()).map(PathBuf::from);
    let file = file.or_else(named).unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let checked = check(&file);
    let shown = file.display();
    match (&checked, json) {
        (Ok(rules), false) => println!("{shown}: {}", summary(rules)),
        (Err(Problem::Unreadable(error)), false) => eprintln!("error: {shown} cannot be read: {error}\n  {UNREADABLE}"),
        (Err(Problem::Mistakes(mistakes)), false) => eprintln!("{}", report(&file, mistakes)),
        (checked, true) => println!("{}", as_json(&file, checked)),
    }
    if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(EX_CONFIG) }
}

#[derive(Debug)]
enum Problem {
    Unreadable(std::io::Error),
    Mistakes(Vec<Diagnostic>),
}

fn check(file: &Path) -> Result<Rules, Problem> {
    let source = std::fs::read_to_string(file).map_err(Problem::Unreadable)?;
    rules::load(&file.display().to_string(), &source).map_err(Problem::Mistakes)
}

fn summary(rules: &Rules) -> String {
    format!("{}, {} ok", counted(rules.len(), "rule"), counted(rules.tests(), "test"))
}

fn report(file: &Path, mistakes: &[Diagnostic]) -> String {
    let shown: Vec<_> = mistakes.iter().map(|mistake| format!("{mistake}\n\n")).collect();
    format!("{}{}: {}", shown.concat(), file.display(), counted(mistakes.len(), "mistake"))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn as_json(file: &Path, checked: &Result<Rules, Problem>) -> serde_json::Value {
    let file = file.display().to_string();
    match checked {
        Ok(rules) => json!({"file": file, "ok": true, "rules": rules.len(), "tests": rules.tests(), "diagnostics": []}),
        Err(Problem::Mistakes(mistakes)) => json!({"file": file, "ok": false, "diagnostics": mistakes}),
        Err(Problem::Unreadable(error)) => {
            json!({"file": file, "ok": false, "error": error.to_string(), "diagnostics": []})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!((counted(1, "rule"), counted(0, "test")), ("1 rule".to_owned(), "0 tests".to_owned()));
    }

    #[test]
    fn a_file_that_is_not_there_is_told_as_json_too() {
        let file = Path::new("no/such/file.yaml");
        let told = as_json(file, &check(file));
        assert_eq!(told["ok"], false);
        assert!(told["error"].as_str().is_some_and(|error| !error.is_empty()));
    }
}
