//! Purging while other replicas purge and operators work.

use futures_util::future::{join, join_all};
use jiff::Timestamp;
use usher::domain::{ChangeId, EventId};
use usher::ledger::{Ledger, LetterFilter, LetterId, Replay};

use super::{Backend, invariants};

/// Events of these numbers, received a second apart.
fn events(backend: &Backend, numbers: &str) {
    backend.console.run(&format!(
        "INSERT INTO usher.events (seq, received_at, id, content, receipt, sender, kind, source, event_id, data) \
         SELECT n, n * 1000, decode(lpad(to_hex(n), 32, '0'), 'hex'), sha256(''), 0, 'billing', 'plan.purchased', \
         'shop', n, '{{}}' FROM generate_series({numbers}) n"
    ));
}

/// A dead change of each.
fn dead(backend: &Backend, numbers: &str, discarded: u8) {
    backend.console.run(&format!(
        "INSERT INTO usher.changes (id, sender, urgent, outcome, step, organization, \"user\", action, rule, \
         rules_digest, dormant, discarded) SELECT n::bigint << 24, 'billing', 0, 'dead', 'delete', 'org_1', \
         'user_' || n % 7, 'revoke', 'rule', sha256(''), 0, {discarded} FROM generate_series({numbers}) n"
    ));
}

fn change(number: u128) -> ChangeId {
    ChangeId { event: EventId::from_bytes(number.to_be_bytes()), index: 0 }
}

async fn purge(ledger: &Ledger, before_second: i64, limit: usize) -> usize {
    ledger.purge(Timestamp::from_second(before_second).unwrap(), limit).await.unwrap()
}

fn left(backend: &Backend) -> Vec<Vec<Option<String>>> {
    backend.console.run("SELECT count(*), min(seq), max(seq) FROM usher.events")
}

fn row(values: [&str; 3]) -> Vec<Vec<Option<String>>> {
    vec![values.map(|value| Some(value.to_owned())).to_vec()]
}

#[actix_rt::test]
async fn replicas_that_purge_at_once_delete_each_event_once() {
    let backend = Backend::new();
    let ledgers = [backend.open(), backend.open(), backend.open()];
    events(&backend, "1, 3000");
    let all = async |ledger: &Ledger| {
        let (mut sum, mut last) = (0, 1);
        while last > 0 {
            last = purge(ledger, 2_500, 200).await;
            sum += last;
        }
        sum
    };
    let purged = join_all(ledgers.iter().map(all)).await;
    // What one is at, the others pass over.
    let rest = purge(&ledgers[0], 2_500, 3000).await;
    assert_eq!(purged.iter().sum::<usize>() + rest, 2_499, "{purged:?}");
    assert_eq!(left(&backend), row(["501", "2500", "3000"]));
}

#[actix_rt::test]
async fn what_is_kept_holds_up_nothing_and_goes_when_it_may() {
    let backend = Backend::new();
    let ledger = backend.open();
    events(&backend, "1, 4000");
    dead(&backend, "1, 2500", 0);
    assert_eq!((purge(&ledger, 3_001, 400).await, purge(&ledger, 3_001, 400).await), (400, 100));
    assert_eq!(purge(&ledger, 3_001, 400).await, 0);
    let all = ledger.dead_letters(LetterFilter::default(), None, 3000).await.unwrap();
    assert_eq!((all.letters.len(), all.letters[0].id), (2500, LetterId::Change(change(2500))));
    ledger.discard(LetterId::Change(change(7)), "seen".to_owned()).await.unwrap();
    assert_eq!(purge(&ledger, 3_001, 400).await, 1);
    assert_eq!(purge(&ledger, 9_999, 4000).await, 999, "the last stays");
    assert_eq!(left(&backend), row(["2500", "1", "4000"]));
    invariants::check(&backend);
}

#[actix_rt::test]
async fn what_is_tried_again_while_it_may_be_purged_is_either_there_or_was_not() {
    let backend = Backend::new();
    let (one, two) = (backend.open(), backend.open());
    events(&backend, "1, 301");
    dead(&backend, "1, 300", 1);
    let replays = async {
        let mut retried = 0;
        for number in (1..=300).rev() {
            match one.replay(change(number), false).await.unwrap() {
                Replay::Retried => retried += 1,
                Replay::Unknown => {}
                other => panic!("{other:?}"),
            }
        }
        retried
    };
    let purges = async {
        let (mut purged, mut last) = (0, 1);
        while last > 0 {
            last = purge(&two, 999, 5).await;
            purged += last;
        }
        purged
    };
    let (retried, purged) = join(replays, purges).await;
    assert_eq!(retried + purged, 300);
    two.close().await;
    invariants::check(&backend);
    let there = "SELECT count(*) FROM usher.changes c JOIN usher.events e ON e.seq = c.id >> 24 WHERE outcome IS NULL";
    assert_eq!(backend.console.run(there), [[Some(retried.to_string())]]);
}
