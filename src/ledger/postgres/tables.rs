//! The tables that are in a working set: their columns in one order for both stores, and what of them is ever written.
//! Knows nothing of what is in them.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    /// 0 or 1.
    Flag,
    Text,
    Bytes,
}

pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether it is written where the row changes.
    pub(super) changes: bool,
}

pub(super) struct Table {
    /// Its place in [`TABLES`].
    pub(super) number: usize,
    pub(super) name: &'static str,
    /// So many of its first columns are its key.
    pub(super) key: usize,
    pub(super) columns: &'static [Column],
    /// For the tables in memory; what is read twice is there once.
    pub(super) set_insert: &'static str,
    pub(super) set_select: &'static str,
}

impl Table {
    /// The place of a column that it has.
    pub(super) fn place(&self, name: &str) -> usize {
        self.columns.iter().position(|column| column.name == name).unwrap_or_default()
    }
}

macro_rules! kind {
    (number) => {
        Kind::Number
    };
    (flag) => {
        Kind::Flag
    };
    (text) => {
        Kind::Text
    };
    (bytes) => {
        Kind::Bytes
    };
}

/// `name kind, …`: the key, what never changes, what does.
macro_rules! table {
    ($number:literal, $name:literal: $($key:literal $key_kind:ident),+; $($fixed:literal $fixed_kind:ident),*;
     $($written:literal $written_kind:ident),*) => {
        Table {
            number: $number,
            name: $name,
            key: [$($key),+].len(),
            columns: &[
                $(Column { name: $key, kind: kind!($key_kind), changes: false },)+
                $(Column { name: $fixed, kind: kind!($fixed_kind), changes: false },)*
                $(Column { name: $written, kind: kind!($written_kind), changes: true },)*
            ],
            set_insert: concat!(
                "INSERT OR IGNORE INTO ", $name, " (", table!(@list $($key)+ $($fixed)* $($written)*), ") VALUES (",
                table!(@marks $($key)+ $($fixed)* $($written)*), ")"
            ),
            set_select: concat!("SELECT ", table!(@list $($key)+ $($fixed)* $($written)*), " FROM ", $name),
        }
    };
    (@list $first:literal $($more:literal)*) => { concat!($first, $(", ", $more),*) };
    (@marks $first:literal $($more:literal)*) => { concat!("?", $(table!(@mark $more)),*) };
    (@mark $name:literal) => { ", ?" };
}

/// Of an event only the name and what the queues ask for is read, but where it is read whole.
pub(super) const EVENTS: Table = table!(0, "events": "seq" number;
    "received_at" number, "id" bytes, "content" bytes, "sender" text, "kind" text, "source" text, "event_id" text,
    "subject" text, "time" text, "extensions" text, "traceparent" text, "tracestate" text, "data" text;
    "failure" text, "discarded" text);

pub(super) const CHANGES: Table = table!(1, "changes": "id" number;
    "sender" text, "action" text, "role" text, "existing" text, "lower" text, "missing_user" text, "metadata" text,
    "rule" text, "rules_digest" bytes, "ends" number, "ends_at" number;
    "organization" text, "user" text, "step" text, "due_at" number, "urgent" flag, "outcome" text,
    "superseded_by" number, "dormant" flag, "leased" flag, "lease" number, "not_before" number, "attempts" number,
    "first_attempt_at" number, "answer_lost" flag, "covered_by" number, "replaces" flag, "held" flag, "released" flag,
    "forced" flag, "discarded" flag, "named_organization" text, "named_user" text, "membership_id" text,
    "reason" text);

pub(super) const ATTEMPTS: Table = table!(2, "attempts": "change" number, "lease" number;
    "at" number, "status" number, "code" text, "duration_ms" number, "trace_id" text;);

pub(super) const MEMBERSHIPS: Table = table!(3, "memberships": "organization" text, "user" text;;
    "applied" number, "time" text);

pub(super) const REMOVALS: Table =
    table!(4, "removals": "organization" text, "sender" text, "done_at" number, "change" number;;);

pub(super) const TABLES: [Table; 5] = [EVENTS, CHANGES, ATTEMPTS, MEMBERSHIPS, REMOVALS];
