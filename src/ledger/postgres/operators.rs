//! What an operator asks: held changes, dead letters, replays, and events whose rules failed.
//! The rows are chosen in the database; what becomes of them is decided by the code of the embedded ledger.

use super::error::Failure;
use super::thread::Core;
use crate::domain::{Change, ChangeId, EventId, RuleFailure};
use crate::ledger::types::{
    Cursor, Finished, HeldChange, HeldFilter, LetterFilter, LetterId, Page, Preview, Reconsidered, Replay, Replayed,
};

pub(super) async fn held(_core: &Core, _filter: &HeldFilter, _limit: usize) -> Result<Vec<HeldChange>, Failure> {
    Err(Failure::Closed)
}

pub(super) async fn release_held(_core: &Core, _filter: &HeldFilter, _limit: usize) -> Result<usize, Failure> {
    Err(Failure::Closed)
}

pub(super) async fn dead_letters(
    _core: &Core,
    _filter: &LetterFilter,
    _after: Option<Cursor>,
    _limit: usize,
) -> Result<Page, Failure> {
    Err(Failure::Closed)
}

pub(super) async fn preview(_core: &Core, _filter: &LetterFilter, _limit: usize) -> Result<Vec<Preview>, Failure> {
    Err(Failure::Closed)
}

pub(super) async fn replay(_core: &Core, _change: ChangeId, _force: bool) -> Result<Replay, Failure> {
    Err(Failure::Closed)
}

pub(super) async fn replay_all(_core: &Core, _filter: &LetterFilter, _limit: usize) -> Result<Replayed, Failure> {
    Err(Failure::Closed)
}

pub(super) async fn discard(
    _core: &Core,
    _letter: LetterId,
    _reason: String,
) -> Result<Option<Vec<Finished>>, Failure> {
    Err(Failure::Closed)
}

pub(super) async fn reconsider(
    _core: &Core,
    _event: EventId,
    _verdict: Result<Vec<Change>, RuleFailure>,
) -> Result<Reconsidered, Failure> {
    Err(Failure::Closed)
}
