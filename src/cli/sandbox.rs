//! `usher sandbox`: the fake of Clerk's Backend API by itself, until Ctrl-C or SIGTERM.
//! Knows only the sandbox.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to the person who ran it")]

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use actix_web::rt::System;
use tokio::signal::unix::{SignalKind, signal};

use crate::sandbox::{self, Faults, FaultsError, Options, RateLimit, RateLimitError};

/// Of sysexits: the command was used wrongly.
const EX_USAGE: u8 = 64;
/// Of sysexits: something that is needed is not to be had.
const EX_UNAVAILABLE: u8 = 69;

/// Speak enough of Clerk's Backend API to develop and test against, with faults on demand.
#[derive(Debug, Clone, clap::Args)]
pub struct SandboxArgs {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Hold every answer back for so long, for example 20ms.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "0s")]
    pub latency: Duration,
    /// Answer this share of calls with 500, without an effect (0 to 1).
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    pub fail: f64,
    /// Cut the connection on this share of calls, without an effect (0 to 1).
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    pub drop_before: f64,
    /// Cut the connection on this share of calls after their effect (0 to 1).
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    pub drop_after: f64,
    /// Answer 429 beyond so many calls in a window, for example 100/10s.
    #[arg(long, value_name = "CALLS/WINDOW")]
    pub rate_limit: Option<RateLimit>,
    /// Answer 429 beyond so many changes of one membership, or none for no such limit.
    #[arg(long, value_name = "CALLS/WINDOW", default_value = "10/10s")]
    pub role_change_limit: Limit,
    /// Answer 429 beyond so many invitations, or none for no such limit.
    #[arg(long, value_name = "CALLS/WINDOW", default_value = "250/1h")]
    pub invitation_limit: Limit,
    /// Leave out of errors which parameter or missing resource they are about.
    #[arg(long)]
    pub terse_errors: bool,
    /// Let in this secret key only, instead of any that begins with sk_test_.
    #[arg(long, value_name = "KEY")]
    pub secret_key: Option<String>,
    /// Decides ids and faults: the same seed gives the same run.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub seed: u64,
    /// Print the address as one JSON line.
    #[arg(long)]
    pub json: bool,
}

/// A limit, or its absence spelled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(Option<RateLimit>);

impl FromStr for Limit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|limit| Self(Some(limit))) }
    }
}

impl SandboxArgs {
    fn options(&self) -> Result<Options, FaultsError> {
        let faults = Faults { fail: self.fail, drop_before: self.drop_before, drop_after: self.drop_after };
        Ok(Options {
            latency: self.latency,
            faults: faults.checked()?,
            rate_limit: self.rate_limit,
            role_change_limit: self.role_change_limit.0,
            invitation_limit: self.invitation_limit.0,
            terse_errors: self.terse_errors,
            secret_key: self.secret_key.clone(),
            seed: self.seed,
            ..Options::default()
        })
    }
}

/// Runs the sandbox until it is told to stop.
pub fn run(args: SandboxArgs) -> ExitCode {
    let options = match args.options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("usher sandbox: {error}");
            return ExitCode::from(EX_USAGE);
        }
    };
    match System::new().block_on(serve(&args, options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("usher sandbox: cannot listen on {}: {error}", args.listen);
            ExitCode::from(EX_UNAVAILABLE)
        }
    }
}

async fn serve(args: &SandboxArgs, options: Options) -> io::Result<()> {
    let listener = TcpListener::bind(args.listen)?;
    let address = listener.local_addr()?;
    let server = sandbox::start(listener, options)?;
    let mut terminate = signal(SignalKind::terminate())?;
    announce(address, args.json);
    let handle = server.handle();
    let running = actix_web::rt::spawn(server);
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    handle.stop(true).await;
    running.await.unwrap_or(Ok(()))
}

fn announce(address: SocketAddr, json: bool) {
    if json {
        println!("{}", serde_json::json!({ "sandbox": format!("http://{address}") }));
        return;
    }
    println!("The sandbox of Clerk's Backend API listens on http://{address}");
    println!("Point a client at it:");
    println!("  CLERK_API_URL=http://{address} CLERK_SECRET_KEY=sk_test_sandbox");
    println!("  curl -H 'Authorization: Bearer sk_test_sandbox' http://{address}/v1/users");
    println!("See what came in: curl http://{address}/sandbox/calls");
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: SandboxArgs,
    }

    fn options(flags: &str) -> Result<Options, FaultsError> {
        Command::try_parse_from(["sandbox"].into_iter().chain(flags.split_whitespace())).unwrap().args.options()
    }

    #[test]
    fn flags_say_how_the_sandbox_behaves() {
        let options = options("--latency 20ms --fail 0.2 --drop-after 0.1 --rate-limit 100/10s --seed 7").unwrap();
        assert_eq!((options.latency, options.seed), (Duration::from_millis(20), 7));
        assert_eq!(options.faults, Faults { fail: 0.2, drop_before: 0.0, drop_after: 0.1 });
        assert_eq!(options.rate_limit, Some(RateLimit { calls: 100, window: Duration::from_secs(10) }));
    }

    #[test]
    fn single_calls_have_clerks_limits_unless_told_otherwise() {
        let (clerks, none) =
            (options("").unwrap(), options("--invitation-limit none --role-change-limit 1/1s").unwrap());
        assert_eq!(clerks.role_change_limit, Options::default().role_change_limit);
        assert_eq!(clerks.invitation_limit, Options::default().invitation_limit);
        assert_eq!((none.invitation_limit, none.role_change_limit.map(|limit| limit.calls)), (None, Some(1)));
    }

    #[test]
    fn rates_beyond_every_call_are_refused() {
        assert!(matches!(options("--fail 0.6 --drop-before 0.6"), Err(FaultsError::TooMany(_))));
    }
}
