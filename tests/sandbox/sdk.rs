//! The official SDK of the provider, unchanged, as the judge of the sandbox.

use std::process::Command;

#[test]
fn the_official_sdk_finds_everything_as_it_expects() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk");
    let output =
        Command::new("node").args(["check.mjs", env!("CARGO_BIN_EXE_usher")]).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\nIf the SDK is not installed: tests/run installs it.");
}
