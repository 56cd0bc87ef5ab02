//! Composition: [`App::build`] does all that can fail, [`App::run_until`] runs the parts and stops them in order.
//! Knows every part, and nothing of what a part does.

mod configuration;
mod descriptors;
mod dispatcher_thread;
mod housekeeping;
mod jwks;
mod opening;
mod secrets;
mod servers;
mod tls;
pub mod transfer;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::rt::{self, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::bapi::{Client, ClientConfig, ConfigError, SecretKey};
use crate::dispatch::{Dispatcher, Policy, Rate};
use crate::domain::{Brakes, EventId, Turns};
use crate::http::probes::Probes;
use crate::ingest::admission::Backlog;
use crate::ingest::authenticate::jwks::KeySet;
use crate::ingest::authenticate::{Proofs, service_account::ServiceAccounts};
use crate::ingest::limits::Limits;
use crate::ingest::{InFlight, Ingest};
pub use crate::ledger::OpenError;
use crate::ledger::{Ledger, Subscriber};
use crate::metrics::Metrics;
use crate::rules::{Rules, Sender};
use crate::settings::Settings;
use crate::wake::{Outcomes, Wake};

pub use crate::ingest::contract::document as contract;
pub use configuration::{Configuration, Refusal, RulesFile};
use dispatcher_thread::DispatcherThread;
pub use secrets::Secrets;
pub use tls::Tls;

/// A dispatcher whose loop has not turned for so long is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// The bound sockets.
pub struct Listeners {
    /// For senders.
    pub public: TcpListener,
    /// For operators.
    pub admin: TcpListener,
}

/// Why the service could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The client of Clerk's API.
    #[error("the client of Clerk's API cannot be made: {0}")]
    Client(#[from] ConfigError),
    /// A server.
    #[error("a listener cannot be served: {0}")]
    Listener(#[from] io::Error),
    /// TLS of the public listener.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The thread of the dispatcher.
    #[error("the dispatcher's thread ended before it began")]
    Thread,
}

/// Why the service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Asked,
    /// This part ended by itself; what was accepted is in the ledger.
    Broken(&'static str),
}

/// The service, built and not yet running.
pub struct App {
    ledger: Ledger,
    metrics: Arc<Metrics>,
    probes: Probes,
    outcomes: Outcomes<EventId>,
    public: Server,
    admin: Server,
    dispatcher: DispatcherThread,
    key_sets: Vec<Arc<KeySet>>,
    tls: Option<Tls>,
    secrets: Secrets,
    proofs: Proofs,
    backlog: Backlog,
    drain_delay: Duration,
    retention: Duration,
}

impl App {
    /// Opens the ledger and builds every part; runs inside an actix system.
    pub async fn build(configuration: Configuration, listeners: Listeners) -> Result<Self, BuildError> {
        let Configuration { settings, rules, secrets, tls, ledger } = configuration;
        let (metrics, probes) = (Arc::new(Metrics::new()), Probes::default());
        let (wake, outcomes) = (Wake::default(), Outcomes::default());
        metrics.rules(rules.len());
        let (ledger, policy) = (opening::open(ledger, &settings, &metrics).await?, policy(&settings, &rules));
        ledger.subscribe(Subscriber { wake: wake.clone(), outcomes: outcomes.clone() });
        let service_accounts = service_accounts(&rules);
        let proofs = Proofs::new(secrets.keyring(), service_accounts.clone());
        descriptors::warn(settings.connections);
        let limits = Limits::new(settings.body_limit, settings.backlog_limit, rules.senders());
        let ingest = Ingest {
            rules: Arc::new(rules),
            proofs: proofs.clone(),
            ledger: ledger.clone(),
            wake: wake.clone(),
            outcomes: outcomes.clone(),
            in_flight: InFlight::default(),
            metrics: Arc::clone(&metrics),
            body_limit: settings.body_limit,
            limits: limits.clone(),
        };
        let secure = tls.as_ref().map(Tls::server_config).transpose()?;
        let admin = Admin { probes: probes.clone(), ledger: ledger.clone(), metrics: Arc::clone(&metrics) };
        let dispatcher = dispatcher(&settings, policy, &ledger, (wake, outcomes.clone()), &metrics, &probes).await?;
        Ok(Self {
            dispatcher,
            public: servers::public(listeners.public, ingest, settings.connections, secure, probes.readiness.clone())?,
            admin: servers::admin(listeners.admin, admin)?,
            ledger,
            metrics,
            probes,
            key_sets: service_accounts.key_sets(),
            tls,
            secrets,
            proofs,
            backlog: limits.backlog,
            outcomes,
            drain_delay: settings.drain_delay,
            retention: settings.retention,
        })
    }

    /// Runs until `shutdown`, then drains: first unready, then without listeners, at last without calls in flight.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) -> Ended {
        let (readiness, outcomes) = (self.probes.readiness.clone(), self.outcomes.clone());
        let drain_delay = self.drain_delay;
        let mut running = self.start();
        readiness.ready();
        tracing::info!("ready");
        let ended = tokio::select! {
            () = shutdown => Ended::Asked,
            part = running.broken() => Ended::Broken(part),
        };
        readiness.drain();
        // Whoever waits for an outcome gets the state of now, and looks again elsewhere or later.
        outcomes.close();
        match ended {
            Ended::Asked => {
                tracing::info!(delay_seconds = drain_delay.as_secs_f64(), "draining");
                rt::time::sleep(drain_delay).await;
            }
            Ended::Broken(part) => tracing::error!(part, "ended by itself, stopping the rest"),
        }
        running.stop(ended).await;
        tracing::info!("stopped");
        ended
    }

    fn start(mut self) -> Running {
        let stop = CancellationToken::new();
        self.dispatcher.start();
        rt::spawn(housekeeping::report_until(stop.clone(), self.ledger.clone(), self.metrics, self.backlog));
        rt::spawn(housekeeping::purge_until(stop.clone(), self.ledger.clone(), self.retention));
        for set in self.key_sets {
            rt::spawn(jwks::keep_until(stop.clone(), set));
        }
        if let Some(tls) = self.tls {
            rt::spawn(tls.watch_until(stop.clone()));
        }
        rt::spawn(self.secrets.watch_until(stop.clone(), self.proofs));
        Running {
            public: Serving::of(self.public),
            admin: Serving::of(self.admin),
            dispatcher: self.dispatcher,
            ledger: self.ledger,
            housekeeping: stop,
        }
    }
}

/// The parts while they run.
struct Running {
    public: Serving,
    admin: Serving,
    dispatcher: DispatcherThread,
    ledger: Ledger,
    housekeeping: CancellationToken,
}

impl Running {
    /// Waits for a part to end by itself, and names it.
    async fn broken(&mut self) -> &'static str {
        tokio::select! {
            _ = &mut self.public.task => "the public server",
            _ = &mut self.admin.task => "the operators' server",
            () = self.dispatcher.ended() => DISPATCHER,
        }
    }

    /// What is accepted last waits in the ledger; operators can look until the end; the ledger closes when nobody writes.
    async fn stop(self, ended: Ended) {
        tokio::join!(self.public.handle.stop(true), self.dispatcher.stop(ended == Ended::Broken(DISPATCHER)));
        self.housekeeping.cancel();
        self.admin.handle.stop(true).await;
        self.ledger.close().await;
    }
}

const DISPATCHER: &str = "the dispatcher";

/// A server that runs.
struct Serving {
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

impl Serving {
    fn of(server: Server) -> Self {
        Self { handle: server.handle(), task: rt::spawn(server) }
    }
}

async fn dispatcher(
    settings: &Settings,
    policy: Policy,
    ledger: &Ledger,
    (wake, outcomes): (Wake, Outcomes<EventId>),
    metrics: &Arc<Metrics>,
    probes: &Probes,
) -> Result<DispatcherThread, BuildError> {
    let mut config = ClientConfig::new(&settings.api_url, secret_key(settings));
    config.timeout = settings.call_timeout;
    let (ledger, metrics) = (ledger.clone(), Arc::clone(metrics));
    let make = move || {
        let dispatcher = Dispatcher::new(ledger, Client::new(config)?, policy, wake, metrics);
        Ok(dispatcher.telling(outcomes))
    };
    DispatcherThread::build(make, probes.liveness.watch(DISPATCHER, PATIENCE)).await
}

fn secret_key(settings: &Settings) -> SecretKey {
    let key = SecretKey::new(settings.secret_key.reveal());
    match &settings.secret_key_file {
        Some(path) => key.from_file(path),
        None => key,
    }
}

fn service_accounts(rules: &Rules) -> ServiceAccounts {
    let account = |sender: &Sender| Some((sender.name.clone(), sender.service_account.clone()?));
    ServiceAccounts::new(rules.senders().iter().filter_map(account).collect())
}

fn policy(settings: &Settings, rules: &Rules) -> Policy {
    Policy {
        first_delay: settings.retry_first,
        ceiling: settings.retry_ceiling,
        give_up_after: settings.give_up_after,
        wait_first_delay: settings.wait_first,
        wait_for_user: settings.wait_for_user,
        halt_pause: settings.halt_pause,
        concurrency: settings.concurrency,
        // Longer than a call can take, so that no lease lapses under a call in flight.
        lease: settings.call_timeout * 2 + Duration::from_secs(5),
        rate: Rate { calls: settings.rate, per: Duration::from_secs(10) },
        brakes: Arc::new(Brakes::new(rules.senders().iter().map(|sender| (sender.name.clone(), sender.brake)))),
        turns: Turns::new(rules.senders().iter().map(|sender| (sender.name.clone(), sender.weight))),
        ..Policy::default()
    }
}
