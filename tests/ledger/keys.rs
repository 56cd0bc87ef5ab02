//! Further claims on an event's identity: each names one event, from the commit that wrote it until the event goes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use usher::domain::KeyId;
use usher::ledger::Sighting;

use super::*;

fn key_of(name: &str) -> KeyId {
    KeyId::of(&SenderName::try_from("billing".to_owned()).unwrap(), "idempotency-key", name)
}

/// An event that asks for nothing, with a content and keys.
fn claimed_by(name: &str, content: u8, keys: &[&str]) -> Entry {
    let mut entry = entry(name, 0, &[]);
    entry.event.data = json!(content);
    entry.keys = keys.iter().map(|key| key_of(key)).collect();
    entry
}

fn seen(entry: &Entry) -> Sighting {
    Sighting { event: entry.event.id, content: entry.event.content_digest(), keys: entry.keys.clone() }
}

/// The name of the event that was there, or what else came of it.
fn told(recorded: &Recorded) -> String {
    match recorded {
        Recorded::New(record) => format!("new {}", record.event.event_id),
        Recorded::Repeated(record) => format!("repeated {}", record.event.event_id),
        Recorded::Conflict => "conflict".to_owned(),
        Recorded::KeyTaken => "key taken".to_owned(),
    }
}

async fn record(ledger: &Ledger, name: &str, content: u8, keys: &[&str]) -> String {
    told(&ledger.record(claimed_by(name, content, keys)).await.unwrap())
}

#[tokio::test]
async fn a_key_names_the_event_that_first_came_with_it() {
    let (_backend, ledger) = opened();
    assert_eq!(record(&ledger, "a", 1, &["k"]).await, "new a");
    assert_eq!(record(&ledger, "a", 1, &["k"]).await, "repeated a");
    assert_eq!(record(&ledger, "b", 1, &["k"]).await, "repeated a", "the same content under a new id");
    assert_eq!(record(&ledger, "b", 2, &["k"]).await, "key taken");
    assert_eq!(record(&ledger, "a", 2, &["k"]).await, "conflict");
    assert_eq!(record(&ledger, "b", 1, &[]).await, "new b", "what was refused left nothing behind");
    assert_eq!(record(&ledger, "b", 1, &["k"]).await, "key taken", "both are known, and they are two");
}

#[tokio::test]
async fn an_event_is_named_by_so_many_later_keys_and_no_more() {
    let (_backend, ledger) = opened();
    record(&ledger, "a", 1, &[]).await;
    for number in 0..20 {
        assert_eq!(record(&ledger, "a", 1, &[&format!("k{number}")]).await, "repeated a");
    }
    assert_eq!(record(&ledger, "b", 2, &["k7"]).await, "key taken");
    assert_eq!(record(&ledger, "b", 2, &["k8"]).await, "new b", "nothing is kept without bound");
}

#[tokio::test]
async fn a_new_key_on_a_known_event_names_it_from_then_on() {
    let (backend, ledger) = opened();
    record(&ledger, "a", 1, &[]).await;
    assert_eq!(record(&ledger, "a", 2, &["k"]).await, "conflict");
    assert_eq!(record(&ledger, "b", 2, &["k"]).await, "new b", "a conflict binds nothing");
    assert_eq!(record(&ledger, "a", 1, &["l"]).await, "repeated a");
    ledger.close().await;
    let ledger = backend.open();
    assert_eq!(record(&ledger, "c", 3, &["l"]).await, "key taken");
    assert_eq!(record(&ledger, "c", 1, &["l"]).await, "repeated a");
}

#[tokio::test]
async fn several_keys_must_agree() {
    let (_backend, ledger) = opened();
    record(&ledger, "a", 1, &["k"]).await;
    record(&ledger, "b", 1, &["l"]).await;
    assert_eq!(record(&ledger, "c", 1, &["k", "l"]).await, "key taken");
    assert_eq!(record(&ledger, "c", 1, &["k", "m"]).await, "repeated a");
    assert_eq!(record(&ledger, "d", 4, &["m"]).await, "key taken", "it was bound beside the other");
    assert_eq!(record(&ledger, "d", 4, &["n", "n"]).await, "new d");
}

#[tokio::test]
async fn what_is_recalled_is_what_would_be_recorded_again_and_nothing_new_is_written() {
    let (_backend, ledger) = opened();
    let (a, b) = (claimed_by("a", 1, &["k"]), claimed_by("b", 2, &["k"]));
    assert_eq!(ledger.recall(seen(&a)).await, Ok(None));
    ledger.record(a.clone()).await.unwrap();
    assert_eq!(ledger.recall(seen(&b)).await, Ok(Some(Recorded::KeyTaken)));
    let again = claimed_by("a", 1, &["l"]);
    let both = ledger.recall_all(vec![seen(&again), seen(&claimed_by("c", 1, &["l"]))]).await.unwrap();
    let both: Vec<_> = both.iter().flatten().map(told).collect();
    assert_eq!(both, ["repeated a", "repeated a"], "a key that was unknown is bound");
    assert_eq!(ledger.find(b.event.id).await, Ok(None));
}

#[tokio::test]
async fn a_batch_is_recorded_in_order_and_an_event_in_it_twice_is_recorded_once() {
    let (_backend, ledger) = opened();
    record(&ledger, "a", 1, &[]).await;
    let entries = vec![
        claimed_by("b", 1, &[]),
        claimed_by("a", 1, &[]),
        claimed_by("b", 1, &[]),
        claimed_by("b", 2, &[]),
        claimed_by("c", 1, &["k"]),
        claimed_by("d", 2, &["k"]),
    ];
    let recorded = ledger.record_all(entries).await.unwrap();
    let recorded: Vec<_> = recorded.iter().map(told).collect();
    assert_eq!(recorded, ["new b", "repeated a", "repeated b", "conflict", "new c", "key taken"]);
    assert_eq!(ledger.record_all(Vec::new()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn keys_go_with_their_event() {
    let (_backend, ledger) = opened();
    record(&ledger, "a", 1, &["k"]).await;
    record(&ledger, "a", 1, &["l"]).await;
    record(&ledger, "b", 1, &[]).await;
    assert_eq!(ledger.purge(at(1), 9).await, Ok(1));
    assert_eq!(record(&ledger, "c", 3, &["k", "l"]).await, "new c");
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// An event, its content and its keys, by their places in [`NAMES`].
type Wish = (usize, u8, Vec<usize>);

#[derive(Debug, Clone)]
enum Act {
    Record(Wish),
    Batch(Vec<Wish>),
    Recall(Wish),
    Purge(usize),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    let wish = || (0..NAMES.len(), 0..2_u8, prop::collection::vec(0..NAMES.len(), 0..3));
    prop_oneof![
        8 => wish().prop_map(Act::Record),
        2 => prop::collection::vec(wish(), 0..4).prop_map(Act::Batch),
        2 => wish().prop_map(Act::Recall),
        2 => (1..4_usize).prop_map(Act::Purge),
        1 => Just(Act::Reopen),
    ]
}

/// What is there: events in their order with their contents, and the event of each key.
#[derive(Default)]
struct Known {
    events: Vec<(usize, u8)>,
    keys: BTreeMap<usize, usize>,
}

impl Known {
    fn expected(&mut self, (event, content, keys): &Wish, writes: bool) -> Option<String> {
        let content_of =
            |name: usize| self.events.iter().find(|(other, _)| *other == name).map(|(_, content)| *content);
        let mut named: Vec<usize> = keys.iter().filter_map(|key| self.keys.get(key).copied()).collect();
        named.extend(content_of(*event).map(|_| *event));
        named.sort_unstable();
        named.dedup();
        let (place, answer) = match named[..] {
            [] if writes => {
                self.events.push((*event, *content));
                (*event, format!("new {}", NAMES[*event]))
            }
            [] => return None,
            [one] if content_of(one) == Some(*content) => (one, format!("repeated {}", NAMES[one])),
            [one] if one == *event => return Some("conflict".to_owned()),
            _ => return Some("key taken".to_owned()),
        };
        for key in keys {
            self.keys.entry(*key).or_insert(place);
        }
        Some(answer)
    }

    fn purge(&mut self, limit: usize) {
        let gone = limit.min(self.events.len().saturating_sub(1));
        for (event, _) in self.events.drain(..gone) {
            self.keys.retain(|_, named| *named != event);
        }
    }
}

fn wished((event, content, keys): &Wish) -> Entry {
    let keys: Vec<_> = keys.iter().map(|key| NAMES[*key]).collect();
    claimed_by(NAMES[*event], *content, &keys)
}

async fn play(acts: Vec<Act>) {
    let (backend, mut known) = (backend(), Known::default());
    let mut ledger = backend.open();
    for act in acts {
        match act {
            Act::Record(wish) => {
                let recorded = ledger.record(wished(&wish)).await.unwrap();
                assert_eq!(Some(told(&recorded)), known.expected(&wish, true));
            }
            Act::Batch(wishes) => {
                let recorded = ledger.record_all(wishes.iter().map(wished).collect()).await.unwrap();
                for (recorded, wish) in recorded.iter().zip(&wishes) {
                    assert_eq!(Some(told(recorded)), known.expected(wish, true));
                }
            }
            Act::Recall(wish) => {
                let recalled = ledger.recall(seen(&wished(&wish))).await.unwrap();
                assert_eq!(recalled.as_ref().map(told), known.expected(&wish, false));
            }
            Act::Purge(limit) => {
                ledger.purge(at(1), limit).await.unwrap();
                known.purge(limit);
            }
            Act::Reopen => {
                ledger.close().await;
                ledger = backend.open();
            }
        }
        invariants::check(&backend);
    }
    ledger.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: HISTORIES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ids_and_keys_name_events_as_in_a_list(acts in prop::collection::vec(act(), 1..50)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(play(acts));
    }
}
