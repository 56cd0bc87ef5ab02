//! The variables as one flat struct, read by envy: every field a text, so that reading does not stop at the first mistake.
//! Knows nothing of what the texts mean.

use serde::Deserialize;

use super::{Environment, Mistake};

/// The settings that are secrets; each may come as `NAME_FILE` too.
pub(super) const SECRETS: [&str; 2] = [SECRET_KEY, LEDGER];
/// The key of the Clerk instance.
pub(super) const SECRET_KEY: &str = "CLERK_SECRET_KEY";
/// The file with it.
pub(super) const SECRET_KEY_FILE: &str = "CLERK_SECRET_KEY_FILE";

/// Where the ledger is; the address of a database may hold a password.
pub(super) const LEDGER: &str = "USHER_LEDGER";
/// The file with it.
pub(super) const LEDGER_FILE: &str = "USHER_LEDGER_FILE";

/// One list makes the struct and the names, so that a setting cannot be read and then be called unknown.
macro_rules! raw {
    ($($field:ident $name:literal),+ $(,)?) => {
        /// What is set.
        #[derive(Default, Deserialize)]
        pub(super) struct Raw {
            $(pub(super) $field: Option<String>,)+
        }

        /// Every setting that is no secret.
        pub(super) const VARIABLES: &[&str] = &[$($name),+];

        #[cfg(test)]
        pub(super) const FIELDS: &[&str] = &[$(stringify!($field)),+];
    };
}

raw! {
    clerk_api_url "CLERK_API_URL",
    usher_listen "USHER_LISTEN",
    usher_admin_listen "USHER_ADMIN_LISTEN",
    usher_tls_cert_file "USHER_TLS_CERT_FILE",
    usher_tls_key_file "USHER_TLS_KEY_FILE",
    usher_tls_client_ca_file "USHER_TLS_CLIENT_CA_FILE",
    usher_config "USHER_CONFIG",
    usher_ledger_connections "USHER_LEDGER_CONNECTIONS",
    usher_retention "USHER_RETENTION",
    usher_drain_delay "USHER_DRAIN_DELAY",
    usher_body_limit "USHER_BODY_LIMIT",
    usher_connections "USHER_CONNECTIONS",
    usher_backlog_limit "USHER_BACKLOG_LIMIT",
    usher_rate "USHER_RATE",
    usher_concurrency "USHER_CONCURRENCY",
    usher_call_timeout "USHER_CALL_TIMEOUT",
    usher_retry_first "USHER_RETRY_FIRST",
    usher_retry_ceiling "USHER_RETRY_CEILING",
    usher_give_up_after "USHER_GIVE_UP_AFTER",
    usher_wait_first "USHER_WAIT_FIRST",
    usher_wait_for_user "USHER_WAIT_FOR_USER",
    usher_halt_pause "USHER_HALT_PAUSE",
    usher_log_format "USHER_LOG_FORMAT",
    rust_log "RUST_LOG",
}

/// Every name that means something, the `_FILE` twins included.
pub(super) fn names() -> impl Iterator<Item = String> {
    let secrets = SECRETS.iter().flat_map(|name| [(*name).to_owned(), format!("{name}_FILE")]);
    secrets.chain(VARIABLES.iter().map(|name| (*name).to_owned()))
}

impl Raw {
    /// What `environment` sets; envy sees only the names that we know, so that no stranger's variable can make it fail.
    pub(super) fn read(environment: &Environment) -> Result<Self, Mistake> {
        let known = environment.iter().filter(|(name, _)| VARIABLES.contains(name));
        envy::from_iter(known.map(|(name, value)| (name.to_owned(), value.to_owned()))).map_err(|error| {
            Mistake::new("the environment", error.to_string(), "settings as text", "report this as a bug")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_its_variable_in_lower_case() {
        let lower: Vec<_> = VARIABLES.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(lower, FIELDS);
    }
}
