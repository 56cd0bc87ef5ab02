//! Environment and rules file together: all that an operator can get wrong, checked before a port is bound.
//! Knows nothing of servers or of the ledger.

use std::fmt;
use std::path::Path;

use super::secrets::Secrets;
use super::tls::Tls;
use crate::ledger::{BadLocation, Location};
use crate::rules::{self, Diagnostic, Rules};
use crate::settings::{self, Environment, Mistake, Settings};

/// Everything that was configured, valid.
pub struct Configuration {
    /// From the environment.
    pub settings: Settings,
    /// From the rules file.
    pub rules: Rules,
    /// The tokens and keys that the rules file refers to.
    pub secrets: Secrets,
    /// What the TLS files of the settings hold, where there are any.
    pub tls: Option<Tls>,
    /// Where the ledger is, as the settings say.
    pub ledger: Location,
}

/// A rules file as read, and how to name it in messages.
pub struct RulesFile {
    /// Its path.
    pub name: String,
    /// Its text.
    pub source: String,
}

/// Everything that is wrong, environment first.
#[derive(Debug, Default)]
pub struct Refusal {
    /// In the environment.
    pub mistakes: Vec<Mistake>,
    /// In the rules file.
    pub diagnostics: Vec<Diagnostic>,
}

impl RulesFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, Mistake> {
        match std::fs::read_to_string(path) {
            Ok(source) => Ok(Self { name: path.display().to_string(), source }),
            Err(error) => {
                let problem = format!("is {}, which cannot be read: {error}", path.display());
                let help = "create the file there, or point USHER_CONFIG to it";
                Err(Mistake::new("USHER_CONFIG", problem, "the path of a rules file", help))
            }
        }
    }
}

impl Configuration {
    /// Reads the environment and the rules file that it names.
    pub fn read(environment: &Environment) -> Result<Self, Refusal> {
        match RulesFile::read(&settings::rules_path(environment)) {
            Ok(file) => Self::check(environment, &file),
            Err(unread) => {
                let mut mistakes = Settings::read(environment, |_| true).err().unwrap_or_default();
                mistakes.push(unread);
                Err(Refusal { mistakes, diagnostics: Vec::new() })
            }
        }
    }

    /// Checks the environment together with a rules file.
    pub fn check(environment: &Environment, file: &RulesFile) -> Result<Self, Refusal> {
        // A variable that a broken rules file mentions may be meant for it; better no word than a wrong one.
        let settings = Settings::read(environment, |name| file.source.contains(name));
        let rules = rules::load(&file.name, &file.source);
        let senders = rules.as_ref().map_or(&[][..], Rules::senders);
        let secrets = Secrets::read(environment, senders);
        let files = settings.as_ref().ok().and_then(|settings| settings.tls.as_ref());
        let tls = files.map(Tls::load).transpose();
        let ledger = settings.as_ref().map_or_else(|_| Ok(Location::default()), location);
        match (settings, rules, secrets, tls, ledger) {
            (Ok(settings), Ok(rules), Ok(secrets), Ok(tls), Ok(ledger)) => {
                Ok(Self { settings, rules, secrets, tls, ledger })
            }
            (settings, rules, secrets, tls, ledger) => Err(Refusal {
                mistakes: [settings.err(), secrets.err(), tls.err(), ledger.err()]
                    .into_iter()
                    .flatten()
                    .flatten()
                    .collect(),
                diagnostics: rules.err().unwrap_or_default(),
            }),
        }
    }
}

/// Where the settings say that the ledger is.
fn location(settings: &Settings) -> Result<Location, Vec<Mistake>> {
    settings.ledger.reveal().parse().map_err(|bad: BadLocation| {
        let expected = "a folder, or postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…";
        vec![Mistake::new("USHER_LEDGER", bad.to_string(), expected, "change USHER_LEDGER, or the file it is in")]
    })
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mistakes.iter().try_for_each(|mistake| writeln!(f, "{mistake}\n"))?;
        self.diagnostics.iter().try_for_each(|diagnostic| writeln!(f, "{diagnostic}\n"))?;
        let count = self.mistakes.len() + self.diagnostics.len();
        write!(f, "{count} {} to mend; nothing was started", if count == 1 { "mistake" } else { "mistakes" })
    }
}

#[cfg(test)]
mod tests;
