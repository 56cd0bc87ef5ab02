//! Figures of the whole ledger, each from an index.
//! Only reads.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::error::Failure;
use super::thread::Core;
use super::transaction::glance;
use crate::ledger::codec;
use crate::ledger::types::Statistics;

/// Jumps from one sender to the next: costs what there are senders, not what waits.
const NEXT_DUE: &str = "WITH RECURSIVE senders (sender) AS ( \
        (SELECT sender FROM usher.changes WHERE due_at IS NOT NULL ORDER BY sender LIMIT 1) \
        UNION ALL SELECT (SELECT c.sender FROM usher.changes c WHERE c.due_at IS NOT NULL AND c.sender > s.sender \
            ORDER BY c.sender LIMIT 1) FROM senders s WHERE s.sender IS NOT NULL) \
    SELECT min(d.due_at) FROM senders s CROSS JOIN (VALUES (0::smallint), (1::smallint)) u (urgent) \
        CROSS JOIN LATERAL (SELECT c.due_at FROM usher.changes c WHERE c.sender = s.sender AND c.urgent = u.urgent \
            AND c.due_at IS NOT NULL ORDER BY c.due_at LIMIT 1) d";

pub(super) async fn next_due(core: &Core) -> Result<Option<Timestamp>, Failure> {
    time(&glance(core, async |client| Ok(client.query_typed_one(NEXT_DUE, &[]).await?)).await?, 0)
}

const STATISTICS: &str = "SELECT u.count, (SELECT received_at FROM usher.events WHERE seq = u.oldest >> 24), \
        (SELECT count(*) FROM usher.changes WHERE outcome = 'dead' AND discarded = 0) \
        + (SELECT count(*) FROM usher.events WHERE failure IS NOT NULL AND discarded IS NULL) \
    FROM (SELECT count(*), min(id) AS oldest FROM usher.changes WHERE outcome IS NULL AND dormant = 0) u";

pub(super) async fn statistics(core: &Core) -> Result<Statistics, Failure> {
    let row = glance(core, async |client| Ok(client.query_typed_one(STATISTICS, &[]).await?)).await?;
    let count = |place| row.try_get::<_, i64>(place).map(i64::cast_unsigned);
    Ok(Statistics { unfinished: count(0)?, oldest_received_at: time(&row, 1)?, dead: count(2)? })
}

/// Milliseconds that may be missing.
fn time(row: &Row, place: usize) -> Result<Option<Timestamp>, Failure> {
    let time: Option<i64> = row.try_get(place)?;
    Ok(time.map(codec::timestamp).transpose()?)
}
