//! Several events of one request: each is judged by itself, all that may be are recorded in one commit.
//! Knows nothing of HTTP.

use jiff::Timestamp;

use super::Ingest;
use super::accept::{self, Accepted, Verdict};
use super::members::Origin;
use super::parse::ParseError;
use super::refusal::Refusal;
use crate::domain::{Event, KeyId};
use crate::ledger::{Entry, LedgerError, Sighting};
use crate::rules::Sender;

/// What is to be asked of the ledger, and who waits for which answer.
#[derive(Default)]
struct Questions {
    entries: Vec<Entry>,
    sightings: Vec<Sighting>,
    places: Vec<Place>,
}

/// Where the result of one event comes from.
enum Place {
    /// The next of those recorded.
    Recorded,
    /// The next of those recalled, and this where nothing is known of it.
    Recalled(Refusal),
    /// From here.
    Refused(Refusal),
}

impl Ingest {
    /// Makes durable what may be, and says in the same order what became of each; or why nothing is.
    ///
    /// `urgent` when somebody waits for the outcomes.
    pub(super) async fn accept_all(
        &self,
        sender: &Sender,
        events: Vec<Result<Event, ParseError>>,
        keys: &[KeyId],
        urgent: bool,
    ) -> Result<Vec<Result<Accepted, Refusal>>, Refusal> {
        let (now, mut questions) = (accept::now(&self.ledger), Questions::default());
        for (event, index) in events.into_iter().zip(0..) {
            // What names the batch names each of its events by its place.
            let keys = keys.iter().map(|key| key.of_part(index)).collect();
            match event {
                Ok(event) => {
                    let event = (event, Origin::Element(index as usize));
                    self.question(sender, event, (now, urgent, keys), &mut questions);
                }
                Err(mistake) => questions.places.push(Place::Refused(mistake.into())),
            }
        }
        self.ask(questions).await
    }

    fn question(
        &self,
        sender: &Sender,
        (event, origin): (Event, Origin),
        (now, urgent, keys): (Timestamp, bool, Vec<KeyId>),
        questions: &mut Questions,
    ) {
        match self.judge(sender, (&event, origin), now) {
            Ok(Verdict { changes, failure }) => {
                questions.places.push(Place::Recorded);
                questions.entries.push(Entry { event, received_at: now, failure, changes, urgent, keys });
            }
            Err(refusal) => {
                questions.places.push(Place::Recalled(refusal));
                questions.sightings.push(accept::sighting(&event, keys));
            }
        }
    }

    async fn ask(&self, questions: Questions) -> Result<Vec<Result<Accepted, Refusal>>, Refusal> {
        let Questions { entries, sightings, places } = questions;
        let recalled = if sightings.is_empty() { Vec::new() } else { self.ledger.recall_all(sightings).await? };
        let recorded = if entries.is_empty() { Vec::new() } else { self.ledger.record_all(entries).await? };
        let (mut recalled, mut recorded) = (recalled.into_iter(), recorded.into_iter());
        let result = |place| match place {
            Place::Recorded => self.taken(recorded.next().ok_or(LedgerError::Closed)?),
            Place::Recalled(refusal) => recalled.next().flatten().map_or(Err(refusal), |earlier| self.taken(earlier)),
            Place::Refused(refusal) => Err(refusal),
        };
        Ok(places.into_iter().map(result).collect())
    }
}
