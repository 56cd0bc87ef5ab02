//! Starts the processes of a measurement, pinned to a core, and reads the addresses they print.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::Database;

pub const TOKEN: &str = "benchmark-token-of-a-sender";
pub const SECRET_KEY: &str = "sk_test_benchmark";

const RULES: &str = r#"
senders:
  bench:
    tokens: [{ env: BENCH_TOKEN }]
    events: ["plan.*"]
    roles: ["org:viewer", "org:member"]
    rate: off
roles: ["org:viewer", "org:member", "org:admin"]
tables:
  role_of_plan: { team: "org:member", enterprise: "org:admin" }
rules:
  - name: team plan purchased
    on: plan.purchased
    when: data.plan in role_of_plan
    grant: { organization: data.organization_id, user: data.user_id, role: "role_of_plan[data.plan]" }
  - name: plan cancelled
    on: plan.cancelled
    revoke: { organization: data.organization_id, user: data.user_id }
"#;

/// A child that ends with its owner.
pub struct Running {
    child: Child,
    pub addresses: Value,
    _folder: Option<TempDir>,
}

impl Running {
    /// The most memory that it had so far, in KiB.
    pub fn peak_rss(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    pub fn address(&self, name: &str) -> String {
        self.addresses[name].as_str().unwrap().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `core: None` leaves the choice to the kernel.
fn pinned(core: Option<usize>, program: &str) -> Command {
    let Some(core) = core else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// Keeps a process that runs to one core, and what it starts from now on.
pub fn pin(process: u32, core: usize) {
    let mut command = Command::new("taskset");
    command.args(["-apc", &core.to_string(), &process.to_string()]);
    assert!(command.stdout(Stdio::null()).status().unwrap().success(), "taskset comes with util-linux");
}

/// Until it said where it listens, and this: its ledger is open later than its ports.
fn run(mut command: Command, folder: Option<TempDir>, then: Option<&str>) -> Running {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let streams: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    let (send, lines) = std::sync::mpsc::channel();
    for stream in streams {
        let send = send.clone();
        std::thread::spawn(move || {
            BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| drop(send.send(line)))
        });
    }
    drop(send);
    let addresses = lines
        .iter()
        .find_map(|line| {
            serde_json::from_str::<Value>(&line).ok().filter(|it| it["listen"].is_string() || it["sandbox"].is_string())
        })
        .expect("the process ended before it listened");
    if let Some(then) = then {
        let said = format!(r#""message":"{then}""#);
        assert!(lines.iter().any(|line| line.contains(&said)), "the process ended before it was {then}");
    }
    Running { child, addresses, _folder: folder }
}

pub fn bare() -> Running {
    let mut command = pinned(Some(0), std::env::current_exe().unwrap().to_str().unwrap());
    command.arg("bare-server");
    run(command, None, None)
}

pub fn sandbox(latency: &str) -> Running {
    let mut command = pinned(None, env!("CARGO_BIN_EXE_usher"));
    command.args(["sandbox", "--json", "--listen", "127.0.0.1:0", "--latency", latency]);
    run(command, None, None)
}

pub fn usher(core: Option<usize>, sandbox: &Running, settings: &[(&str, &str)]) -> Running {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("usher.yaml");
    std::fs::write(&config, RULES).unwrap();
    let mut command = pinned(core, env!("CARGO_BIN_EXE_usher"));
    command
        .arg("serve")
        .env("CLERK_SECRET_KEY", SECRET_KEY)
        .env("CLERK_API_URL", sandbox.address("sandbox"))
        .env("BENCH_TOKEN", TOKEN)
        .env("USHER_CONFIG", &config)
        .env("USHER_LEDGER", folder.path().join("ledger"))
        .env("USHER_LISTEN", "127.0.0.1:0")
        .env("USHER_ADMIN_LISTEN", "127.0.0.1:0")
        .envs(settings.iter().copied());
    run(command, Some(folder), Some("ready"))
}

/// The direct caller of the sandbox, in a process of its own like the service it is compared with.
pub fn direct(sandbox: &Running, concurrency: usize, users: &[String]) -> f64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["direct", &sandbox.address("sandbox"), &concurrency.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    serde_json::to_writer(child.stdin.take().unwrap(), &json!(users)).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// A ledger for whoever has connections to itself; `PREPARED=no` is for whoever has a pooler in between.
pub fn ledger(database: &Database) -> String {
    match std::env::var("PREPARED") {
        Ok(no) if no == "no" => database.url(),
        _ => database.prepared_url(),
    }
}
