//! A real PostgreSQL for tests: a cluster of its own in a temporary folder, which goes when the tests end, however they end.
//!
//! Tests share one that is fast and forgets what a crash takes; whoever tests durability starts another that does not.

mod binaries;
mod console;
pub mod pooler;

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

pub use console::Console;

/// `nobody`: PostgreSQL refuses to run as root.
const UNPRIVILEGED: u32 = 65534;

/// Whoever uses a database is no superuser; only what makes databases is.
const SUPERUSER: &str = "postgres";
const USER: &str = "usher";

const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
shared_buffers = 64MB
timezone = 'UTC'
log_timezone = 'UTC'
";

/// Nothing is waited for: a crash may take everything.
const FORGETFUL: &str = "
fsync = off
synchronous_commit = off
full_page_writes = off
";

/// A running PostgreSQL; clones share it, and it ends with the last.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    binaries: PathBuf,
    folder: PathBuf,
    port: u16,
    owner: Option<u32>,
    /// Stops the server and deletes the folder when the pipe to it closes, which it does even if this process is killed.
    keeper: Child,
    databases: AtomicUsize,
}

impl Cluster {
    /// The one of all tests of this process that have no wish of their own.
    pub fn shared() -> Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start_with(FORGETFUL)).clone()
    }

    /// One that keeps what it said it has, whatever happens to it.
    pub fn durable() -> Self {
        Self::start_with("")
    }

    fn start_with(settings: &str) -> Self {
        let inner = Inner::create();
        let initdb = ["-D", "data", "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        inner.run("initdb", &initdb);
        let all = format!("{SETTINGS}{settings}port = {}\n", inner.port);
        fs::write(inner.folder.join("data/postgresql.auto.conf"), all).unwrap();
        let cluster = Self(Arc::new(inner));
        cluster.start();
        cluster.console("postgres").run(&format!("CREATE ROLE {USER} LOGIN"));
        cluster
    }

    /// Starts what was stopped, and waits until it answers.
    pub fn start(&self) {
        self.0.run("pg_ctl", &["-D", "data", "-l", "log", "-w", "-t", "60", "start"]);
    }

    /// Has everybody leave, writes everything, ends.
    pub fn stop(&self) {
        self.0.run("pg_ctl", &["-D", "data", "-m", "fast", "-w", "stop"]);
    }

    /// SIGQUIT: ends at once, and recovers at the next start.
    pub fn crash(&self) {
        self.0.run("pg_ctl", &["-D", "data", "-m", "immediate", "-w", "stop"]);
    }

    /// A new, empty database.
    pub fn database(&self) -> Database {
        let name = format!("test_{}", self.0.databases.fetch_add(1, Ordering::Relaxed));
        self.console("postgres").run(&format!("CREATE DATABASE {name} OWNER {USER}"));
        Database { cluster: self.clone(), name }
    }

    /// As a superuser.
    pub fn console(&self, database: &str) -> Console {
        Console::open(&self.url(SUPERUSER, database))
    }

    /// Where it listens.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.0.port)
    }

    /// No file that it writes gets larger than this: it meets what a full disk is to it.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = format!("--fsize={}:", bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string()));
        let sessions = self.console("postgres").run("SELECT pid FROM pg_stat_activity WHERE usename = 'usher'");
        let main = self.0.read("data/postmaster.pid").lines().next().map(str::to_owned);
        // New sessions have what the main process has; one that is gone meanwhile needs none.
        for process in sessions.into_iter().flatten().chain([main]).flatten() {
            let mut command = command(Path::new("prlimit"), &self.0.folder, self.0.owner);
            let done = command.args(["--pid", &process, &limit]).output().unwrap();
            let gone = !Path::new("/proc").join(&process).exists();
            assert!(done.status.success() || gone, "prlimit: {}", String::from_utf8_lossy(&done.stderr));
        }
    }

    /// Another that follows this one, which acknowledges from now on only what the other has as well.
    pub fn standby(&self) -> Self {
        let inner = Inner::create();
        let port = self.0.port.to_string();
        inner
            .run("pg_basebackup", &["-h", "127.0.0.1", "-p", &port, "-U", SUPERUSER, "-D", "data", "-R", "-c", "fast"]);
        let settings = format!("{}port = {}\n", inner.read("data/postgresql.auto.conf"), inner.port);
        fs::write(inner.folder.join("data/postgresql.auto.conf"), settings).unwrap();
        let standby = Self(Arc::new(inner));
        standby.start();
        let console = self.console("postgres");
        console.run("ALTER SYSTEM SET synchronous_standby_names = '*'");
        console.run("SELECT pg_reload_conf()");
        standby
    }

    /// Makes a standby what it stood by for.
    pub fn promote(&self) {
        self.0.run("pg_ctl", &["-D", "data", "-w", "promote"]);
    }

    fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}?sslmode=disable", self.0.port)
    }
}

impl Inner {
    /// A folder that its keeper deletes, and a port.
    fn create() -> Self {
        let binaries = binaries::find();
        let folder = tempfile::Builder::new().prefix("usher-postgres-").tempdir().unwrap().keep();
        let is_root = fs::metadata(&folder).unwrap().uid() == 0;
        let owner = is_root.then_some(UNPRIVILEGED);
        chown(&folder, owner, owner).unwrap();
        let keeper = keep(&binaries, &folder, owner);
        Self { binaries, folder, port: free_port(), owner, keeper, databases: AtomicUsize::new(0) }
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) {
        let said = fs::File::create(self.folder.join("said")).unwrap();
        let mut command = command(&self.binaries.join(program), &self.folder, self.owner);
        // A server that is started keeps what it inherits; a pipe would never end.
        command.args(arguments).stdout(said.try_clone().unwrap()).stderr(said);
        let status = command.status().unwrap();
        assert!(status.success(), "{program} {arguments:?}: {status}\n{}\n{}", self.read("said"), self.read("log"));
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn command(program: &Path, folder: &Path, owner: Option<u32>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir(folder).stdin(Stdio::null());
    if let Some(owner) = owner {
        command.uid(owner).gid(owner);
    }
    command
}

fn keep(binaries: &Path, folder: &Path, owner: Option<u32>) -> Child {
    let script = r#"read -r _; "$1/pg_ctl" -D "$0/data" -m immediate stop; cd /; rm -rf "$0""#;
    let mut keeper = command(Path::new("/bin/sh"), folder, owner);
    keeper.arg("-c").arg(script).arg(folder).arg(binaries);
    // In a group of its own: what interrupts the tests does not interrupt it.
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    keeper.spawn().unwrap()
}

/// A port that nobody has, from where no system takes ports by itself: a server that is down for a while finds it free.
fn free_port() -> u16 {
    let mut random = [0; 2];
    fs::File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
    let first = u16::from_ne_bytes(random) % 16_384;
    let mut ports = (0..16_384).map(|next| 10_240 + (first + next) % 16_384);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// A database of its own for one test; it goes with its owner.
pub struct Database {
    pub cluster: Cluster,
    pub name: String,
}

impl Database {
    /// As `USHER_LEDGER` has it.
    pub fn url(&self) -> String {
        self.cluster.url(USER, &self.name)
    }

    /// The same, for whoever has connections to itself.
    pub fn prepared_url(&self) -> String {
        format!("{}&prepared_statements=yes", self.url())
    }

    /// The same by way of others: who stands between, or several of whom one is it.
    pub fn url_by(&self, hosts: &str) -> String {
        self.url().replace(&self.cluster.host(), hosts)
    }

    /// For looking into it.
    pub fn console(&self) -> Console {
        self.cluster.console(&self.name)
    }
}

impl Drop for Database {
    /// Whoever is still connected is thrown out; with a cluster that is down there is nothing to do.
    fn drop(&mut self) {
        if let Some(console) = Console::try_open(&self.cluster.url(SUPERUSER, "postgres")) {
            let _ = console.try_run(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}
