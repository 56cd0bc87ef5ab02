//! Starts the real binary on free ports, speaks HTTP to it, and waits for conditions instead of sleeping.

pub mod authority;
mod http;
pub mod issuer;
mod process;
pub mod tls;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use http::{Answer, Http};
pub use process::Process;

pub const TOKEN: &str = "test-token-of-the-billing-service";
pub const OTHER_TOKEN: &str = "test-token-of-the-support-service";
pub const SECRET_KEY: &str = "sk_test_black_box";

pub const RULES: &str = r#"
senders:
  billing:
    tokens: [{ env: BILLING_TOKEN }]
    events: ["plan.*", "odd.*"]
    roles: ["org:viewer", "org:member"]
    brake: off
    rate: off
  support:
    tokens: [{ env: SUPPORT_TOKEN }]
    events: ["member.*"]
    roles: ["org:viewer", "org:member", "org:admin"]
    brake: off
    rate: off
roles: ["org:viewer", "org:member", "org:admin"]
tables:
  role_of_plan: { team: "org:member", enterprise: "org:admin" }
rules:
  - name: plan purchased
    on: plan.purchased
    when: data.plan in role_of_plan
    grant: { organization: data.organization_id, user: data.user_id, role: "role_of_plan[data.plan]" }
  - name: plan cancelled
    on: plan.cancelled
    revoke: { organization: data.organization_id, user: data.user_id }
  - name: member set
    on: member.set
    grant: { organization: data.organization_id, user: data.user_id, role: data.role, existing: replace }
  - name: member kept
    on: member.kept
    grant: { organization: data.organization_id, user: data.user_id, role: data.role, existing: keep }
  - name: member raised
    on: member.raised
    grant: { organization: data.organization_id, user: data.user_id, role: data.role, existing: raise }
  - name: members imported
    on: member.imported
    for_each: data.users
    grant: { organization: data.organization_id, user: item, role: '"org:viewer"' }
"#;

/// Waits until `check` gives a value; the message says what never came.
pub fn eventually<T>(what: &str, check: impl FnMut() -> Option<T>) -> T {
    eventually_within(Duration::from_secs(60), what, check)
}

pub fn eventually_within<T>(patience: Duration, what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(Instant::now() < deadline, "never came: {what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

pub fn usher() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.env_clear().env("NO_COLOR", "1");
    command
}

/// A sandbox in a process of its own.
pub struct Sandbox {
    _process: Process,
    pub http: Http,
}

impl Sandbox {
    pub fn start(arguments: &[&str]) -> Self {
        let listen: &[&str] = if arguments.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        let mut process = Process::spawn(usher().args(["sandbox", "--json"]).args(listen).args(arguments));
        let line = process.json_line("the sandbox's address", |line| line["sandbox"].is_string());
        let http = Http::new(line["sandbox"].as_str().unwrap());
        Self { _process: process, http }
    }

    pub fn bapi(&self, method: &str, path: &str, body: &Value) -> Result<Answer, ureq::Error> {
        let authorization = format!("Bearer {SECRET_KEY}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.http.try_request(method, path, &headers, &bytes)
    }

    pub fn calls(&self) -> Vec<Value> {
        let answer = self.http.get("/sandbox/calls").body;
        answer.as_array().or(answer["calls"].as_array()).unwrap().clone()
    }

    /// The time by which the sandbox dates its calls, in milliseconds.
    pub fn now_ms(&self) -> i64 {
        std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
    }

    /// The role of a membership, if there is one.
    pub fn role(&self, organization: &str, user: &str) -> Option<String> {
        let all = self.http.get("/sandbox/memberships").body;
        let all = all.as_array().or(all["memberships"].as_array()).unwrap().clone();
        let found = all.iter().find(|m| m["organization_id"] == organization && m["user_id"] == user)?;
        found["role"].as_str().map(str::to_owned)
    }
}

/// How the service under test is started.
pub struct Setup {
    pub folder: Arc<TempDir>,
    pub command: Vec<(String, String)>,
}

impl Setup {
    pub fn new(bapi: &str) -> Self {
        let folder = Arc::new(TempDir::new().unwrap());
        std::fs::write(folder.path().join("usher.yaml"), RULES).unwrap();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let variables = [
            ("CLERK_SECRET_KEY", SECRET_KEY.to_owned()),
            ("CLERK_API_URL", bapi.to_owned()),
            ("USHER_CONFIG", text(folder.path().join("usher.yaml"))),
            ("USHER_LEDGER", text(folder.path().join("ledger"))),
            ("USHER_LISTEN", "127.0.0.1:0".to_owned()),
            ("USHER_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
            ("USHER_DRAIN_DELAY", "0s".to_owned()),
            ("USHER_RATE", "1000000".to_owned()),
            ("USHER_RETRY_FIRST", "20ms".to_owned()),
            ("USHER_RETRY_CEILING", "200ms".to_owned()),
            ("BILLING_TOKEN", TOKEN.to_owned()),
            ("SUPPORT_TOKEN", OTHER_TOKEN.to_owned()),
        ];
        let command = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { folder, command }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.command.retain(|(known, _)| known != name);
        self.command.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.command.retain(|(known, _)| known != name);
        self
    }

    pub fn rules(self, text: &str) -> Self {
        std::fs::write(self.folder.path().join("usher.yaml"), text).unwrap();
        self
    }

    pub fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    pub fn serve(&self) -> Command {
        let mut command = usher();
        command.arg("serve").envs(self.command.iter().cloned()).current_dir(self.folder.path());
        command
    }

    /// Runs `serve` to its end: for starts that must fail.
    pub fn serve_output(&self) -> Output {
        self.serve().output().unwrap()
    }

    pub fn start(&self) -> Service {
        Service { _folder: Some(self.folder.clone()), ..Service::spawn(&mut self.serve()) }
    }
}

fn has_addresses(line: &Value) -> bool {
    line["listen"].is_string() && line["admin_listen"].is_string()
}

/// The service under test.
pub struct Service {
    pub process: Process,
    pub http: Http,
    pub admin: Http,
    /// Its rules and its ledger live as long as it does.
    _folder: Option<Arc<TempDir>>,
}

impl Service {
    pub fn spawn(command: &mut Command) -> Self {
        Self::try_spawn(command).unwrap_or_else(|said| panic!("no line with the addresses; so far:\n{said}"))
    }

    /// Of one that may give up: what it said then.
    pub fn try_spawn(command: &mut Command) -> Result<Self, String> {
        let mut process = Process::spawn(command);
        match process.try_json_line(has_addresses) {
            Some(line) => Ok(Self::new(process, &line)),
            None => Err(process.output()),
        }
    }

    fn new(process: Process, line: &Value) -> Self {
        let http = |name: &str| Http::new(&format!("http://{}", line[name].as_str().unwrap()));
        Self { http: http("listen"), admin: http("admin_listen"), process, _folder: None }
    }

    /// Posts, expects 202, and waits until the event has its end.
    #[track_caller]
    pub fn settle_as(&self, token: &str, event: &Value) -> Value {
        let answer = self.http.post_as(token, event);
        assert_eq!(answer.status, 202, "{}", answer.body);
        self.settled_as(token, answer.header("location").unwrap())
    }

    #[track_caller]
    pub fn settle(&self, event: &Value) -> Value {
        self.settle_as(TOKEN, event)
    }

    pub fn settled_as(&self, token: &str, location: &str) -> Value {
        self.http.settled_as(token, location)
    }
}

pub fn purchase(id: &str, user: &str, plan: &str) -> Value {
    json!({"id": id, "type": "plan.purchased", "data": {"organization_id": "org_acme", "user_id": user, "plan": plan}})
}

pub fn cancel(id: &str, user: &str) -> Value {
    json!({"id": id, "type": "plan.cancelled", "data": {"organization_id": "org_acme", "user_id": user}})
}

pub fn member(id: &str, kind: &str, user: &str, role: &str) -> Value {
    json!({"id": id, "type": format!("member.{kind}"), "data": {"organization_id": "org_acme", "user_id": user, "role": role}})
}

pub fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
