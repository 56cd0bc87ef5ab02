//! Deleting events past their retention, a few at a time, beside everything else.
//! Knows nothing of how long that is.

mod progress;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_postgres::types::Type;

use super::error::Failure;
use super::session::Session;
use super::set::Differences;
use super::thread::Core;
use super::transaction::transact;
pub(super) use progress::Progress;

/// So many events are looked at in one transaction. So many in a row that are too young are the end of the old ones; a clock
/// that was wrong for a moment is not.
const WINDOW: i64 = 1000;

/// What must hold of an event `e` that is old, in every statement that asks for it.
macro_rules! is_over {
    () => {
        "(e.failure IS NULL OR e.discarded IS NOT NULL) AND NOT EXISTS (SELECT FROM usher.changes c \
         WHERE c.id >= e.seq << 24 AND c.id < (e.seq + 1) << 24 \
         AND (c.outcome IS NULL OR c.outcome = 'dead' AND c.discarded = 0))"
    };
}

/// Those of the next events that may go, the last that was looked at, and whether any was old. The last event of all stays,
/// as in the embedded ledger. What another replica is purging, or an operator is at, is passed over.
const PICK: &str = concat!(
    "WITH seen AS MATERIALIZED (SELECT seq, received_at < $1 AS old FROM usher.events WHERE seq > $2 \
        ORDER BY seq LIMIT $3), \
     over AS MATERIALIZED (SELECT e.seq FROM seen s JOIN usher.events e ON e.seq = s.seq \
        WHERE s.old AND s.seq < (SELECT max(seq) FROM usher.events) AND ",
    is_over!(),
    " ORDER BY s.seq LIMIT $4 FOR UPDATE OF e SKIP LOCKED) \
     SELECT ARRAY(SELECT seq FROM over), (SELECT max(seq) FROM seen), (SELECT coalesce(bool_or(old), false) FROM seen)"
);

/// Asked again, now that nobody can give an event new life any more. What its sender did in its organizations before that
/// time is forgotten with it.
const PURGE: &str = concat!(
    "WITH gone AS (DELETE FROM usher.events e WHERE e.seq = ANY($2) AND e.received_at < $1 AND ",
    is_over!(),
    " RETURNING e.seq), \
     changes AS (DELETE FROM usher.changes c USING gone g WHERE c.id >= g.seq << 24 AND c.id < (g.seq + 1) << 24 \
        RETURNING c.organization, c.sender, c.outcome), \
     attempts AS (DELETE FROM usher.attempts a USING gone g \
        WHERE a.change >= g.seq << 24 AND a.change < (g.seq + 1) << 24), \
     keys AS (DELETE FROM usher.keys k USING gone g WHERE k.seq = g.seq), \
     past AS (SELECT r.organization, r.sender, r.done_at, r.change \
        FROM (SELECT DISTINCT organization, sender FROM changes WHERE outcome IN ('revoked', 'updated')) c \
        JOIN usher.removals r ON r.organization = c.organization AND r.sender = c.sender AND r.done_at <= $1 \
        FOR UPDATE OF r SKIP LOCKED), \
     removals AS (DELETE FROM usher.removals r USING past p WHERE r.organization = p.organization \
        AND r.sender = p.sender AND r.done_at = p.done_at AND r.change = p.change) \
     SELECT count(*) FROM gone"
);

pub(super) async fn purge(core: &Core, received_before: Timestamp, limit: usize) -> Result<usize, Failure> {
    let (before, progress) = (received_before.as_millisecond(), &core.purged);
    let mut whole = progress.is_at_the_beginning();
    let mut purged = 0;
    while purged < limit && !core.closing.is_cancelled() {
        let began = Instant::now();
        let step = transact(core, async |client| {
            Ok((step(client, before, progress.passed(), limit - purged).await?, Differences::default()))
        });
        let step = step.await?;
        purged += step.purged;
        let goes_on = match step.passed {
            Some(seq) => progress.pass(seq, step.purged, began.elapsed()),
            None => progress.end(whole),
        };
        whole |= progress.is_at_the_beginning();
        if !goes_on {
            break;
        }
    }
    Ok(purged)
}

/// What became of a few events.
struct Step {
    purged: usize,
    /// The last of them; none where all were too young.
    passed: Option<i64>,
}

async fn step(client: &Session, before: i64, passed: i64, limit: usize) -> Result<Step, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX).min(WINDOW);
    let params = [before, passed, WINDOW, limit];
    let params = params.each_ref().map(|number| (number as _, Type::INT8));
    let picked = client.query_typed_one(PICK, &params).await?;
    let (over, last, any_old): (Vec<i64>, Option<i64>, bool) =
        (picked.try_get(0)?, picked.try_get(1)?, picked.try_get(2)?);
    if over.is_empty() {
        return Ok(Step { purged: 0, passed: last.filter(|_| any_old) });
    }
    let params = [(&before as _, Type::INT8), (&over as _, Type::INT8_ARRAY)];
    let purged: i64 = client.query_typed_one(PURGE, &params).await?.try_get(0)?;
    let is_full = i64::try_from(over.len()) == Ok(limit);
    let passed = if is_full { over.last().copied() } else { last };
    Ok(Step { purged: usize::try_from(purged).unwrap_or_default(), passed })
}
