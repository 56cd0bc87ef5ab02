//! Ids: whatever is repeated, rolled back, purged, cut off or opened again, each event is there once or not at all.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use proptest::prelude::*;

use super::super::store::Store;
use super::super::*;
use super::groups::{entry, occupy};
use crate::domain::KeyId;

/// A third of them have keys: enough that these are moved too.
const NAMES: u32 = 60;

#[derive(Debug, Clone)]
enum Step {
    /// Record these in one group, which fails or not.
    Record(Vec<u32>, bool),
    /// Purge so many of the oldest.
    Purge(usize),
    Reopen,
    /// Go on with what was on disk when the process was cut off.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let names = || prop::collection::vec(0..NAMES, 1..8);
    prop_oneof![
        12 => names().prop_map(|names| Step::Record(names, true)),
        2 => names().prop_map(|names| Step::Record(names, false)),
        3 => (1..9_usize).prop_map(Step::Purge),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

struct Bench {
    folder: tempfile::TempDir,
    ledger: Ledger,
    /// The events that are there, by the order of acceptance.
    events: BTreeMap<u32, u32>,
    accepted: u32,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        Self { folder, ledger, events: BTreeMap::new(), accepted: 0 }
    }

    async fn apply(&mut self, step: Step) {
        match step {
            Step::Record(names, true) => self.record(&names).await,
            Step::Record(names, false) => self.fail(&names).await,
            Step::Purge(limit) => self.purge(limit).await,
            Step::Reopen => {
                self.ledger.clone().close().await;
                self.ledger = Ledger::open(self.folder.path()).unwrap();
            }
            Step::Crash => self.crash().await,
        }
    }

    async fn record(&mut self, names: &[u32]) {
        let (first, open) = occupy(&self.ledger);
        let records = join_all(names.iter().map(|name| self.ledger.record(entry(*name))));
        let (_, records, ()) = tokio::join!(first, records, async move { drop(open) });
        for (name, recorded) in names.iter().zip(records) {
            let new = !self.events.values().any(|other| other == name);
            match recorded.unwrap() {
                Recorded::New(_) => assert!(new, "{name} is doubled"),
                Recorded::Repeated(earlier) => {
                    assert!(!new, "{name} was not there");
                    assert_eq!(earlier.event, entry(*name).event);
                }
                Recorded::Conflict | Recorded::KeyTaken => panic!("the content is the same"),
            }
            if new {
                self.accepted += 1;
                self.events.insert(self.accepted, *name);
            }
        }
    }

    async fn fail(&self, names: &[u32]) {
        let (first, open) = occupy(&self.ledger);
        let records = join_all(names.iter().map(|name| self.ledger.record(entry(*name))));
        let fails = self.ledger.embedded().writer.ask(|store| store.execute("INSERT INTO nowhere VALUES (1)", []));
        let (_, records, fails, ()) = tokio::join!(first, records, fails, async move { drop(open) });
        assert!(fails.is_err() && records.iter().all(Result::is_err));
    }

    async fn purge(&mut self, limit: usize) {
        let purged = self.ledger.purge(Timestamp::UNIX_EPOCH + Duration::from_secs(1), limit).await.unwrap();
        assert_eq!(purged, limit.min(self.events.len().saturating_sub(1)), "the last one stays");
        for _ in 0..purged {
            self.events.pop_first();
        }
    }

    async fn crash(&mut self) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["usher.db", "usher.db-wal"] {
            std::fs::copy(self.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        self.ledger.clone().close().await;
        self.ledger = Ledger::open(folder.path()).unwrap();
        self.folder = folder;
    }

    async fn compare(&self) {
        let wanted: Vec<bool> = (0..NAMES).map(|name| self.events.values().any(|other| *other == name)).collect();
        for queue in [&self.ledger.embedded().reader, &self.ledger.embedded().writer] {
            let find = |store: &Store| (0..NAMES).map(|name| find::event(store, entry(name).event.id)).collect();
            let found: Vec<_> = queue.ask(find).await.unwrap();
            assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), wanted);
            let by_key = |store: &Store| keys().map(|(_, key)| store.seq_of_key(key)).collect();
            let by_key: Vec<_> = queue.ask(by_key).await.unwrap();
            let keyed: Vec<_> = keys().map(|(name, _)| wanted[name]).collect();
            assert_eq!(by_key.iter().map(Option::is_some).collect::<Vec<_>>(), keyed);
            for (name, record) in (0..).zip(found) {
                assert!(record.is_none_or(|record| record.event == entry(name).event), "{name}");
            }
        }
        assert_eq!(self.ledger.embedded().writer.ask(|store| broken(store)).await, Ok(Vec::new()));
    }
}

/// The keys of all events that have one.
fn keys() -> impl Iterator<Item = (usize, KeyId)> {
    (0..NAMES).flat_map(|name| entry(name).keys.into_iter().map(move |key| (name as usize, key)))
}

/// Rows that must not be in the tables of ids and events.
fn broken(connection: &rusqlite::Connection) -> rusqlite::Result<Vec<EventId>> {
    let sql = "SELECT id FROM events GROUP BY id HAVING count(*) > 1 \
        UNION ALL SELECT id FROM identities i WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = i.seq AND e.id = i.id) \
        UNION ALL SELECT id FROM events e WHERE seq <= (SELECT seq FROM identities_moved) \
            AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.id = e.id) \
        UNION ALL SELECT id FROM keys k WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = k.seq AND e.keys = k.id) \
        UNION ALL SELECT keys FROM events e WHERE keys IS NOT NULL AND seq <= (SELECT seq FROM keys_moved) \
            AND NOT EXISTS (SELECT 1 FROM keys k WHERE k.id = e.keys)";
    connection.prepare(sql)?.query_map([], |row| Ok(EventId::from_bytes(row.get(0)?)))?.collect()
}

async fn run(steps: Vec<Step>) {
    let mut bench = Bench::new();
    for step in steps {
        bench.apply(step).await;
        bench.compare().await;
    }
    bench.ledger.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_event_is_there_once_or_not_at_all(steps in prop::collection::vec(step(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(steps));
    }
}

#[tokio::test]
async fn ids_leave_the_memory_and_are_found_all_the_same() {
    let mut bench = Bench::new();
    for name in 0..NAMES {
        bench.record(&[name]).await;
    }
    let moved = |store: &Store| {
        store.query_row("SELECT count(*), max(seq) FROM identities", [], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    let (moved, last): (u32, u32) = bench.ledger.embedded().writer.ask(moved).await.unwrap();
    assert!((44..NAMES).contains(&moved), "{moved}");
    assert!(last >= moved);
    let keys = |store: &Store| store.query_row("SELECT count(*) FROM keys", [], |row| row.get(0));
    let keys: u32 = bench.ledger.embedded().writer.ask(keys).await.unwrap();
    assert!((8..NAMES / 3).contains(&keys), "{keys}");
    bench.compare().await;
}
