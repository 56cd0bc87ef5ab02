//! `usher serve`: configuration, logs, sockets, then the service until a signal.
//! Knows nothing of the parts of the service.

use std::process::ExitCode;

use actix_web::rt::System;

use super::exit::Failure;
use super::{exit, listen, signals};
use crate::app::{App, Configuration, Ended, Listeners};
use crate::settings::{Environment, LogFormat, Settings};
use crate::telemetry::{self, Format};

/// Runs the service.
pub(super) fn run() -> Result<ExitCode, Failure> {
    let configuration = Configuration::read(&Environment::of_process()).map_err(Failure::config)?;
    start_logs(&configuration.settings)?;
    let listeners = Listeners {
        public: listen::bind("USHER_LISTEN", configuration.settings.listen)?,
        admin: listen::bind("USHER_ADMIN_LISTEN", configuration.settings.admin_listen)?,
    };
    System::new().block_on(serve(configuration, listeners))
}

async fn serve(configuration: Configuration, listeners: Listeners) -> Result<ExitCode, Failure> {
    let signals = signals::listen()?;
    announce(&configuration, &listeners)?;
    let app = tokio::select! {
        app = App::build(configuration, listeners) => app?,
        // A database may be waited for; nothing was accepted yet.
        () = signals.end.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    tokio::select! {
        ended = app.run_until(signals.end.cancelled()) => code(ended),
        () = signals.end_at_once.cancelled() => {
            tracing::warn!("ended at once; what was accepted is in the ledger");
            Ok(exit::interrupted())
        }
    }
}

fn start_logs(settings: &Settings) -> Result<(), Failure> {
    let format = match settings.log_format {
        LogFormat::Auto => Format::of_stderr(),
        LogFormat::Json => Format::Json,
        LogFormat::Text => Format::text(),
    };
    telemetry::start(format, &settings.log_filter).map_err(Failure::software)
}

fn announce(configuration: &Configuration, listeners: &Listeners) -> Result<(), Failure> {
    let Configuration { settings, rules, tls, ledger, .. } = configuration;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = %listen::address(&listeners.public)?,
        admin_listen = %listen::address(&listeners.admin)?,
        tls = tls.is_some(),
        api_url = settings.api_url,
        %ledger,
        config = %settings.config.display(),
        rules = rules.len(),
        senders = rules.senders().len(),
        "starting"
    );
    Ok(())
}

fn code(ended: Ended) -> Result<ExitCode, Failure> {
    match ended {
        Ended::Asked => Ok(ExitCode::SUCCESS),
        Ended::Broken(part) => Err(Failure::software(format!("{part} ended by itself; the logs say why"))),
    }
}
