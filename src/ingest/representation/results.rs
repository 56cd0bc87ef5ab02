//! What became of the events of a batch, one by one.
//! Knows nothing of status codes beyond showing them.

use serde::Serialize;
use utoipa::ToSchema;

use super::EventView;
use crate::http::problem::{Document, Problem};

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Results)]
pub(in crate::ingest) struct BatchView<'a> {
    /// How many of its events are in the ledger.
    accepted: usize,
    /// How many are not.
    refused: usize,
    /// One for each event, in its order.
    results: Vec<ResultView<'a>>,
}

/// What became of one event of a batch, as if it had come alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Result)]
#[serde(untagged)]
pub(in crate::ingest) enum ResultView<'a> {
    /// In the ledger; the status is 200 where it has ended.
    Accepted {
        status: u16,
        /// It was there before this request.
        replayed: bool,
        event: EventView<'a>,
    },
    /// Refused as it would be alone.
    Refused {
        status: u16,
        #[schema(value_type = Document<'_>)]
        problem: Problem,
    },
}

impl<'a> FromIterator<ResultView<'a>> for BatchView<'a> {
    fn from_iter<I: IntoIterator<Item = ResultView<'a>>>(results: I) -> Self {
        let results: Vec<_> = results.into_iter().collect();
        let accepted = results.iter().filter(|result| matches!(result, ResultView::Accepted { .. })).count();
        Self { accepted, refused: results.len() - accepted, results }
    }
}
