//! Who sends: a token or a signing key, from the environment or a file, and the headers that it makes.
//! Knows nothing of what is sent; no secret comes from an argument, and none leaves but as a header.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::exit::Failure;
use crate::webhook::{self, Key};

/// Where the proof is.
#[derive(clap::Args)]
#[group(multiple = false)]
pub(super) struct ProofArgs {
    /// The variable that holds a bearer token
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    /// The file that holds a bearer token, such as that of a Kubernetes ServiceAccount
    #[arg(long, value_name = "PATH")]
    token_file: Option<PathBuf>,
    /// The variable that holds a key of Standard Webhooks: whsec_... or whsk_...
    #[arg(long, value_name = "NAME")]
    secret_env: Option<String>,
    /// The file that holds a key of Standard Webhooks: whsec_... or whsk_...
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,
}

/// What a sender proves itself with.
pub(super) enum Proof {
    None,
    Token(String),
    Key(Key),
}

impl ProofArgs {
    /// Whether they name a signing key.
    pub(super) fn signs(&self) -> bool {
        self.secret_env.is_some() || self.secret_file.is_some()
    }
}

impl Proof {
    /// Reads what the arguments name.
    pub(super) fn read(args: &ProofArgs) -> Result<Self, Failure> {
        match (&args.token_env, &args.token_file, &args.secret_env, &args.secret_file) {
            (Some(name), ..) => token(&variable(name)?, name),
            (_, Some(path), ..) => token(&file(path)?, &path.display().to_string()),
            (_, _, Some(name), _) => key(&variable(name)?, name),
            (.., Some(path)) => key(&file(path)?, &path.display().to_string()),
            _ => Ok(Self::None),
        }
    }

    /// In words.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::None => "without a proof",
            Self::Token(_) => "with a bearer token",
            Self::Key(_) => "signed",
        }
    }

    /// The headers of one attempt to send `body`.
    pub(super) fn headers(&self, id: &str, now: Timestamp, body: &[u8]) -> Vec<(&'static str, String)> {
        match self {
            Self::None => Vec::new(),
            Self::Token(token) => vec![("authorization", format!("Bearer {token}"))],
            Self::Key(key) => {
                let now = now.as_second();
                // A key that cannot sign was refused when it was read.
                vec![
                    ("webhook-id", id.to_owned()),
                    ("webhook-timestamp", now.to_string()),
                    ("webhook-signature", webhook::sign(key, id, now, body).unwrap_or_default()),
                ]
            }
        }
    }
}

fn variable(name: &str) -> Result<String, Failure> {
    let value = std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    value.ok_or_else(|| Failure::misuse(format!("the variable {name} is not set, or is no text")))
}

fn file(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::no_input(format!("{} cannot be read: {error}", path.display())))
}

fn token(text: &str, place: &str) -> Result<Proof, Failure> {
    let token = text.trim();
    let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let unfit = || Failure::misuse(format!("{place} holds no token: a token is one word of visible ASCII"));
    fits.then(|| Proof::Token(token.to_owned())).ok_or_else(unfit)
}

fn key(text: &str, place: &str) -> Result<Proof, Failure> {
    let key = Key::parse(text.trim()).map_err(|error| Failure::misuse(format!("what {place} holds {error}")))?;
    match webhook::sign(&key, "trial", 0, b"") {
        Ok(_) => Ok(Proof::Key(key)),
        Err(error) => Err(Failure::misuse(format!("what {place} holds is of no use: {error}"))),
    }
}
