//! A real PgBouncer in front of a cluster: many clients share few connections, transaction by transaction.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::{Cluster, USER, command, free_port};

/// Fewer connections than a single replica has, so that each carries what many say.
const SETTINGS: &str = "
listen_addr = 127.0.0.1
unix_socket_dir =
auth_type = trust
auth_file = users
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
";

/// A running pooler; it ends with its owner.
pub struct Pooler {
    folder: TempDir,
    port: u16,
    owner: Option<u32>,
    process: Child,
}

impl Pooler {
    pub fn of(cluster: &Cluster) -> Self {
        let folder = tempfile::Builder::new().prefix("usher-pooler-").tempdir().unwrap();
        let (port, owner) = (free_port(), cluster.0.owner);
        let databases = format!("[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\n", cluster.0.port);
        fs::write(folder.path().join("settings"), format!("{databases}{SETTINGS}listen_port = {port}\n")).unwrap();
        fs::write(folder.path().join("users"), format!("\"{USER}\" \"\"\n")).unwrap();
        chown(folder.path(), owner, owner).unwrap();
        let process = start(folder.path(), owner);
        Self { folder, port, owner, process }
    }

    /// Where it listens.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// All its connections break at once, and others may come.
    pub fn restart(&mut self) {
        self.end();
        self.process = start(self.folder.path(), self.owner);
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.end();
    }
}

fn start(folder: &Path, owner: Option<u32>) -> Child {
    let mut pooler = command(&program(), folder, owner);
    pooler.args(["-q", "settings"]).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    pooler.spawn().unwrap()
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file()).unwrap_or_else(|| {
        panic!("this test starts a PgBouncer, and none is in PATH: `tests/run` installs it on Debian (apt-get install pgbouncer)")
    })
}
