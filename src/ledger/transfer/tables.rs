//! What a file with a ledger holds: the tables and their columns, the same whatever the store was.
//! Their order is part of the format; what a store keeps beside them follows from them.

/// What a column holds, where it holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Kind {
    Number,
    Text,
    Bytes,
}

#[derive(Debug)]
pub(in crate::ledger) struct Column {
    pub(in crate::ledger) name: &'static str,
    pub(in crate::ledger) kind: Kind,
}

#[derive(Debug)]
pub(in crate::ledger) struct Table {
    pub(in crate::ledger) name: &'static str,
    pub(in crate::ledger) columns: &'static [Column],
    /// The rows stand in the order of these columns: numbers first, because stores do not agree on the order of texts.
    pub(in crate::ledger) order: &'static str,
}

macro_rules! kind {
    (number) => {
        Kind::Number
    };
    (text) => {
        Kind::Text
    };
    (bytes) => {
        Kind::Bytes
    };
}

macro_rules! table {
    ($name:literal by $order:literal: $($column:ident $kind:ident),+) => {
        Table {
            name: $name,
            columns: &[$(Column { name: stringify!($column), kind: kind!($kind) }),+],
            order: $order,
        }
    };
}

/// Every table, in the order of the file.
pub(in crate::ledger) const TABLES: [Table; 6] = [
    table!("events" by "seq": seq number, received_at number, id bytes, content bytes, sender text, kind text,
        source text, event_id text, subject text, time text, extensions text, traceparent text, tracestate text,
        failure text, data text, discarded text, keys bytes),
    table!("keys_late" by "seq, id": seq number, id bytes),
    table!("changes" by "id": id number, due_at number, sender text, urgent number, outcome text, step text,
        organization text, user text, action text, role text, existing text, lower text, missing_user text,
        metadata text, rule text, rules_digest bytes, superseded_by number, ends number, ends_at number,
        dormant number, leased number, lease number, not_before number, attempts number, first_attempt_at number,
        answer_lost number, covered_by number, replaces number, held number, released number, forced number,
        discarded number, named_organization text, named_user text, membership_id text, reason text),
    table!("attempts" by "change, lease": change number, lease number, at number, status number, code text,
        duration_ms number, trace_id text),
    table!("memberships" by "applied, organization, user": organization text, user text, applied number, time text),
    table!("removals" by "change, done_at, organization, sender": organization text, sender text, done_at number,
        change number),
];

/// The places of tables in [`TABLES`] that need more than copying.
pub(in crate::ledger) const EVENTS: usize = 0;
pub(in crate::ledger) const KEYS_LATE: usize = 1;

impl Table {
    /// The place of a column that it has.
    pub(in crate::ledger) fn place(&self, name: &str) -> usize {
        self.columns.iter().position(|column| column.name == name).unwrap_or_default()
    }
}

/// The keys of an event, in the one order that a file has them in, each once.
pub(in crate::ledger) fn in_order(keys: &[u8]) -> Vec<u8> {
    let mut keys: Vec<&[u8]> = keys.chunks(16).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_name_what_they_say() {
        assert_eq!((TABLES[EVENTS].name, TABLES[KEYS_LATE].name), ("events", "keys_late"));
        assert_eq!(TABLES[EVENTS].columns[TABLES[EVENTS].place("keys")].kind, Kind::Bytes);
    }

    #[test]
    fn keys_have_one_order() {
        let (a, b) = ([1; 16], [2; 16]);
        assert_eq!(in_order(&[b, a, b].concat()), [a, b].concat());
    }
}
