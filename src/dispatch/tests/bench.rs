//! A ledger and a fake Clerk for the tests of steps and loop, and a log that can be read.
//! Knows nothing of what is tested.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::context::Context;
use super::super::fixtures::{change, entry, grant};
use super::super::{Dispatcher, Policy, Rate};
use crate::bapi::fake::{Answer, Fake, Seen};
use crate::bapi::{Client, ClientConfig, SecretKey};
use crate::domain::{Action, ChangeRecord, Existing, Turns};
use crate::ledger::{Claim, ClaimRequest, Ledger};
use crate::metrics::Metrics;
use crate::wake::Wake;

/// A ledger, a fake Clerk and a policy that does not make tests wait.
pub(super) struct Bench {
    pub(super) ledger: Ledger,
    pub(super) fake: Fake,
    pub(super) policy: Policy,
    pub(super) shutdown: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// The fake answers call number n (from 0) as the closure says, and asks for the shutdown with the last of them.
    pub(super) fn new(calls: usize, answer: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        let (folder, shutdown, count) = (tempfile::tempdir().unwrap(), CancellationToken::new(), AtomicUsize::new(0));
        let enough = shutdown.clone();
        let fake = Fake::start(move |seen| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            if number + 1 >= calls {
                enough.cancel();
            }
            answer(number, seen)
        });
        let rate = Rate { calls: 1_000_000, per: Duration::from_secs(10) };
        let policy = Policy { first_delay: Duration::from_millis(1), rate, ..Policy::default() };
        Self { ledger: Ledger::open(folder.path()).unwrap(), fake, policy, shutdown, _folder: folder }
    }

    pub(super) fn client(&self) -> Client {
        Client::new(ClientConfig::new(&self.fake.url, SecretKey::new("sk_test_1"))).unwrap()
    }

    /// For single steps, with a shutdown that never comes.
    pub(super) fn context(&self) -> Context {
        let metrics = Arc::new(Metrics::new());
        Context::new(self.ledger.clone(), self.client(), self.policy.clone(), metrics, CancellationToken::new())
    }

    pub(super) async fn accept(&self, number: u32, user: &str, action: Action) {
        self.ledger.record(entry(number, user, action)).await.unwrap();
    }

    pub(super) async fn claim_one(&self) -> Claim {
        self.claim_at(Timestamp::now()).await
    }

    pub(super) async fn claim_at(&self, now: Timestamp) -> Claim {
        let (lease, turns, brakes) = (Duration::from_secs(60), Turns::default(), Arc::default());
        self.ledger.claim(ClaimRequest { now, limit: 1, lease, turns, brakes }).await.unwrap().claims.remove(0)
    }

    /// Runs the loop until the last expected call is settled.
    pub(super) async fn run(&self) {
        self.dispatcher().run(self.shutdown.clone(), || ()).await;
    }

    pub(super) fn dispatcher(&self) -> Dispatcher {
        let metrics = Arc::new(Metrics::new());
        Dispatcher::new(self.ledger.clone(), self.client(), self.policy.clone(), Wake::default(), metrics)
    }

    pub(super) async fn record(&self, number: u32, user: &str) -> ChangeRecord {
        let id = change(number, user, Action::Revoke).id.event;
        self.ledger.find(id).await.unwrap().unwrap().changes.remove(0)
    }
}

pub(super) fn member() -> Action {
    grant("org:member", Existing::Raise)
}

pub(super) fn created(seen: &Seen) -> Answer {
    let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    Answer::json(200, &json!({"id": "orgmem_1", "role": body["role"], "private_metadata": body["private_metadata"]}))
}

/// The lines of the log at info and above while it lives, as JSON.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(super) fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        // Without one that hears everything, a line that another test's thread comes by first is taken for one that nobody
        // wants.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| {
            let deaf = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
            let _ = tracing::subscriber::set_global_default(deaf);
        });
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub(super) fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
