//! Environment and rules file together: all that an operator can get wrong, checked before a port is bound.
//! Knows nothing of servers or of the ledger.

use std::fmt;
use std::path::Path;

use super::tls::Tls;
use crate::domain::SenderName;
use crate::rules::{self, Diagnostic, Rules, SecretRef, Sender};
use crate::settings::{self, Environment, Mistake, Secret, Settings};

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 16;

/// Everything that was configured, valid.
pub struct Configuration {
    /// From the environment.
    pub settings: Settings,
    /// From the rules file.
    pub rules: Rules,
    /// The tokens that the rules file refers to, each with its sender.
    pub tokens: Vec<(SenderName, Secret)>,
    /// What the TLS files of the settings hold, where there are any.
    pub tls: Option<Tls>,
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
        let tokens = rules.as_ref().map_or_else(|_| Ok(Vec::new()), |rules| tokens(environment, rules));
        let files = settings.as_ref().ok().and_then(|settings| settings.tls.as_ref());
        let tls = files.map(Tls::load).transpose();
        match (settings, rules, tokens, tls) {
            (Ok(settings), Ok(rules), Ok(tokens), Ok(tls)) => Ok(Self { settings, rules, tokens, tls }),
            (settings, rules, tokens, tls) => Err(Refusal {
                mistakes: [settings.err(), tokens.err(), tls.err()].into_iter().flatten().flatten().collect(),
                diagnostics: rules.err().unwrap_or_default(),
            }),
        }
    }
}

fn tokens(environment: &Environment, rules: &Rules) -> Result<Vec<(SenderName, Secret)>, Vec<Mistake>> {
    let mut tokens: Vec<(SenderName, Secret)> = Vec::new();
    let mut mistakes = Vec::new();
    for sender in rules.senders() {
        for reference in &sender.tokens {
            match token(environment, sender, reference, &tokens) {
                Ok(token) => tokens.push((sender.name.clone(), token)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
    }
    if mistakes.is_empty() { Ok(tokens) } else { Err(mistakes) }
}

fn token(
    environment: &Environment,
    sender: &Sender,
    reference: &SecretRef,
    others: &[(SenderName, Secret)],
) -> Result<Secret, Mistake> {
    let (variable, token) = match reference {
        SecretRef::Env(name) => (name.clone(), environment.secret(name)?),
        SecretRef::File(path) => {
            let variable = format!("a token of sender {}", sender.name);
            let token = settings::secret_file(&variable, path)?;
            (variable, Some(token))
        }
    };
    let mistake = |problem: String| {
        let expected = format!("a token of at least {SHORTEST_TOKEN} characters that no other sender has");
        Mistake::new(&variable, problem, expected, "make one with: openssl rand -hex 24")
    };
    let token = token.ok_or_else(|| mistake(format!("is not set, and sender {} needs it", sender.name)))?;
    if token.reveal().len() < SHORTEST_TOKEN {
        return Err(mistake(format!("has fewer than {SHORTEST_TOKEN} characters")));
    }
    match others.iter().find(|(name, other)| *other == token && *name != sender.name) {
        Some((other, _)) => Err(mistake(format!("is the same for the senders {other} and {}", sender.name))),
        None => Ok(token),
    }
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
