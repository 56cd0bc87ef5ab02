//! What differs per deployment: the environment, read once, every mistake reported at once.
//! Knows nobody of the crate, and nothing of the rules file but its path.

mod environment;
mod ledger;
mod mistake;
mod parse;
mod raw;
mod secret;
pub mod tls;
mod unknown;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use environment::{Environment, secret_file};
pub use ledger::place as ledger_place;
pub use mistake::Mistake;
pub use secret::Secret;
pub use tls::TlsFiles;

use parse::{DAY, HOUR, MINUTE};
use raw::Raw;

/// Clerk's budget is 1000 calls per 10 s for production instances and 100 for development ones; the rest is for others.
const RATE_LIVE: u32 = 900;
const RATE_TEST: u32 = 90;
const RULES: &str = "config/usher.yaml";
const SECOND: Duration = Duration::from_secs(1);
/// Ten, as humantime counts them, so that a message says so.
const YEARS: Duration = Duration::from_secs(10 * 31_557_600);

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// JSON, unless a person is watching.
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// Every setting, valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `CLERK_SECRET_KEY`
    pub secret_key: Secret,
    /// `CLERK_SECRET_KEY_FILE`: where the secret key was read from, if it was a file.
    pub secret_key_file: Option<PathBuf>,
    /// `CLERK_API_URL`, without `/v1` and without a slash at the end.
    pub api_url: String,
    /// `USHER_LISTEN`
    pub listen: SocketAddr,
    /// `USHER_ADMIN_LISTEN`
    pub admin_listen: SocketAddr,
    /// `USHER_TLS_CERT_FILE`, `USHER_TLS_KEY_FILE`, `USHER_TLS_CLIENT_CA_FILE`: for TLS where senders post.
    pub tls: Option<TlsFiles>,
    /// `USHER_CONFIG`: the rules file.
    pub config: PathBuf,
    /// `USHER_LEDGER`: the folder of the embedded ledger, or the address of a database.
    pub ledger: Secret,
    /// `USHER_LEDGER_CONNECTIONS`: connections to the database at the same time, at most.
    pub ledger_connections: usize,
    /// `USHER_RETENTION`: how long finished events are kept.
    pub retention: Duration,
    /// `USHER_DRAIN_DELAY`: how long to keep serving after the signal to end.
    pub drain_delay: Duration,
    /// `USHER_BODY_LIMIT`: the longest body taken, in bytes.
    pub body_limit: usize,
    /// `USHER_CONNECTIONS`: connections of senders at the same time, at most.
    pub connections: usize,
    /// `USHER_BACKLOG_LIMIT`: how many changes may be unfinished before no more events are taken.
    pub backlog_limit: u64,
    /// `USHER_RATE`: calls of Clerk's API per 10 s.
    pub rate: u32,
    /// `USHER_CONCURRENCY`: calls of Clerk's API at the same time, at most.
    pub concurrency: usize,
    /// `USHER_CALL_TIMEOUT`: how long to wait for the answer of one call.
    pub call_timeout: Duration,
    /// `USHER_RETRY_FIRST`: the first delay of the exponential backoff.
    pub retry_first: Duration,
    /// `USHER_RETRY_CEILING`: its longest delay.
    pub retry_ceiling: Duration,
    /// `USHER_GIVE_UP_AFTER`: how long a change is retried before it is dead.
    pub give_up_after: Duration,
    /// `USHER_WAIT_FIRST`: the first pause of a change that waits for a user or for a seat.
    pub wait_first: Duration,
    /// `USHER_WAIT_FOR_USER`: how long a change waits for its user to sign up.
    pub wait_for_user: Duration,
    /// `USHER_HALT_PAUSE`: the pause between two probes while Clerk refuses the key.
    pub halt_pause: Duration,
    /// `USHER_LOG_FORMAT`
    pub log_format: LogFormat,
    /// `RUST_LOG`
    pub log_filter: String,
}

impl Settings {
    /// Reads all settings; `mentioned` says which further `USHER_` variables the rules file names.
    pub fn read(environment: &Environment, mentioned: impl Fn(&str) -> bool) -> Result<Self, Vec<Mistake>> {
        let mut reader = Reader::default();
        let raw = reader.noted(Raw::read(environment)).unwrap_or_default();
        let settings = reader.settings(environment, raw);
        reader.check_together(&settings);
        reader
            .mistakes
            .extend(environment.unreadable().iter().filter(|name| is_ours(name)).map(|name| unreadable(name)));
        reader.mistakes.extend(unknown::unknown(environment, mentioned));
        if reader.mistakes.is_empty() { Ok(settings) } else { Err(reader.mistakes) }
    }
}

/// Where the rules file is, whatever else is wrong, so that its mistakes can be told along with the others.
pub fn rules_path(environment: &Environment) -> PathBuf {
    environment.get("USHER_CONFIG").unwrap_or(RULES).into()
}

fn is_ours(name: &str) -> bool {
    raw::names().any(|known| known == name)
}

fn unreadable(name: &str) -> Mistake {
    Mistake::new(name, "holds bytes that are not UTF-8", "text", "set it again")
}

/// A value as it may be repeated: cut, escaped, and not when it could be a secret in the wrong place.
fn shown(text: &str) -> String {
    if text.contains('@') || text.contains("sk_") {
        return "something that is better not repeated".to_owned();
    }
    format!("{:?}", text.chars().take(80).collect::<String>())
}

/// Goes on after a mistake with a stand-in, so that the next one is found too; the stand-in never leaves.
#[derive(Default)]
struct Reader {
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn noted<T>(&mut self, result: Result<T, Mistake>) -> Option<T> {
        result.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    fn value<T>(
        &mut self,
        variable: &str,
        text: Option<String>,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, parse::Expected>,
    ) -> T {
        let Some(text) = text else { return default };
        parse(text.trim()).unwrap_or_else(|expected| {
            let help = format!("change {variable}, or unset it for the default");
            self.mistakes.push(Mistake::new(variable, format!("is {}", shown(&text)), expected, help));
            default
        })
    }

    fn duration(
        &mut self,
        variable: &str,
        text: Option<String>,
        default: Duration,
        least: Duration,
        most: Duration,
    ) -> Duration {
        self.value(variable, text, default, |text| parse::duration(text, least..=most))
    }

    fn number(&mut self, variable: &str, text: Option<String>, default: u32, least: u32, most: u32) -> u32 {
        self.value(variable, text, default, |text| parse::number(text, least..=most))
    }

    fn settings(&mut self, environment: &Environment, raw: Raw) -> Settings {
        let secret_key = self.secret_key(environment);
        let rate = if secret_key.reveal().starts_with("sk_live_") { RATE_LIVE } else { RATE_TEST };
        let millisecond = Duration::from_millis(1);
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Settings {
            secret_key,
            secret_key_file: environment.get(raw::SECRET_KEY_FILE).map(PathBuf::from),
            api_url: self.value("CLERK_API_URL", raw.clerk_api_url, "https://api.clerk.com".into(), parse::api_url),
            listen: self.value("USHER_LISTEN", raw.usher_listen, local(8080), parse::address),
            admin_listen: self.value("USHER_ADMIN_LISTEN", raw.usher_admin_listen, local(9090), parse::address),
            tls: self
                .noted(tls::files(raw.usher_tls_cert_file, raw.usher_tls_key_file, raw.usher_tls_client_ca_file))
                .flatten(),
            config: raw.usher_config.unwrap_or_else(|| RULES.into()).into(),
            ledger: self.noted(ledger::place(environment)).unwrap_or_else(|| Secret::new("")),
            ledger_connections: self.number("USHER_LEDGER_CONNECTIONS", raw.usher_ledger_connections, 8, 3, 1000)
                as usize,
            retention: self.duration("USHER_RETENTION", raw.usher_retention, DAY * 30, HOUR, YEARS),
            drain_delay: self.duration("USHER_DRAIN_DELAY", raw.usher_drain_delay, SECOND * 5, Duration::ZERO, HOUR),
            body_limit: self.number("USHER_BODY_LIMIT", raw.usher_body_limit, 256 * 1024, 1024, 64 * 1024 * 1024)
                as usize,
            connections: self.number("USHER_CONNECTIONS", raw.usher_connections, 2_500, 16, 1_000_000) as usize,
            backlog_limit: self
                .number("USHER_BACKLOG_LIMIT", raw.usher_backlog_limit, 1_000_000, 1, 1_000_000_000)
                .into(),
            rate: self.number("USHER_RATE", raw.usher_rate, rate, 1, 1_000_000),
            concurrency: self.number("USHER_CONCURRENCY", raw.usher_concurrency, 64, 1, 1024) as usize,
            call_timeout: self.duration(
                "USHER_CALL_TIMEOUT",
                raw.usher_call_timeout,
                SECOND * 10,
                millisecond,
                MINUTE * 5,
            ),
            retry_first: self.duration("USHER_RETRY_FIRST", raw.usher_retry_first, millisecond * 500, millisecond, DAY),
            retry_ceiling: self.duration("USHER_RETRY_CEILING", raw.usher_retry_ceiling, MINUTE * 5, millisecond, DAY),
            give_up_after: self.duration("USHER_GIVE_UP_AFTER", raw.usher_give_up_after, DAY, millisecond, YEARS),
            wait_first: self.duration("USHER_WAIT_FIRST", raw.usher_wait_first, SECOND * 30, millisecond, DAY),
            wait_for_user: self.duration("USHER_WAIT_FOR_USER", raw.usher_wait_for_user, DAY * 7, millisecond, YEARS),
            halt_pause: self.duration("USHER_HALT_PAUSE", raw.usher_halt_pause, SECOND * 30, millisecond, HOUR),
            log_format: self.value("USHER_LOG_FORMAT", raw.usher_log_format, LogFormat::Auto, parse::log_format),
            log_filter: self.value("RUST_LOG", raw.rust_log, "info".into(), parse::log_filter),
        }
    }

    fn secret_key(&mut self, environment: &Environment) -> Secret {
        let expected = "a secret key of a Clerk instance: sk_live_… or sk_test_…";
        let help =
            "copy it from the API keys page of Clerk's dashboard, or point CLERK_SECRET_KEY_FILE to a file with it";
        let problem = match environment.secret(raw::SECRET_KEY) {
            Ok(Some(key)) if ["sk_live_", "sk_test_"].iter().any(|form| key.reveal().starts_with(form)) => return key,
            Ok(Some(key)) if key.reveal().starts_with("pk_") => "holds a publishable key",
            Ok(Some(_)) => "does not begin with sk_live_ or sk_test_",
            Ok(None) => "is not set",
            Err(mistake) => {
                self.mistakes.push(mistake);
                return Secret::new("");
            }
        };
        self.mistakes.push(Mistake::new(raw::SECRET_KEY, problem, expected, help));
        Secret::new("")
    }

    /// What each setting allows alone but not beside another.
    fn check_together(&mut self, settings: &Settings) {
        if settings.secret_key.reveal().starts_with("sk_live_") && parse::is_exposed(&settings.api_url) {
            let problem = "would send a production key unencrypted over the network";
            self.mistakes.push(Mistake::new("CLERK_API_URL", problem, "https://", "use https, or an sk_test_ key"));
        }
        if settings.retry_first > settings.retry_ceiling {
            let help = "raise USHER_RETRY_CEILING or lower USHER_RETRY_FIRST";
            self.mistakes.push(Mistake::new(
                "USHER_RETRY_FIRST",
                "is longer than the ceiling",
                "at most the ceiling",
                help,
            ));
        }
        if settings.listen == settings.admin_listen && settings.listen.port() != 0 {
            let help = "give one of them another port";
            self.mistakes.push(Mistake::new(
                "USHER_ADMIN_LISTEN",
                "is the address of USHER_LISTEN",
                "another address",
                help,
            ));
        }
    }
}

#[cfg(test)]
mod tests;
