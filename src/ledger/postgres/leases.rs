//! Ending the leases of processes that are no more, so that what they had claimed is due at once.
//! Knows nothing of what they had claimed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use futures_util::future::try_join;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::error::Failure;
use super::load::lock_of;
use super::session::Session;
use crate::domain::Step;

const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '9s'; \
    SET LOCAL idle_in_transaction_session_timeout = '10s'";
const OTHERS: &str =
    "SELECT id, name, seen_at::text, extract(epoch FROM gone_after)::float8 FROM usher.replicas WHERE id <> $1";
/// Whoever is at one of them already is left to it, and so is one that is back.
const TAKE_GONE: &str = "SELECT r.id FROM usher.replicas r JOIN UNNEST($1::int8[], $2::text[]) AS g (id, seen_at) \
    ON g.id = r.id AND g.seen_at = r.seen_at::text FOR UPDATE OF r SKIP LOCKED";
/// What only an answer that never came would have taken away.
const OLD_RECEIPTS: &str = "DELETE FROM usher.receipts WHERE made_at < now() - interval '10 minutes'";
/// Owners that were taken for gone while they claimed.
const OF_NOBODY: &str = "SELECT DISTINCT coalesce(c.owner, 0) FROM usher.changes c WHERE c.leased = 1 \
    AND NOT EXISTS (SELECT FROM usher.replicas r WHERE r.id = c.owner)";
/// In the order of the locks: so no two wait for each other.
const LOCK: &str = concat!(
    "SELECT pg_advisory_xact_lock(lock) FROM (SELECT DISTINCT ",
    lock_of!("organization", "\"user\""),
    " AS lock FROM usher.changes WHERE leased = 1 AND coalesce(owner, 0) = ANY($1) ORDER BY lock) locks"
);
/// Looked at at once; what a call may have done already is known by its step.
static END: LazyLock<String> = LazyLock::new(|| {
    let reads: Vec<_> = Step::READS.iter().map(|step| format!("'{}'", step.name())).collect();
    format!(
        "UPDATE usher.changes SET leased = 0, not_before = NULL, \
         answer_lost = CASE WHEN step IN ({}) THEN answer_lost ELSE 1 END, \
         due_at = (extract(epoch FROM clock_timestamp()) * 1000)::int8 \
         WHERE leased = 1 AND coalesce(owner, 0) = ANY($1)",
        reads.join(", ")
    )
});
const FORGET: &str = "DELETE FROM usher.replicas WHERE id = ANY($1)";

/// The other replicas as this one sees them. Not the clock of the database tells that one is gone, but that this process saw
/// no sign of it for too long: a clock that is set, or a database that was away for everybody, is nobody's end.
#[derive(Default)]
pub(super) struct Others(RefCell<HashMap<i64, Seen>>);

struct Seen {
    at: String,
    since: Instant,
}

/// The latest sign of one, and how long it is to be waited for the next.
#[derive(Debug, Clone, PartialEq)]
struct Sign {
    id: i64,
    name: String,
    seen_at: String,
    gone_after: Duration,
}

impl Others {
    /// Those that gave no sign for too long.
    fn look(&self, signs: Vec<Sign>, now: Instant) -> Vec<Sign> {
        let mut seen = self.0.borrow_mut();
        let mut before = std::mem::take(&mut *seen);
        let is_gone = |sign: &Sign| {
            let same = before.remove(&sign.id).filter(|seen| seen.at == sign.seen_at);
            let since = same.map_or(now, |seen| seen.since);
            seen.insert(sign.id, Seen { at: sign.seen_at.clone(), since });
            now.duration_since(since) >= sign.gone_after
        };
        signs.into_iter().filter(is_gone).collect()
    }
}

fn sign(row: &Row) -> Result<Sign, Failure> {
    let gone_after = Duration::try_from_secs_f64(row.try_get(3)?).unwrap_or(Duration::MAX);
    Ok(Sign { id: row.try_get(0)?, name: row.try_get(1)?, seen_at: row.try_get(2)?, gone_after })
}

/// Ends the leases of those that gave no sign for too long, and forgets them; says whether there is anything to do for it.
pub(super) async fn end_of_the_gone(client: &Session, others: &Others, own: i64) -> Result<bool, Failure> {
    let signs = client.query_typed(OTHERS, &[(&own, Type::INT8)]).await?;
    let gone = others.look(signs.iter().map(sign).collect::<Result<_, _>>()?, Instant::now());
    if gone.is_empty() {
        return Ok(false);
    }
    let (ids, seen): (Vec<i64>, Vec<&str>) = gone.iter().map(|one| (one.id, one.seen_at.as_str())).unzip();
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&ids, Type::INT8_ARRAY), (&seen, Type::TEXT_ARRAY)];
    let taken = async { Ok::<_, Failure>(client.query_typed(TAKE_GONE, &params).await?) };
    let ((), taken) = try_join(begin(client), taken).await?;
    let ids: Vec<i64> = taken.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let ended = end(client, &ids).await?;
    let names: Vec<&str> = gone.iter().filter(|one| ids.contains(&one.id)).map(|one| one.name.as_str()).collect();
    if !names.is_empty() {
        tracing::warn!(replicas = names.join(", "), changes = ended, "replicas are gone; their work is taken up");
    }
    Ok(ended > 0)
}

/// Ends leases whose owner is not among the replicas any more.
pub(super) async fn end_of_nobody(client: &Session) -> Result<(), Failure> {
    client.execute_typed(OLD_RECEIPTS, &[]).await?;
    let owners = client.query_typed(OF_NOBODY, &[]).await?;
    let ids: Vec<i64> = owners.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if ids.is_empty() { Ok(()) } else { end_of(client, &ids).await }
}

/// Ends the leases of these, and forgets them.
pub(super) async fn end_of(client: &Session, ids: &[i64]) -> Result<(), Failure> {
    begin(client).await?;
    end(client, ids).await.map(drop)
}

async fn begin(client: &Session) -> Result<(), Failure> {
    Ok(client.batch_execute(BEGIN).await?)
}

/// The rest of the transaction; says how many leases ended.
async fn end(client: &Session, ids: &[i64]) -> Result<u64, Failure> {
    // Two statements: what is changed must be read after the locks are held.
    client.query_typed(LOCK, &[(&ids, Type::INT8_ARRAY)]).await?;
    let ended = client.execute_typed(&END, &[(&ids, Type::INT8_ARRAY)]).await?;
    client.execute_typed(FORGET, &[(&ids, Type::INT8_ARRAY)]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(id: i64, seen_at: &str) -> Sign {
        Sign { id, name: "a".to_owned(), seen_at: seen_at.to_owned(), gone_after: Duration::from_secs(12) }
    }

    #[test]
    fn one_is_gone_when_no_new_sign_of_it_was_seen_for_long_enough() {
        let (others, now) = (Others::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        // However old the sign is when it is seen first.
        assert_eq!(others.look(vec![sign(1, "1970"), sign(2, "1970")], at(0)), []);
        assert_eq!(others.look(vec![sign(1, "1970"), sign(2, "1971")], at(11)), []);
        assert_eq!(others.look(vec![sign(1, "1970"), sign(2, "1971")], at(12)), [sign(1, "1970")]);
        assert_eq!(others.look(vec![sign(2, "1971")], at(22)), []);
        // One that came back is seen as if for the first time.
        assert_eq!(others.look(vec![sign(1, "1970"), sign(2, "1971")], at(23)), [sign(2, "1971")]);
    }
}
