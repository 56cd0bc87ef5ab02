//! The binary as a person or a pod meets it: exit codes, messages, signals.
//! Every process gets an empty environment, ports of its own and a folder that goes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const TOKEN: &str = "a-token-that-nobody-guesses";
const EVENT: &str = include_str!("../config/events/1-plan-purchased.json");

fn usher(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.args(arguments).env_clear().current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// `usher serve` with good settings; nobody answers for Clerk.
fn serve(folder: &TempDir) -> Command {
    let mut command = usher(&["serve"]);
    command
        .env("CLERK_SECRET_KEY", "sk_test_x")
        .env("CLERK_API_URL", "http://127.0.0.1:9")
        .env("BILLING_TOKEN", TOKEN)
        .env("USHER_LISTEN", "127.0.0.1:0")
        .env("USHER_ADMIN_LISTEN", "127.0.0.1:0")
        .env("USHER_DRAIN_DELAY", "0s")
        .env("USHER_LEDGER", folder.path());
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// How a process ended and what it said on stderr.
fn ended(mut command: Command) -> (i32, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

/// A service that runs, and its logs so far.
struct Service {
    child: Child,
    logs: BufReader<ChildStderr>,
    listen: String,
    admin: String,
}

impl Service {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let logs = BufReader::new(child.stderr.take().unwrap());
        let mut service = Self { child, logs, listen: String::new(), admin: String::new() };
        let starting = service.log("starting");
        service.listen = starting["listen"].as_str().unwrap().to_owned();
        service.admin = starting["admin_listen"].as_str().unwrap().to_owned();
        service.log("ready");
        service
    }

    /// Reads on to the line with this message.
    fn log(&mut self, message: &str) -> Value {
        let mut text = String::new();
        while self.logs.read_line(&mut text).unwrap() > 0 {
            let line: Value = serde_json::from_str(&text).unwrap();
            if line["message"] == message {
                return line;
            }
            text.clear();
        }
        panic!("the logs ended without {message:?}");
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    fn code(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

/// Status and body of one request.
fn call(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: usher\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn dev_shows_three_events_that_end_as_they_should() {
    let any = "127.0.0.1:0";
    let arguments = ["dev", "--once", "--json", "--listen", any, "--admin-listen", any, "--sandbox-listen", any];
    let output = usher(&arguments).current_dir("/").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<_> = lines[1..].iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["granted", "repeated", "refused"]);
    for address in ["listen", "admin", "sandbox"] {
        assert!(!lines[0][address].as_str().unwrap().ends_with(":0"), "{}", lines[0]);
    }
}

#[test]
fn serve_tells_every_mistake_before_it_binds() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = usher(&["serve"]);
    command.env("USHER_LISTEN", taken.local_addr().unwrap().to_string()).env("USHER_RETENTON", "30d");
    let (code, said) = ended(command);
    assert_eq!(code, 78, "{said}");
    for name in ["CLERK_SECRET_KEY is not set", "USHER_RETENTON", "BILLING_TOKEN is not set", "3 mistakes"] {
        assert!(said.contains(name), "{name} in {said}");
    }
}

#[test]
fn an_address_in_use_is_named_with_what_to_change() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = folder();
    let mut command = serve(&folder);
    command.env("USHER_ADMIN_LISTEN", &address);
    let (code, said) = ended(command);
    assert_eq!(code, 69, "{said}");
    assert!(said.contains(&format!("USHER_ADMIN_LISTEN: {address} is in use")), "{said}");
    let (code, said) = ended(usher(&["dev", "--once", "--listen", &address]));
    assert_eq!(code, 69, "{said}");
    assert!(said.contains(&format!("--listen: {address} is in use")), "{said}");
}

#[test]
fn a_ledger_that_cannot_be_is_an_io_error() {
    let folder = folder();
    let mut command = serve(&folder);
    command.env("USHER_LEDGER", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let (code, said) = ended(command);
    assert_eq!(code, 74, "{said}");
}

#[test]
fn usage_is_64_and_help_is_0() {
    assert_eq!(ended(usher(&[])).0, 64);
    assert_eq!(ended(usher(&["sevre"])).0, 64);
    assert_eq!(ended(usher(&["dev", "--listen", "8080"])).0, 64);
    assert_eq!(ended(usher(&["--help"])).0, 0);
    assert_eq!(ended(usher(&["--version"])).0, 0);
}

#[test]
fn a_first_signal_drains_and_a_second_ends_at_once_without_loss() {
    let folder = folder();
    let mut command = serve(&folder);
    command.env("USHER_DRAIN_DELAY", "1h");
    let mut service = Service::start(command);
    assert_eq!(call(&service.admin, "GET", "/readyz", "").0, 200);
    service.terminate();
    service.log("draining");
    assert_eq!(call(&service.admin, "GET", "/readyz", "").0, 503);
    assert_eq!(call(&service.admin, "GET", "/livez", "").0, 200);
    let (status, event) = call(&service.listen, "POST", "/v1/events", EVENT);
    assert_eq!(status, 202, "{event}");
    service.terminate();
    assert_eq!(service.code(), 130);

    let service = Service::start(serve(&folder));
    let event: Value = serde_json::from_str(&event).unwrap();
    let path = format!("/v1/events/{}", event["id"].as_str().unwrap());
    let (status, kept) = call(&service.listen, "GET", &path, "");
    assert_eq!((status, &serde_json::from_str::<Value>(&kept).unwrap()["event_id"]), (200, &event["event_id"]));
    service.terminate();
    service.code();
}

#[test]
fn a_signal_ends_the_service_well() {
    let folder = folder();
    let mut service = Service::start(serve(&folder));
    service.terminate();
    service.log("stopped");
    assert_eq!(service.code(), 0);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(files.iter().all(|name| !name.to_string_lossy().ends_with("-wal")), "the ledger was closed: {files:?}");
}
