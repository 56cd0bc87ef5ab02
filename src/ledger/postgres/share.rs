//! What all replicas share beside the record: token buckets, and whether calls are made at all.
//! Knows nothing of what is decided.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::error::Failure;
use super::replica::{limited, with};
use super::session::Session;
use super::text;
use super::thread::Core;
use crate::ledger::types::{Halted, Slice, SliceAsk, Standing};

/// How often to look for buckets that nobody needs any more.
const SWEEP: Duration = Duration::from_secs(60);

/// What there is in a bucket `b`. A clock that was set back stops it for a minute at most.
macro_rules! there {
    () => {
        "least($3, b.tokens + $2 * greatest(0, extract(epoch FROM now() - b.filled_at), \
         extract(epoch FROM b.filled_at - now()) - 60)::float8)"
    };
}

/// What is read of the standing: for how long it is closed, since when and why it is halted, whether it is paused.
macro_rules! standing {
    () => {
        "extract(epoch FROM closed_until - now())::float8, extract(epoch FROM now() - halted_at)::float8, \
         halted_why, paused_at IS NOT NULL"
    };
}

/// One statement, so one trip and one commit; where nothing is taken, nothing is written. It waits for that commit: a
/// bucket that is full again after a crash would give twice.
///
/// `now()` is when the statement began. Whoever waited for another took its tokens earlier than that one by this clock;
/// no time counts twice, because `filled_at` only rises.
const SLICE: &str = concat!(
    "WITH taken AS (UPDATE usher.buckets b SET tokens = ",
    there!(),
    " - floor(least($4, ",
    there!(),
    ")), given = floor(least($4, ",
    there!(),
    ")), filled_at = CASE WHEN b.filled_at > now() + interval '1 minute' THEN now() ELSE greatest(b.filled_at, now()) END \
     WHERE b.name = $1 AND $4 >= 1 AND ",
    there!(),
    " >= 1 RETURNING b.given, b.tokens), \
     made AS (INSERT INTO usher.buckets AS b (name, tokens, filled_at, given) \
     SELECT $1, $3 - floor(least($4, $3)), now(), floor(least($4, $3)) \
     WHERE $4 >= 1 AND NOT EXISTS (SELECT FROM usher.buckets WHERE name = $1) \
     ON CONFLICT (name) DO NOTHING RETURNING b.given, b.tokens), \
     got AS (SELECT given, tokens FROM taken UNION ALL SELECT given, tokens FROM made), \
     seen AS (SELECT ",
    there!(),
    " AS tokens FROM usher.buckets b WHERE b.name = $1) \
     SELECT coalesce((SELECT given FROM got), 0::float8), \
     coalesce((SELECT tokens FROM got), (SELECT tokens FROM seen), $3), \
     (SELECT count(*) FROM usher.replicas WHERE seen_at > clock_timestamp() - gone_after), ",
    standing!(),
    " FROM usher.standing"
);

/// Where the standing begins among the columns of a slice.
const STANDING_AT: usize = 3;

const STANDING: &str = concat!("SELECT ", standing!(), " FROM usher.standing");

const CLOSE: &str = "UPDATE usher.standing SET closed_until = now() + make_interval(secs => $1) \
    WHERE closed_until IS NULL OR closed_until < now() + make_interval(secs => $1)";
const HALT: &str = "UPDATE usher.standing SET halted_at = now(), halted_why = $1 WHERE halted_at IS NULL";
const UNHALT: &str = "UPDATE usher.standing SET halted_at = NULL, halted_why = NULL WHERE halted_at IS NOT NULL";
const PAUSE: &str = "UPDATE usher.standing SET paused_at = now() WHERE paused_at IS NULL";
const RESUME: &str = "UPDATE usher.standing SET paused_at = NULL WHERE paused_at IS NOT NULL";

/// Those of a name that many have: full again since long, so nothing is forgotten with them.
const FORGET: &str = "DELETE FROM usher.buckets WHERE name IN \
    (SELECT name FROM usher.buckets WHERE name LIKE '% %' AND filled_at < now() - interval '10 minutes' LIMIT 1000)";

/// What this process keeps in mind for it.
#[derive(Default)]
pub(super) struct Sweeps(Cell<Option<Instant>>);

impl Sweeps {
    /// Whether it is time for the next.
    fn is_due(&self, now: Instant) -> bool {
        let due = self.0.get().is_none_or(|last| now.saturating_duration_since(last) >= SWEEP);
        if due {
            self.0.set(Some(now));
        }
        due
    }
}

pub(super) async fn slice(core: &Core, ask: SliceAsk) -> Result<Slice, Failure> {
    let slice = limited(with(core.pool.get(), async |client| take(client, &ask).await)).await?;
    if ask.bucket.contains(' ') && core.sweeps.is_due(Instant::now()) {
        change(core, FORGET, &[]).await?;
    }
    Ok(slice)
}

async fn take(client: &Session, ask: &SliceAsk) -> Result<Slice, Failure> {
    let (bucket, burst, want) = (text::stored(&ask.bucket), ask.burst.max(1.0), f64::from(ask.want));
    let values: [(&(dyn ToSql + Sync), Type); 4] =
        [(&bucket, Type::TEXT), (&ask.per_second, Type::FLOAT8), (&burst, Type::FLOAT8), (&want, Type::FLOAT8)];
    let row = client.query_typed_one(SLICE, &values).await?;
    let (given, left): (f64, f64) = (row.try_get(0)?, row.try_get(1)?);
    let replicas = u32::try_from(row.try_get::<_, i64>(2)?).unwrap_or(u32::MAX).max(1);
    Ok(Slice {
        tokens: given as u32,
        good_for: Slice::GOOD_FOR,
        next_in: (given < want).then(|| seconds((1.0 - left).max(0.0) / ask.per_second)),
        replicas,
        standing: read(&row, STANDING_AT)?,
    })
}

pub(super) async fn standing(core: &Core) -> Result<Standing, Failure> {
    limited(with(core.pool.get(), async |client| read(&client.query_typed_one(STANDING, &[]).await?, 0))).await
}

fn read(row: &Row, at: usize) -> Result<Standing, Failure> {
    let closed: Option<f64> = row.try_get(at)?;
    let (since, why): (Option<f64>, Option<String>) = (row.try_get(at + 1)?, row.try_get(at + 2)?);
    Ok(Standing {
        closed_for: closed.filter(|left| *left > 0.0).map(seconds),
        halted: since.map(|since| Halted { since: seconds(since), why: why.map(text::read).unwrap_or_default() }),
        paused: row.try_get(at + 3)?,
    })
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

pub(super) async fn standing_heard(core: &Core) -> Result<watch::Receiver<()>, Failure> {
    Ok(core.notices.standing_heard())
}

pub(super) async fn close_gate(core: &Core, time: Duration) -> Result<(), Failure> {
    change_standing(core, CLOSE, &[(&time.as_secs_f64(), Type::FLOAT8)]).await.map(|_| ())
}

pub(super) async fn halt(core: &Core, why: &str) -> Result<(), Failure> {
    change_standing(core, HALT, &[(&text::stored(why), Type::TEXT)]).await.map(|_| ())
}

pub(super) async fn unhalt(core: &Core) -> Result<(), Failure> {
    change_standing(core, UNHALT, &[]).await.map(|_| ())
}

pub(super) async fn pause(core: &Core, pause: bool) -> Result<bool, Failure> {
    change_standing(core, if pause { PAUSE } else { RESUME }, &[]).await
}

/// Each of these can be said twice; says whether it was news, and tells everybody where it was.
async fn change_standing(
    core: &Core,
    statement: &str,
    values: &[(&(dyn ToSql + Sync), Type)],
) -> Result<bool, Failure> {
    let news = change(core, statement, values).await? > 0;
    if news {
        core.notices.standing();
    }
    Ok(news)
}

async fn change(core: &Core, statement: &str, values: &[(&(dyn ToSql + Sync), Type)]) -> Result<u64, Failure> {
    let change = async |client: &Session| Ok(client.execute_typed(statement, values).await?);
    limited(with(core.pool.get(), change)).await
}
