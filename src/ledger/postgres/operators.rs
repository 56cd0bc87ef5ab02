//! What an operator asks: held changes, dead letters, replays, and events whose rules failed.
//! The rows are chosen in the database; what becomes of them is decided by the code of the embedded ledger.

mod locked;
mod pick;

use tokio_postgres::types::{ToSql, Type};

use super::error::Failure;
use super::events;
use super::load::{Scope, load, lock_and_load};
use super::session::Session;
use super::set::{Differences, Key, Rows};
use super::thread::Core;
use super::transaction::{glance, transact};
use crate::domain::{Change, ChangeId, EventId, RuleFailure};
use crate::ledger::store::Store;
use crate::ledger::types::{
    Cursor, Finished, HeldChange, HeldFilter, LetterFilter, LetterId, LetterKind, Page, Preview, Reconsidered, Replay,
    Replayed,
};
use crate::ledger::{codec, held, letters, replay};
use locked::{Back, write};
use pick::Letters;

pub(super) async fn held(core: &Core, filter: &HeldFilter, limit: usize) -> Result<Vec<HeldChange>, Failure> {
    let picked = glance(core, async |client| {
        let changes = pick::held(client, filter, limit).await?;
        Ok((read(client, &changes).await?, changes))
    });
    let (rows, changes) = picked.await?;
    Ok(core.sets.run(rows, |store| held::list_rows(store, &changes))?.0)
}

pub(super) async fn release_held(core: &Core, filter: &HeldFilter, limit: usize) -> Result<usize, Failure> {
    let picked = async |client: &Session| pick::held(client, filter, limit).await;
    write(core, picked, Back::Stay, |store, changes| held::release_rows(store, changes.to_vec())).await
}

pub(super) async fn dead_letters(
    core: &Core,
    filter: &LetterFilter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page, Failure> {
    let before = after.map_or(i64::MAX, |cursor| cursor.0);
    let letters = Letters { filter, before, limit: limit.saturating_add(1) };
    let picked = glance(core, async |client| {
        let (changes, failed) = (letters.dead(client).await?, letters.failed(client).await?);
        let mut rows = read(client, &changes).await?;
        let seqs: Vec<i64> = failed.iter().map(|row| codec::seq_of(*row)).collect();
        events::add_whole(client, "e.seq = ANY($1)", &[(&seqs, Type::INT8_ARRAY)], &mut rows).await?;
        Ok((rows, found(changes, LetterKind::Change).chain(found(failed, LetterKind::Event)).collect()))
    });
    let (rows, found): (_, Vec<_>) = picked.await?;
    Ok(core.sets.run(rows, |store| letters::page_of(store, found, limit))?.0)
}

fn found(rows: Vec<i64>, kind: LetterKind) -> impl Iterator<Item = (i64, LetterKind)> {
    rows.into_iter().map(move |row| (row, kind))
}

pub(super) async fn preview(core: &Core, filter: &LetterFilter, limit: usize) -> Result<Vec<Preview>, Failure> {
    let letters = Letters { filter, before: i64::MAX, limit };
    let picked = glance(core, async |client| {
        let changes = letters.dead(client).await?;
        Ok((read(client, &changes).await?, changes))
    });
    let (rows, changes) = picked.await?;
    Ok(core.sets.run(rows, |store| replay::preview_rows(store, &changes))?.0)
}

/// Reads changes without keeping anybody from them.
async fn read(client: &Session, changes: &[i64]) -> Result<Rows, Failure> {
    load(client, &Scope { changes: changes.to_vec(), keys: Vec::new() }).await
}

pub(super) async fn replay(core: &Core, change: ChangeId, force: bool) -> Result<Replay, Failure> {
    let picked = async |client: &Session| pick::change(client, change).await;
    write(core, picked, Back::ToTheirNames, |store, _| replay::replay(store, change, force)).await
}

pub(super) async fn replay_all(core: &Core, filter: &LetterFilter, limit: usize) -> Result<Replayed, Failure> {
    let letters = Letters { filter, before: i64::MAX, limit };
    let picked = async |client: &Session| letters.dead_kept(client).await;
    write(core, picked, Back::ToTheirNames, |store, changes| replay::replay_rows(store, changes)).await
}

pub(super) async fn discard(core: &Core, letter: LetterId, reason: String) -> Result<Option<Vec<Finished>>, Failure> {
    match letter {
        LetterId::Change(change) => {
            let picked = async |client: &Session| pick::change(client, change).await;
            let work = |store: &Store, _: &[i64]| replay::discard(store, &letter, &reason);
            let finished = write(core, picked, Back::Stay, work).await?;
            core.notices.ended(finished.iter().flatten().map(|one| one.change.id.event));
            Ok(finished)
        }
        LetterId::Event(event) => {
            let discarded = transact(core, async |client| {
                Ok((pick::discard(client, event, &reason).await?, Differences::default()))
            });
            Ok(discarded.await?.then(Vec::new))
        }
    }
}

pub(super) async fn reconsider(
    core: &Core,
    event: EventId,
    verdict: Result<Vec<Change>, RuleFailure>,
) -> Result<Reconsidered, Failure> {
    let keys: Vec<Key> = verdict.iter().flatten().map(|change| locked::key(&change.key)).collect();
    let scope = Scope { changes: Vec::new(), keys };
    let id = &event.as_bytes()[..];
    let id: [(&(dyn ToSql + Sync), Type); 1] = [(&id, Type::BYTEA)];
    let reconsidered = transact(core, async |client| {
        let mut rows = lock_and_load(client, &scope).await?;
        // Nobody purges, discards or reconsiders it meanwhile.
        events::add_whole(client, "e.id = $1 FOR NO KEY UPDATE", &id, &mut rows).await?;
        Ok(core.sets.run(rows, |store| replay::reconsider(store, event, verdict.clone()))?)
    });
    let reconsidered = reconsidered.await?;
    core.notices.due();
    core.notices.ended([event]);
    Ok(reconsidered)
}
