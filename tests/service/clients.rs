//! The official libraries of senders, unchanged: what they send is taken, what they sign is believed.

use std::process::Command;

use crate::support::*;

const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk");
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Each fails with what the library met.
#[track_caller]
fn holds(mut sender: Command, claim: &str, proved: fn(Setup) -> Setup) {
    let sandbox = Sandbox::start(&[]);
    let service = proved(Setup::new(&sandbox.http.base)).start();
    let sender = sender.arg(claim).env("USHER_URL", &service.http.base).env("TOKEN", TOKEN).env("SECRET", SECRET);
    let output = sender.current_dir(SDK).output().unwrap_or_else(|error| panic!("{error}\n{MISSING}"));
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{claim}: {text}\n{MISSING}");
}

const MISSING: &str = "If the library is not installed: tests/run installs it.";

fn node() -> Command {
    let mut command = Command::new("node");
    command.arg("senders.mjs");
    command
}

fn python() -> Command {
    let mut command = Command::new(format!("{SDK}/.venv/bin/python"));
    command.arg("senders.py");
    command
}

fn by_token(setup: Setup) -> Setup {
    setup
}

/// Billing signs, and has no token.
fn by_signature(setup: Setup) -> Setup {
    let rules = RULES.replace("tokens: [{ env: BILLING_TOKEN }]", "signing_secrets: [{ env: BILLING_SECRET }]");
    setup.rules(&rules).without("BILLING_TOKEN").with("BILLING_SECRET", SECRET)
}

#[test]
fn cloudevents_of_javascript_are_taken_in_structured_mode() {
    holds(node(), "structured", by_token);
}

#[test]
fn cloudevents_of_javascript_are_taken_in_binary_mode() {
    holds(node(), "binary", by_token);
}

#[test]
fn cloudevents_of_javascript_are_taken_with_their_data_in_base64() {
    holds(node(), "base64", by_token);
}

#[test]
fn cloudevents_of_javascript_are_taken_from_an_emitter() {
    holds(node(), "emitter", by_token);
}

#[test]
fn cloudevents_of_javascript_are_taken_as_a_batch() {
    holds(node(), "batch", by_token);
}

#[test]
fn what_standardwebhooks_of_javascript_signs_is_believed_and_nothing_else() {
    holds(node(), "signed", by_signature);
}

#[test]
fn cloudevents_of_python_are_taken_in_structured_mode() {
    holds(python(), "structured", by_token);
}

#[test]
fn cloudevents_of_python_are_taken_in_binary_mode() {
    holds(python(), "binary", by_token);
}

#[test]
fn what_standardwebhooks_of_python_signs_is_believed_and_nothing_else() {
    holds(python(), "signed", by_signature);
}
