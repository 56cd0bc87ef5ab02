//! Claiming: picks due queues that nobody else is at, and lets the code of the embedded ledger choose among them.
//! Knows nothing of what becomes of a claim.

use std::collections::BTreeSet;

use futures_util::future::try_join;
use tokio_postgres::types::{ToSql, Type};

use super::error::Failure;
use super::load::{Scope, load, lock_of};
use super::session::Session;
use super::set::{Cell, Key, Rows};
use super::tables::{CHANGES, REMOVALS};
use super::thread::Core;
use super::transaction::transact;
use crate::domain::{Brakes, SenderName};
use crate::ledger::claim;
use crate::ledger::types::{ClaimRequest, Claimed};

/// Of each sender about twice its even share: whose turn it is, is decided later. A row that another transaction is at is
/// passed over, and so is a membership of which another change is just being settled. Jumps from one sender to the next.
const PICK: &str = concat!(
    "WITH RECURSIVE senders (sender) AS ( \
        (SELECT sender FROM usher.changes WHERE due_at IS NOT NULL ORDER BY sender LIMIT 1) \
        UNION ALL SELECT (SELECT c.sender FROM usher.changes c WHERE c.due_at IS NOT NULL AND c.sender > s.sender \
            ORDER BY c.sender LIMIT 1) FROM senders s WHERE s.sender IS NOT NULL), \
     due AS MATERIALIZED (SELECT d.organization, d.\"user\" FROM senders s \
        CROSS JOIN (VALUES (1::smallint), (0::smallint)) u (urgent) \
        CROSS JOIN LATERAL (SELECT c.organization, c.\"user\" FROM usher.changes c \
            WHERE c.sender = s.sender AND c.urgent = u.urgent AND c.due_at <= $1 ORDER BY c.due_at \
            LIMIT (SELECT 1 + least($2, 2 * $2 / count(sender)) FROM senders) FOR UPDATE SKIP LOCKED) d \
        WHERE s.sender IS NOT NULL) \
     SELECT DISTINCT organization, \"user\" FROM due WHERE pg_try_advisory_xact_lock(",
    lock_of!("organization", "\"user\""),
    ")"
);

pub(super) async fn claim(core: &Core, request: ClaimRequest) -> Result<Claimed, Failure> {
    let now = request.now.as_millisecond();
    let wanted = i64::try_from(request.limit).unwrap_or(i64::MAX / 4).min(MOST);
    let claimed = transact(core, async |client| {
        let picked = client.query_typed(PICK, &[(&now, Type::INT8), (&wanted, Type::INT8)]).await?;
        let scope = Scope { keys: picked.iter().map(|row| (row.get(0), row.get(1))).collect(), ..Scope::default() };
        let mut rows = match scope.keys.is_empty() {
            true => Rows::default(),
            false => load(client, &scope).await?,
        };
        count_removals(client, &mut rows, &request.brakes, now).await?;
        Ok(core.sets.run(rows, |store| claim::claim(store, request.clone()))?)
    })
    .await?;
    core.notices.ended(claimed.finished.iter().map(|one| one.change.id.event));
    Ok(claimed)
}

/// More are never claimed at once.
const MOST: i64 = 1024;

/// What one sender did or is about to do in one organization, as far as its brake looks.
const COUNT: &str = "SELECT r.organization, r.sender, r.done_at, r.change \
    FROM UNNEST($1::text[], $2::text[], $3::int8[], $4::int8[]) AS p (organization, sender, since, most) \
    CROSS JOIN LATERAL (SELECT * FROM usher.removals r WHERE r.organization = p.organization AND r.sender = p.sender \
        AND r.done_at > p.since LIMIT p.most) r";
/// What no brake looks at any more.
const OVER: &str = "DELETE FROM usher.removals r \
    USING UNNEST($1::text[], $2::text[], $3::int8[]) AS p (organization, sender, since) \
    WHERE r.organization = p.organization AND r.sender = p.sender AND r.done_at <= p.since";

/// Adds what is counted for the brake, where a change may have to be held by it.
async fn count_removals(client: &Session, rows: &mut Rows, brakes: &Brakes, now: i64) -> Result<(), Failure> {
    let braked = braked(rows, brakes, now);
    if braked.is_empty() {
        return Ok(());
    }
    let (organizations, senders): (Vec<&str>, Vec<&str>) =
        braked.iter().map(|b| (b.0.0.as_str(), b.0.1.as_str())).unzip();
    let (since, most): (Vec<i64>, Vec<i64>) = braked.iter().map(|b| (b.1, b.2)).unzip();
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&organizations, Type::TEXT_ARRAY),
        (&senders, Type::TEXT_ARRAY),
        (&since, Type::INT8_ARRAY),
        (&most, Type::INT8_ARRAY),
    ];
    let (_, counted) = try_join(client.execute_typed(OVER, &params[..3]), client.query_typed(COUNT, &params)).await?;
    for row in &counted {
        let cells =
            vec![Cell::Text(row.get(0)), Cell::Text(row.get(1)), Cell::Number(row.get(2)), Cell::Number(row.get(3))];
        rows.add(&REMOVALS, cells);
    }
    Ok(())
}

/// Organization and sender, since when is counted, and how far: the change itself may be among them.
type Braked = (Key, i64, i64);

/// Of the changes that may end or lower a membership, or stand for one that does.
fn braked(rows: &Rows, brakes: &Brakes, now: i64) -> BTreeSet<Braked> {
    let text = |row: &[Cell], name| match &row[CHANGES.place(name)] {
        Cell::Text(text) => text.clone(),
        _ => String::new(),
    };
    let may_remove = |row: &&Vec<Cell>| {
        text(row, "action") == "revoke"
            || text(row, "existing") == "replace"
            || row[CHANGES.place("replaces")] == Cell::Number(1)
    };
    rows.of(&CHANGES)
        .iter()
        .filter(may_remove)
        .filter_map(|row| {
            let sender = SenderName::try_from(text(row, "sender")).ok()?;
            let brake = brakes.of(&sender)?;
            let window = i64::try_from(brake.window.as_millis()).unwrap_or(i64::MAX);
            let key = (text(row, "organization"), text(row, "sender"));
            Some((key, now.saturating_sub(window), i64::from(brake.limit) + 1))
        })
        .collect()
}
