//! The tables in PostgreSQL as the embedded ledger has them: without leases, and with queues that are looked at once.
//! Knows nothing of where the rows go.

use std::iter;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use tokio_postgres::Row as PgRow;
use tokio_postgres::types::{ToSql, Type};

use super::super::session::Session;
use super::super::text;
use crate::domain::Step;
use crate::ledger::cell::{Cell, Row};
use crate::ledger::transfer::tables::{Column, Kind, TABLES, Table};
use crate::ledger::transfer::{Out, TransferError};

/// Row by row, however many there are.
pub(super) async fn tables(client: &Session, to: &mut Out<'_>) -> Result<(), TransferError> {
    for (number, table) in TABLES.iter().enumerate() {
        let none = iter::empty::<(&(dyn ToSql + Sync), Type)>();
        let mut rows = pin!(client.query_typed_raw(&statement(table), none).await?);
        while let Some(row) = rows.try_next().await? {
            to.row(number, &cells(table, &row)?)?;
        }
    }
    Ok(())
}

fn cells(table: &Table, row: &PgRow) -> Result<Row, tokio_postgres::Error> {
    table.columns.iter().enumerate().map(|(place, column)| cell(row, place, column)).collect()
}

fn cell(row: &PgRow, place: usize, column: &Column) -> Result<Cell, tokio_postgres::Error> {
    let found = match column.kind {
        Kind::Number => row.try_get::<_, Option<i64>>(place)?.map(Cell::Number),
        Kind::Text => row.try_get::<_, Option<String>>(place)?.map(|stored| Cell::Text(text::read(stored))),
        Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(place)?.map(Cell::Bytes),
    };
    Ok(found.unwrap_or(Cell::Null))
}

/// Here any change of a queue may say when to look at it; elsewhere only its oldest does. One whose call may be on its
/// way has been given up by whoever made it, so it is looked at as if it had just come.
const QUEUES: &str = "WITH queues AS MATERIALIZED (\
    SELECT min(id) AS oldest, min(due_at) AS due_at, bool_or(leased = 1) AS leased FROM usher.changes \
    WHERE outcome IS NULL AND dormant = 0 GROUP BY organization, \"user\")";

fn statement(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().map(|column| expression(table, column)).collect();
    let (columns, order) = (columns.join(", "), order(table));
    match table.name {
        "keys_late" => format!("SELECT {columns} FROM usher.keys t WHERE t.late ORDER BY {order}"),
        "changes" => format!(
            "{QUEUES} SELECT {columns} FROM usher.changes t \
             LEFT JOIN queues q ON q.oldest = t.id AND t.outcome IS NULL AND t.dormant = 0 ORDER BY {order}"
        ),
        name => format!("SELECT {columns} FROM usher.{name} t ORDER BY {order}"),
    }
}

fn order(table: &Table) -> String {
    let texts = |name: &&str| table.columns[table.place(name)].kind == Kind::Text;
    let one = |name: &str| format!("t.\"{name}\"{}", if texts(&name) { " COLLATE \"C\"" } else { "" });
    table.order.split(", ").map(one).collect::<Vec<_>>().join(", ")
}

fn expression(table: &Table, column: &Column) -> String {
    match (table.name, column.name) {
        ("events", "keys") => "(SELECT string_agg(k.id, ''::bytea ORDER BY k.id) FROM usher.keys k \
            WHERE k.seq = t.seq AND NOT k.late)"
            .to_owned(),
        ("changes", "due_at") => "CASE WHEN q.leased THEN (SELECT e.received_at FROM usher.events e \
            WHERE e.seq = t.id >> 24) WHEN t.outcome IS NULL AND t.dormant = 0 THEN q.due_at ELSE t.due_at END"
            .to_owned(),
        ("changes", "leased") => "0::bigint".to_owned(),
        ("changes", "not_before") => "CASE WHEN t.leased = 0 THEN t.not_before END".to_owned(),
        ("changes", "answer_lost") => {
            let reads = Step::READS.each_ref().map(|step| format!("'{}'", step.name())).join(", ");
            format!("CASE WHEN t.leased = 1 AND t.step NOT IN ({reads}) THEN 1 ELSE t.answer_lost END::bigint")
        }
        (_, name) if column.kind == Kind::Number => format!("t.\"{name}\"::bigint"),
        (_, name) => format!("t.\"{name}\""),
    }
}
