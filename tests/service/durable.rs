//! A ledger that cannot take more: 503, and nothing acknowledged is lost.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::*;

/// The limit is on the size of any one file, as a full disk would be, and is lifted while the service runs.
#[test]
fn a_full_disk_is_503_with_retry_after_and_what_was_acknowledged_stays() {
    let sandbox = Sandbox::start(&[]);
    let setup = Setup::new(&sandbox.http.base).with("USHER_CONCURRENCY", "1");
    let mut limited = Command::new("prlimit");
    let binary = env!("CARGO_BIN_EXE_usher");
    limited.args(["--fsize=300000:unlimited", binary, "serve"]).env_clear().env("PATH", std::env::var("PATH").unwrap());
    limited.envs(setup.command.iter().cloned());
    let service = Service::spawn(&mut limited);
    let mut acknowledged = Vec::new();
    // A small write may still find room where a larger one did not, so this goes on until the probe finds none either.
    let refused = eventually("a full disk that the probe sees", || {
        let answer = service.http.post(&purchase(&format!("{}", acknowledged.len()), "user_ada", "team"));
        if answer.status == 202 {
            acknowledged.push(answer.header("location").unwrap().to_owned());
            return None;
        }
        (service.admin.get("/readyz").status == 503).then_some(answer)
    });
    refused.problem(503, "ledger-full");
    assert!(refused.header("retry-after").is_some());
    assert!(!acknowledged.is_empty());
    let pid = service.process.child.id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:unlimited"]).status().unwrap().success());
    eventually("recovery", || (service.http.post(&purchase("after", "user_bob", "team")).status == 202).then_some(()));
    for location in &acknowledged {
        assert_eq!(service.settled_as(TOKEN, location)["status"], "done");
    }
    eventually("ready again", || (service.admin.get("/readyz").status == 200).then_some(()));
}

#[test]
fn a_folder_that_cannot_be_written_stops_the_start() {
    let setup = Setup::new("http://127.0.0.1:9").with("USHER_LEDGER", "/proc/usher");
    let output = setup.serve_output();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(74), "{text}");
    assert!(text.contains("/proc/usher") && !text.contains("panicked"), "{text}");
}

/// Root writes everywhere, so a root that runs this becomes somebody else.
#[test]
fn a_ledger_folder_that_is_read_only_stops_the_start() {
    let setup = Setup::new("http://127.0.0.1:9");
    std::fs::create_dir(setup.ledger()).unwrap();
    for (folder, mode) in [(setup.folder.path().to_owned(), 0o755), (setup.ledger(), 0o555)] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let copy = setup.folder.path().join("usher");
    std::fs::copy(env!("CARGO_BIN_EXE_usher"), &copy).unwrap();
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = if is_root { Command::new("setpriv") } else { Command::new(&copy) };
    if is_root {
        command.args(["--reuid=65532", "--clear-groups"]).arg(&copy);
    }
    let output = command.arg("serve").envs(setup.command.iter().cloned()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(74), "{text}");
    assert!(text.contains(setup.ledger().to_str().unwrap()), "{text}");
}
