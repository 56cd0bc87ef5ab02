//! `usher dev`: the whole service on one machine, with the sandbox, a ledger that vanishes, and three events to watch.
//! Knows nothing of how the service works: it configures it as an operator would, and speaks HTTP to it.

mod client;
mod print;
mod samples;
mod stage;

use std::net::SocketAddr;
use std::process::ExitCode;

use actix_web::rt::{self, System};

use super::exit::{self, Failure};
use super::signals;
use crate::app::{App, Ended};
use crate::sandbox;
use crate::telemetry::{self, Format};
use client::Client;
use print::Printer;
use stage::{Scene, Stage};

/// What `usher dev` can be told.
#[derive(clap::Args)]
pub(super) struct DevArgs {
    /// End after the three events: 0 when they ended as they should, 1 when not
    #[arg(long)]
    once: bool,
    /// Print one JSON line with the addresses, then one per event
    #[arg(long)]
    json: bool,
    /// Where to send events; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where operators look: probes and metrics
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    admin_listen: SocketAddr,
    /// Where the sandbox listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    sandbox_listen: SocketAddr,
}

/// Runs the service beside the sandbox.
pub(super) fn run(args: &DevArgs) -> Result<ExitCode, Failure> {
    let filter = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = filter.as_deref().unwrap_or("warn");
    telemetry::start(Format::of_stderr(), filter).map_err(|error| Failure::config(format!("error: {error}")))?;
    let stage = Stage::set(args)?;
    System::new().block_on(play(stage, args))
}

async fn play(stage: Stage, args: &DevArgs) -> Result<ExitCode, Failure> {
    let signals = signals::listen()?;
    let fake = sandbox::start(stage.sandbox, sandbox::Options::default());
    rt::spawn(fake.map_err(|error| Failure::os(format!("the sandbox cannot be served: {error}")))?);
    let app = App::build(stage.configuration, stage.listeners).await?;
    let service = rt::spawn(app.run_until(signals.end.clone().cancelled_owned()));
    let shown = signals.end.run_until_cancelled(show(&stage.scene, args)).await;
    if args.once {
        signals.end.cancel();
    }
    tokio::select! {
        ended = service => code(args, shown, ended.unwrap_or(Ended::Broken("the service"))),
        () = signals.end_at_once.cancelled() => Ok(exit::interrupted()),
    }
}

/// Sends the samples one after the other; true when each ended as it should.
async fn show(scene: &Scene, args: &DevArgs) -> bool {
    let (printer, client) = (Printer::new(args.json), Client::new(scene));
    printer.addresses(scene);
    let mut good = true;
    for sample in samples::SAMPLES {
        let told = client.send(sample).await;
        good &= told.as_it_should;
        printer.told(&told);
    }
    if !args.once {
        printer.next(scene);
    }
    good
}

fn code(args: &DevArgs, shown: Option<bool>, ended: Ended) -> Result<ExitCode, Failure> {
    match ended {
        Ended::Broken(part) => Err(Failure::software(format!("{part} ended by itself"))),
        Ended::Asked if args.once && shown != Some(true) => Ok(ExitCode::FAILURE),
        Ended::Asked => Ok(ExitCode::SUCCESS),
    }
}
