//! What `usher dev` sets up before it begins: sockets, a folder, made-up secrets, and a configuration from them.
//! Knows nothing of what is played on it.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::DevArgs;
use crate::app::{Configuration, Listeners, RulesFile};
use crate::cli::exit::Failure;
use crate::cli::listen;
use crate::rules::{self, SecretRef};
use crate::settings::Environment;

/// Where the shipped rules are in a checkout; a copy is in the binary.
const RULES: &str = "config/usher.yaml";
const SHIPPED_RULES: &str = include_str!("../../../config/usher.yaml");
/// The token of the sender of the samples.
const SAMPLE_TOKEN: &str = "BILLING_TOKEN";

/// Everything that is ready before the service is built; the folder goes when this does.
pub(super) struct Stage {
    pub(super) scene: Scene,
    pub(super) configuration: Configuration,
    pub(super) listeners: Listeners,
    pub(super) sandbox: TcpListener,
    _folder: TempDir,
}

/// What a person needs to know to take part.
pub(super) struct Scene {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) sandbox: SocketAddr,
    pub(super) token: String,
    pub(super) rules: String,
    pub(super) ledger: PathBuf,
}

impl Stage {
    /// Checks the rules, then binds.
    pub(super) fn set(args: &DevArgs) -> Result<Self, Failure> {
        let file = rules_file()?;
        let tokens = made_up_tokens(&file);
        let folder = tempfile::Builder::new().prefix("usher-dev-").tempdir();
        let folder = folder.map_err(|error| Failure::os(format!("no folder for the ledger: {error}")))?;
        let environment = environment(&tokens, folder.path());
        let mut configuration = Configuration::check(&environment, &file).map_err(Failure::config)?;
        let public = listen::bind("--listen", args.listen)?;
        let admin = listen::bind("--admin-listen", args.admin_listen)?;
        let sandbox = listen::bind("--sandbox-listen", args.sandbox_listen)?;
        let scene = Scene {
            listen: reachable(&public)?,
            admin: reachable(&admin)?,
            sandbox: reachable(&sandbox)?,
            token: sample_token(tokens),
            rules: file.name,
            ledger: folder.path().to_owned(),
        };
        configuration.settings.api_url = format!("http://{}", scene.sandbox);
        Ok(Self { scene, configuration, listeners: Listeners { public, admin }, sandbox, _folder: folder })
    }
}

/// The file of this folder where there is one, so that edits show; the shipped one elsewhere.
fn rules_file() -> Result<RulesFile, Failure> {
    if Path::new(RULES).exists() {
        return RulesFile::read(Path::new(RULES)).map_err(Failure::config);
    }
    Ok(RulesFile { name: format!("{RULES} (shipped)"), source: SHIPPED_RULES.to_owned() })
}

/// A secret for every variable that the rules refer to, tokens first, so that nothing real is needed or used.
fn made_up_tokens(file: &RulesFile) -> Vec<(String, String)> {
    // A broken file is reported when the configuration is checked.
    let Ok(rules) = rules::load(&file.name, &file.source) else { return Vec::new() };
    // What is made up is a key too: 24 bytes in base64.
    let tokens = rules.senders().iter().flat_map(|sender| &sender.tokens);
    let references = tokens.chain(rules.senders().iter().flat_map(|sender| &sender.signing_secrets));
    let names = references.filter_map(|reference| match reference {
        SecretRef::Env(name) => Some(name.clone()),
        SecretRef::File(_) => None,
    });
    names.map(|name| (name, made_up())).collect()
}

fn sample_token(tokens: Vec<(String, String)>) -> String {
    let of_samples = tokens.into_iter().min_by_key(|(name, _)| name != SAMPLE_TOKEN);
    of_samples.map(|(_, token)| token).unwrap_or_default()
}

/// Nothing of the person's own settings gets in, so that nothing can leave this machine.
fn environment(tokens: &[(String, String)], ledger: &Path) -> Environment {
    let settings = [
        ("CLERK_SECRET_KEY".to_owned(), format!("sk_test_{}", made_up())),
        ("USHER_LEDGER".to_owned(), ledger.display().to_string()),
        ("USHER_DRAIN_DELAY".to_owned(), "0s".to_owned()),
        ("USHER_RATE".to_owned(), "1000000".to_owned()),
    ];
    settings.into_iter().chain(tokens.iter().cloned()).collect()
}

/// 128 bits; the standard library seeds its hash maps from the operating system's random source.
fn made_up() -> String {
    let half = || RandomState::new().hash_one("usher dev");
    format!("{:016x}{:016x}", half(), half())
}

/// An address that a client on this machine can use, also when the socket listens on all of them.
fn reachable(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    let mut address = listen::address(listener)?;
    if address.ip().is_unspecified() {
        match address {
            SocketAddr::V4(_) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            SocketAddr::V6(_) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        }
    }
    Ok(address)
}
