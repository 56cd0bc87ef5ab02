//! `usher send`: posts an event as any sender would, proves who sends it, and shows what came of it.
//! Knows nothing of the service but its HTTP face.

mod address;
mod answer;
mod binary;
mod client;
mod deliver;
mod no_answer;
mod print;
mod proof;
mod tally;
mod template;
mod text;
mod tls;

use std::io::{self, Read as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use actix_web::rt::System;
use futures_util::stream::{self, StreamExt as _};
use uuid::Uuid;

use super::exit::Failure;
use answer::{Answer, Verdict};
use client::Client;
use deliver::{Delivery, Patience, deliver};
use no_answer::NoAnswer;
use print::{Plan, Printer};
use proof::{Proof, ProofArgs};
use template::{Message, Mode, Template};
use tls::TlsArgs;

const DEFAULT_URL: &str = "http://127.0.0.1:8080";
/// The name of no file.
const STDIN: &str = "-";
/// How often a copy is sent again when the service asks to come back later.
const RETRIES: u32 = 3;

const UNSIGNABLE: &str =
    "with --mode binary an event cannot be signed: a signature covers the body, and the event is in the headers
  help: send it with --mode structured, or prove who sends it with a token";

const AFTER_HELP: &str = "\
A secret is never an argument: other processes of this machine can see those.
Exit codes: 0 all accepted (with --wait: and ended well), 1 not so, 64 usage, 65 the file is no event, 66 a file
  cannot be read or has no certificate, 69 nobody answers";

/// What `usher send` can be told.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct SendArgs {
    /// A file with an event, a CloudEvent or plain JSON, or with a list of events; - reads stdin
    #[arg(value_name = "EVENT.json")]
    file: PathBuf,
    /// Where usher listens; /v1/events is added [default: $USHER_URL, or http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    #[command(flatten)]
    proof: ProofArgs,
    #[command(flatten)]
    tls: TlsArgs,
    /// How it travels [default: structured with a specversion, batch for a list, else plain]
    #[arg(long)]
    mode: Option<Mode>,
    /// Wait for the outcome of every change, for 30 seconds unless told
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30", value_parser = seconds)]
    wait: Option<u32>,
    /// Send so many copies, each under an id of its own, which is that of the file with -1, -2, ... behind it
    #[arg(long, value_name = "N", value_parser = number)]
    repeat: Option<NonZeroU32>,
    /// Let the copies have the same id: they are repeats of one event
    #[arg(long, requires = "repeat")]
    same_id: bool,
    /// How many copies are on their way at the same time
    #[arg(long, value_name = "C", default_value = "1", requires = "repeat", value_parser = number)]
    concurrency: NonZeroU32,
    /// Print one JSON object per answer, and one at the end of --repeat
    #[arg(long)]
    json: bool,
}

/// Sends; 0 if everything is accepted and, with `--wait`, ended well.
pub(super) fn run(args: &SendArgs) -> Result<ExitCode, Failure> {
    signable(args)?;
    let template = template(args)?;
    let url = url(args.to.as_deref())?;
    let proof = Proof::read(&args.proof)?;
    let plan = plan(args, &template, &proof, url.clone());
    let tls = tls::config(&args.tls)?;
    let printer = Printer::new(args.json, plan);
    System::new().block_on(async { send(&Client::new(url, proof, tls), &template, printer, args).await })
}

/// The service would refuse it: in binary mode the event is in headers, and a signature is of the body.
fn signable(args: &SendArgs) -> Result<(), Failure> {
    let fits = args.mode != Some(Mode::Binary) || !args.proof.signs();
    fits.then_some(()).ok_or_else(|| Failure::misuse(UNSIGNABLE))
}

async fn send(
    client: &Client,
    template: &Template,
    mut printer: Printer,
    args: &SendArgs,
) -> Result<ExitCode, Failure> {
    printer.begins();
    let began = Instant::now();
    let copies = 1..=args.repeat.map_or(1, NonZeroU32::get);
    let deliveries = copies.map(|copy| one(client, template, args, copy));
    let mut deliveries = stream::iter(deliveries).buffer_unordered(args.concurrency.get() as usize);
    let mut end = End::default();
    while let Some(sent) = deliveries.next().await {
        let (message, delivery) = sent?;
        printer.told(&message, &delivery);
        end.count(delivery.result, args.wait.is_some());
    }
    printer.ends(began.elapsed());
    end.code(client.url())
}

async fn one(client: &Client, template: &Template, args: &SendArgs, copy: u32) -> Result<(Message, Delivery), Failure> {
    let suffix = (args.repeat.is_some() && !args.same_id).then_some(copy);
    let message = template.message(suffix).map_err(|error| unfit(&args.file, &error))?;
    let patience = Patience {
        wait: args.wait.map(|seconds| Duration::from_secs(seconds.into())),
        retries: if args.repeat.is_some() { RETRIES } else { 0 },
    };
    let delivery = deliver(client, &message, &format!("msg_{}", new_id()), patience).await;
    Ok((message, delivery))
}

/// How the command ends.
#[derive(Default)]
struct End {
    answered: bool,
    not_good: bool,
    no_answer: Option<NoAnswer>,
}

impl End {
    fn count(&mut self, result: Result<Answer, NoAnswer>, waited: bool) {
        match result.map(|answer| answer.verdict()) {
            // Without --wait nobody asked for the end.
            Ok(verdict) => {
                self.answered = true;
                self.not_good |= verdict == Verdict::Refused || waited && verdict != Verdict::Good;
            }
            Err(error) => {
                self.not_good = true;
                self.no_answer = Some(error);
            }
        }
    }

    fn code(self, url: &str) -> Result<ExitCode, Failure> {
        match self.no_answer {
            Some(error) if !self.answered => Err(nobody(url, &error)),
            _ if self.not_good => Ok(ExitCode::FAILURE),
            _ => Ok(ExitCode::SUCCESS),
        }
    }
}

fn nobody(url: &str, error: &NoAnswer) -> Failure {
    let help = error.help().map(|help| format!("\n  help: {help}")).unwrap_or_default();
    Failure::unavailable(format!("{url}: {error}{help}"))
}

fn plan(args: &SendArgs, template: &Template, proof: &Proof, url: String) -> Plan {
    Plan {
        url,
        mode: template.mode().name(),
        proof: proof.name(),
        made_ids: template.made_ids().to_vec(),
        made_source: template.made_source(),
        copies: args.repeat.map(NonZeroU32::get),
        same_id: args.same_id,
        concurrency: args.concurrency.get(),
        waits: args.wait.is_some(),
    }
}

fn url(to: Option<&str>) -> Result<String, Failure> {
    let named = std::env::var("USHER_URL").ok().filter(|url| !url.is_empty());
    address::events_url(to.or(named.as_deref()).unwrap_or(DEFAULT_URL)).map_err(Failure::misuse)
}

fn template(args: &SendArgs) -> Result<Template, Failure> {
    let unreadable = |error| Failure::no_input(format!("{} cannot be read: {error}", shown(&args.file)));
    let bytes = read(&args.file).map_err(unreadable)?;
    Template::read(bytes, args.mode, new_id).map_err(|error| unfit(&args.file, &error))
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file != Path::new(STDIN) {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unfit(file: &Path, error: &template::TemplateError) -> Failure {
    Failure::data(format!("{} {error}", shown(file)))
}

fn shown(file: &Path) -> String {
    if file == Path::new(STDIN) { "stdin".to_owned() } else { file.display().to_string() }
}

/// `UUIDv7`: later ones sort behind earlier ones.
fn new_id() -> String {
    let milliseconds = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
    let random = fastrand::u128(..).to_be_bytes();
    let (random, _) = random.split_first_chunk().unwrap_or((&[0; 10], &[]));
    let id: Uuid = uuid::Builder::from_unix_timestamp_millis(milliseconds, random).into_uuid();
    id.to_string()
}

fn number(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_no_number| format!("expected a whole number from 1 to {}", u32::MAX))
}

fn seconds(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_no_number| "expected seconds; name the file before --wait".to_owned())
}
