//! The secrets that the rules file refers to: read and checked at start, and again when their files change.
//! Knows nothing of requests; a secret itself is not kept, only its digest or the key made of it.

mod reload;

use std::path::PathBuf;

use crate::domain::{Digest, SenderName};
use crate::ingest::authenticate::Keyring;
use crate::rules::{SecretRef, Sender};
use crate::settings::{self, Environment, Mistake, Secret};
use crate::webhook::Key;

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 16;

/// All secrets of all senders, none of them that of two.
#[derive(Default)]
pub struct Secrets(Vec<Held>);

/// One secret, as configured.
struct Held {
    sender: SenderName,
    kind: Kind,
    /// Where to look for its successor.
    path: Option<PathBuf>,
    proof: Proof,
    /// Why its file is not taken now, as it was logged.
    trouble: Option<String>,
}

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Token,
    SigningSecret,
}

/// What is kept of a secret.
#[derive(Clone)]
struct Proof {
    digest: Digest,
    key: Option<Key>,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::SigningSecret => "signing secret",
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Token => format!("a token of at least {SHORTEST_TOKEN} characters that no other sender has"),
            Self::SigningSecret => {
                "whsec_… (24 to 64 random bytes in base64) or whpk_… (an ed25519 public key) that no other sender has"
                    .to_owned()
            }
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Token => "make one with: openssl rand -hex 24",
            Self::SigningSecret => "make one with: echo whsec_$(openssl rand -base64 32)",
        }
    }

    /// What `secret` proves, or what is wrong with it.
    fn read(self, secret: &Secret) -> Result<Proof, String> {
        let (text, digest) = (secret.reveal(), Digest::of_bytes(secret.reveal().as_bytes()));
        match self {
            Self::Token if text.len() < SHORTEST_TOKEN => Err(format!("has fewer than {SHORTEST_TOKEN} characters")),
            Self::Token => Ok(Proof { digest, key: None }),
            Self::SigningSecret => {
                let key = Key::parse(text).map_err(|error| error.to_string())?;
                Ok(Proof { digest, key: Some(key) })
            }
        }
    }
}

impl Proof {
    /// Whether whoever has one could be taken for whoever has the other.
    fn is_same(&self, other: &Self) -> bool {
        let same_key = matches!((&self.key, &other.key), (Some(key), Some(other)) if key.is_same(other));
        self.digest == other.digest || same_key
    }
}

impl Secrets {
    /// Reads what the senders refer to; every mistake is told.
    pub fn read(environment: &Environment, senders: &[Sender]) -> Result<Self, Vec<Mistake>> {
        let (mut held, mut mistakes) = (Vec::new(), Vec::new());
        for sender in senders {
            let tokens = sender.tokens.iter().map(|reference| (Kind::Token, reference));
            let signing = sender.signing_secrets.iter().map(|reference| (Kind::SigningSecret, reference));
            for (kind, reference) in tokens.chain(signing) {
                match Held::read(environment, sender, kind, reference, &held) {
                    Ok(one) => held.push(one),
                    Err(mistake) => mistakes.push(mistake),
                }
            }
        }
        if mistakes.is_empty() { Ok(Self(held)) } else { Err(mistakes) }
    }

    /// What requests are held against.
    pub fn keyring(&self) -> Keyring {
        let mut keyring = Keyring::default();
        for Held { sender, proof, .. } in &self.0 {
            match &proof.key {
                Some(key) => keyring.add_key(sender.clone(), key.clone()),
                None => keyring.add_token(sender.clone(), proof.digest),
            }
        }
        keyring
    }
}

impl Held {
    fn read(
        environment: &Environment,
        sender: &Sender,
        kind: Kind,
        reference: &SecretRef,
        others: &[Self],
    ) -> Result<Self, Mistake> {
        let (variable, secret) = match reference {
            SecretRef::Env(name) => (name.clone(), environment.secret(name)?),
            SecretRef::File(path) => {
                let variable = format!("a {} of sender {}", kind.noun(), sender.name);
                let secret = settings::secret_file(&variable, path)?;
                (variable, Some(secret))
            }
        };
        let mistake = |problem: String| Mistake::new(&variable, problem, kind.expected(), kind.help());
        let secret = secret.ok_or_else(|| mistake(format!("is not set, and sender {} needs it", sender.name)))?;
        let proof = kind.read(&secret).map_err(mistake)?;
        match others.iter().find(|other| other.sender != sender.name && other.proof.is_same(&proof)) {
            Some(other) => Err(mistake(format!("is the same for the senders {} and {}", other.sender, sender.name))),
            None => {
                let path = path_of(environment, reference);
                Ok(Self { sender: sender.name.clone(), kind, path, proof, trouble: None })
            }
        }
    }
}

/// The file of a secret, also of a variable that points to one.
fn path_of(environment: &Environment, reference: &SecretRef) -> Option<PathBuf> {
    match reference {
        SecretRef::File(path) => Some(path.clone()),
        SecretRef::Env(name) => environment.get(&format!("{name}_FILE")).map(PathBuf::from),
    }
}

#[cfg(test)]
mod tests;
