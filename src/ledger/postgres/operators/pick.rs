//! Which changes and events an operator means: their numbers, found by the same rules as in the embedded ledger.
//! Knows nothing of what becomes of them.

use tokio_postgres::types::{ToSql, Type};

use super::super::session::Session;
use crate::domain::{ChangeId, EventId};
use crate::ledger::postgres::error::Failure;
use crate::ledger::postgres::set::Key;
use crate::ledger::postgres::text;
use crate::ledger::types::{HeldFilter, LetterFilter, LetterKind};

/// The event of what is picked cannot be purged before the end of the transaction.
macro_rules! kept {
    ($sql:expr) => {
        concat!($sql, " FOR KEY SHARE OF e")
    };
}

const CHANGE: &str = kept!("SELECT (e.seq << 24) | $2 FROM usher.events e WHERE e.id = $1");

/// A change, where there is its event.
pub(super) async fn change(client: &Session, change: ChangeId) -> Result<Vec<i64>, Failure> {
    let (event, index) = (&change.event.as_bytes()[..], i64::from(change.index));
    numbers(client, CHANGE, &[(&event, Type::BYTEA), (&index, Type::INT8)]).await
}

const HELD: &str = "SELECT c.id FROM usher.changes c WHERE c.held = 1 AND ($1 IS NULL OR c.sender = $1) \
    AND ($2 IS NULL OR c.organization = $2) \
    AND ($3 IS NULL OR c.id = (SELECT (e.seq << 24) | $4 FROM usher.events e WHERE e.id = $3)) ORDER BY c.id LIMIT $5";

/// Those that are held, the oldest first.
pub(super) async fn held(client: &Session, filter: &HeldFilter, limit: usize) -> Result<Vec<i64>, Failure> {
    let sender = filter.sender.as_ref().map(|sender| sender.as_str());
    let organization = filter.organization.as_ref().map(|organization| organization.to_text());
    let event = filter.change.as_ref().map(|change| &change.event.as_bytes()[..]);
    let index = filter.change.map(|change| i64::from(change.index));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let params: [(&(dyn ToSql + Sync), Type); 5] = [
        (&sender, Type::TEXT),
        (&organization, Type::TEXT),
        (&event, Type::BYTEA),
        (&index, Type::INT8),
        (&limit, Type::INT8),
    ];
    numbers(client, HELD, &params).await
}

macro_rules! dead {
    () => {
        "SELECT c.id FROM usher.changes c JOIN usher.events e ON e.seq = c.id >> 24 \
         WHERE c.outcome = 'dead' AND c.discarded = 0 AND c.id < $1 AND ($2 IS NULL OR c.sender = $2) \
         AND ($3 IS NULL OR c.rule = $3) AND ($4 IS NULL OR e.kind = $4) \
         AND ($5 IS NULL OR c.organization = $5 OR c.named_organization = $5) \
         AND ($6 IS NULL OR e.received_at >= $6) AND ($7 IS NULL OR e.received_at < $7) ORDER BY c.id DESC LIMIT $8"
    };
}

const DEAD: &str = dead!();
const DEAD_KEPT: &str = kept!(dead!());

/// A failure is JSON whose first element is the rule; written by us, so that its beginning is always the same.
const FAILED: &str = "SELECT e.seq << 24 FROM usher.events e \
    WHERE e.failure IS NOT NULL AND e.discarded IS NULL AND e.seq << 24 < $1 AND ($2 IS NULL OR e.sender = $2) \
    AND ($3 IS NULL OR starts_with(e.failure, $3)) AND ($4 IS NULL OR e.kind = $4) AND $5 IS NULL \
    AND ($6 IS NULL OR e.received_at >= $6) AND ($7 IS NULL OR e.received_at < $7) ORDER BY e.seq DESC LIMIT $8";

/// Which letters, from where and how many.
pub(super) struct Letters<'a> {
    pub(super) filter: &'a LetterFilter,
    pub(super) before: i64,
    pub(super) limit: usize,
}

impl Letters<'_> {
    /// The latest of them first.
    pub(super) async fn dead(&self, client: &Session) -> Result<Vec<i64>, Failure> {
        self.changes(client, DEAD).await
    }

    /// As [`Letters::dead`], and none of them is purged meanwhile.
    pub(super) async fn dead_kept(&self, client: &Session) -> Result<Vec<i64>, Failure> {
        self.changes(client, DEAD_KEPT).await
    }

    async fn changes(&self, client: &Session, sql: &str) -> Result<Vec<i64>, Failure> {
        match self.filter.kind {
            Some(LetterKind::Event) => Ok(Vec::new()),
            Some(LetterKind::Change) | None => self.numbers(client, sql, self.filter.rule.as_deref()).await,
        }
    }

    /// Events whose rules failed, numbered like the first change that each would have.
    pub(super) async fn failed(&self, client: &Session) -> Result<Vec<i64>, Failure> {
        if self.filter.kind == Some(LetterKind::Change) {
            return Ok(Vec::new());
        }
        let rule = self.filter.rule.as_ref().map(|rule| format!("[{},", serde_json::json!(rule)));
        self.numbers(client, FAILED, rule.as_deref()).await
    }

    async fn numbers(&self, client: &Session, sql: &str, rule: Option<&str>) -> Result<Vec<i64>, Failure> {
        let sender = self.filter.sender.as_ref().map(|sender| sender.as_str());
        let rule = rule.map(text::stored);
        let kind = self.filter.event_type.as_ref().map(|kind| kind.as_str());
        let organization = self.filter.organization.as_ref().map(|organization| organization.to_text());
        let from = self.filter.received_from.map(|at| at.as_millisecond());
        let before = self.filter.received_before.map(|at| at.as_millisecond());
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let params: [(&(dyn ToSql + Sync), Type); 8] = [
            (&self.before, Type::INT8),
            (&sender, Type::TEXT),
            (&rule, Type::TEXT),
            (&kind, Type::TEXT),
            (&organization, Type::TEXT),
            (&from, Type::INT8),
            (&before, Type::INT8),
            (&limit, Type::INT8),
        ];
        numbers(client, sql, &params).await
    }
}

async fn numbers(client: &Session, sql: &str, params: &[(&(dyn ToSql + Sync), Type)]) -> Result<Vec<i64>, Failure> {
    client.query_typed(sql, params).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

const NAMED: &str = "SELECT DISTINCT coalesce(named_organization, organization), coalesce(named_user, \"user\") \
    FROM usher.changes WHERE id = ANY($1)";

/// The memberships that a replay of these changes brings them back to, and the revokes scheduled to end them.
pub(super) async fn named(client: &Session, changes: &[i64]) -> Result<Vec<Key>, Failure> {
    let both: Vec<i64> = changes.iter().flat_map(|change| [*change, change + 1]).collect();
    let rows = client.query_typed(NAMED, &[(&both, Type::INT8_ARRAY)]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

const DISCARD: &str = "UPDATE usher.events SET discarded = $2 \
    WHERE id = $1 AND failure IS NOT NULL AND discarded IS NULL";

/// Hears no more of a failed event; says whether there was one.
pub(super) async fn discard(client: &Session, event: EventId, reason: &str) -> Result<bool, Failure> {
    let (event, reason) = (&event.as_bytes()[..], text::stored(reason));
    Ok(client.execute_typed(DISCARD, &[(&event, Type::BYTEA), (&reason, Type::TEXT)]).await? == 1)
}
