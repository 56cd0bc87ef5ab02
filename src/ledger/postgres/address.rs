//! The address of a database, `postgres://user:password@host:port/name?sslmode=…`; nothing that it shows has a password.
//! Connects to nothing.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};

use super::tls::{Mode, Roots, Trust};
use crate::ledger::location::BadLocation;

/// What may follow the question mark; the first of them are ours, the others those of the library.
const OPTIONS: [&str; 21] = [
    "sslmode",
    "sslrootcert",
    "prepared_statements",
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

const OURS: usize = 3;

/// Where a PostgreSQL database is, how to get in, and how to know that it is the right one.
#[derive(Clone, PartialEq)]
pub struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// Whether statements may have names, which a pooler in transaction mode may mix up.
    pub(super) prepared: bool,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hosts and database, and nothing of who gets in.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        });
        let addresses = self.config.get_hostaddrs().iter().map(ToString::to_string);
        let named: Vec<_> = if self.config.get_hosts().is_empty() { addresses.collect() } else { names.collect() };
        let ports: Vec<_> = self.config.get_ports().iter().map(ToString::to_string).collect();
        write!(f, "postgres://{}:{}/{}", named.join(","), ports.join(","), self.config.get_dbname().unwrap_or_default())
    }
}

impl FromStr for Address {
    type Err = BadLocation;
    fn from_str(text: &str) -> Result<Self, BadLocation> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let options: Vec<(&str, &str)> = query
            .split('&')
            .filter(|option| !option.is_empty())
            .map(|o| o.split_once('=').unwrap_or((o, "")))
            .collect();
        known(query, &options)?;
        let others = options.iter().filter(|(name, _)| !OPTIONS[..OURS].contains(name));
        let others: Vec<String> = others.map(|(name, value)| format!("{name}={value}")).collect();
        let mut config: Config = format!("{base}?{}", others.join("&")).parse().map_err(|error| unreadable(&error))?;
        let has = |name: &str| options.iter().any(|(known, _)| *known == name);
        let is_local = is_local(&config)?;
        let value = |name| options.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| decoded(value));
        let mode = value("sslmode").map(|mode| mode.parse()).transpose()?;
        let roots = value("sslrootcert").map(|path| Roots::read(&path)).transpose()?;
        let prepared = value("prepared_statements").map_or(Ok(false), |word| yes_or_no(&word))?;
        let (ssl_mode, trust) = Mode::decide(mode, roots, is_local)?;
        config.ssl_mode(ssl_mode);
        complete(&mut config, has)?;
        Ok(Self { config, trust, prepared })
    }
}

/// Refuses what the library would not know; says only what cannot be a part of a password.
fn known(query: &str, options: &[(&str, &str)]) -> Result<(), BadLocation> {
    let Some((name, _)) = options.iter().find(|(name, _)| !OPTIONS.contains(name)) else { return Ok(()) };
    let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if query.contains('@') || !is_word {
        return Err(escape());
    }
    Err(BadLocation(format!("has the option {name}, which usher does not know; it knows {}", OPTIONS.join(", "))))
}

fn yes_or_no(word: &str) -> Result<bool, BadLocation> {
    match word {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(BadLocation("has a value for prepared_statements that is neither yes nor no".to_owned())),
    }
}

fn escape() -> BadLocation {
    let problem = "is no address of a database; in user and password @ : / ? # & and % are written as %40 %3A %2F %3F %23 %26 %25";
    BadLocation(problem.to_owned())
}

/// Names the option whose value is wrong where the library does, and nothing else of the text.
fn unreadable(error: &tokio_postgres::Error) -> BadLocation {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    match cause.strip_prefix("invalid value for option ") {
        Some(option) => BadLocation(format!("has a value that cannot be used for the option {option}")),
        None => escape(),
    }
}

/// Whether all of it is on this machine, where nobody listens in between.
fn is_local(config: &Config) -> Result<bool, BadLocation> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(BadLocation("names no host".to_owned()));
    }
    if !config.get_hostaddrs().is_empty() {
        return Ok(config.get_hostaddrs().iter().all(IpAddr::is_loopback));
    }
    Ok(config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
    }))
}

/// What a database that vanishes without a word must not be waited for, and a standby not be taken for it.
fn complete(config: &mut Config, has: impl Fn(&str) -> bool) -> Result<(), BadLocation> {
    if config.get_ports().is_empty() {
        config.port(5432);
    }
    let seconds = Duration::from_secs;
    if !has("application_name") {
        config.application_name("usher");
    }
    if !has("connect_timeout") {
        config.connect_timeout(seconds(5));
    }
    if !has("tcp_user_timeout") {
        config.tcp_user_timeout(seconds(10));
    }
    if !has("keepalives_idle") {
        config.keepalives_idle(seconds(10));
    }
    if !has("keepalives_interval") {
        config.keepalives_interval(seconds(5));
    }
    if !has("keepalives_retries") {
        config.keepalives_retries(3);
    }
    if !has("target_session_attrs") {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config.get_target_session_attrs() == TargetSessionAttrs::ReadOnly {
        return Err(BadLocation("asks for a server that takes no writes; a ledger is written".to_owned()));
    }
    Ok(())
}

/// A value as it was before it was written into an address.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%');
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
