//! What must hold in the file of a ledger after every step; peculiar to SQLite.

use super::Backend;

/// Each finds rows that must not be.
const BROKEN: [(&str, &str); 11] = [
    (
        "a time on a change that is not the oldest of its queue",
        "SELECT id FROM changes c WHERE due_at IS NOT NULL AND dormant = 0 AND id <> (SELECT min(id) FROM changes q \
         WHERE q.organization = c.organization AND q.user = c.user AND q.outcome IS NULL AND q.dormant = 0)",
    ),
    ("a time on a change that is settled", "SELECT id FROM changes WHERE due_at IS NOT NULL AND outcome IS NOT NULL"),
    (
        "a queue that nobody looks at, although no operator is to speak first",
        "SELECT min(id) FROM changes WHERE outcome IS NULL AND dormant = 0 GROUP BY organization, user \
         HAVING max(due_at) IS NULL AND max(held) = 0",
    ),
    (
        "a leader that is settled, or of another queue, or led itself",
        "SELECT c.id FROM changes c LEFT JOIN changes l ON l.id = c.covered_by WHERE c.covered_by IS NOT NULL AND \
         (c.outcome IS NOT NULL OR l.id IS NULL OR l.outcome IS NOT NULL OR l.organization <> c.organization \
          OR l.user <> c.user OR l.covered_by IS NOT NULL)",
    ),
    (
        "two leases of one queue",
        "SELECT min(id) FROM changes WHERE leased = 1 GROUP BY organization, user HAVING count(*) > 1",
    ),
    (
        "a look at a queue after the lease of its leader lapsed",
        "SELECT l.id FROM changes l WHERE leased = 1 AND (not_before IS NULL OR (SELECT max(due_at) FROM changes q \
         WHERE q.organization = l.organization AND q.user = l.user AND q.outcome IS NULL AND q.dormant = 0) > not_before)",
    ),
    (
        "a settled change that is leased, held, dormant or waits",
        "SELECT id FROM changes WHERE outcome IS NOT NULL AND (leased OR held OR dormant OR not_before IS NOT NULL)",
    ),
    (
        "a revoke in a queue that the brake does not know, or one known that is over",
        "SELECT c.id FROM changes c LEFT JOIN removals r ON r.organization = c.organization AND r.sender = c.sender \
         AND r.done_at = 9223372036854775807 AND r.change = c.id WHERE c.action = 'revoke' AND \
         (c.outcome IS NULL AND c.dormant = 0) <> (r.change IS NOT NULL)",
    ),
    ("an event that is there twice", "SELECT min(seq) FROM events GROUP BY id HAVING count(*) > 1"),
    (
        "an id of no event",
        "SELECT i.seq FROM identities i LEFT JOIN events e ON e.seq = i.seq AND e.id = i.id WHERE e.seq IS NULL",
    ),
    (
        "a key of no event, or one that would not go with it",
        "SELECT k.seq FROM keys k LEFT JOIN events e ON e.seq = k.seq WHERE e.seq IS NULL \
         OR instr(coalesce(e.keys, x''), k.id) = 0 AND NOT EXISTS (SELECT 1 FROM keys_late l WHERE (l.seq, l.id) = (k.seq, k.id)) \
         UNION ALL SELECT seq FROM keys_late WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = keys_late.seq)",
    ),
];

/// Fails where an invariant does not hold.
pub(crate) fn check(backend: &Backend) {
    let file = backend.0.path().join("usher.db");
    let connection = rusqlite::Connection::open(file).unwrap();
    for (what, sql) in BROKEN {
        let mut statement = connection.prepare(sql).unwrap();
        let rows: Vec<i64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows, [0_i64; 0], "{what}");
    }
}
