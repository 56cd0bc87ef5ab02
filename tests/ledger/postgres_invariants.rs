//! What must hold in the tables of a ledger after every step; peculiar to PostgreSQL.
//!
//! Other than in a file, what is recorded is looked at too early rather than too late: a time may stand on any change of a
//! queue, and the earliest of them counts.

use super::Backend;

/// Each finds rows that must not be.
const BROKEN: [(&str, &str); 13] = [
    ("a time on a change that is settled", "SELECT id FROM changes WHERE due_at IS NOT NULL AND outcome IS NOT NULL"),
    (
        "a queue that nobody looks at, although no operator is to speak first",
        "SELECT min(id) FROM changes WHERE outcome IS NULL AND dormant = 0 GROUP BY organization, \"user\" \
         HAVING max(due_at) IS NULL AND max(held) = 0",
    ),
    (
        "a leader that is settled, or of another queue, or led itself",
        "SELECT c.id FROM changes c LEFT JOIN changes l ON l.id = c.covered_by WHERE c.covered_by IS NOT NULL AND \
         (c.outcome IS NOT NULL OR l.id IS NULL OR l.outcome IS NOT NULL OR l.organization <> c.organization \
          OR l.\"user\" <> c.\"user\" OR l.covered_by IS NOT NULL)",
    ),
    (
        "two leases of one queue",
        "SELECT min(id) FROM changes WHERE leased = 1 GROUP BY organization, \"user\" HAVING count(*) > 1",
    ),
    (
        "no look at a queue before the lease of its leader lapsed",
        "SELECT l.id FROM changes l WHERE leased = 1 AND (not_before IS NULL OR (SELECT min(due_at) FROM changes q \
         WHERE q.organization = l.organization AND q.\"user\" = l.\"user\" AND q.outcome IS NULL AND q.dormant = 0) \
         > not_before)",
    ),
    (
        "a settled change that is leased, held, dormant or waits",
        "SELECT id FROM changes WHERE outcome IS NOT NULL AND \
         (leased = 1 OR held = 1 OR dormant = 1 OR not_before IS NOT NULL)",
    ),
    (
        "a dormant change that never wakes",
        "SELECT id FROM changes WHERE dormant = 1 AND due_at IS NULL AND outcome IS NULL",
    ),
    (
        "a revoke in a queue that the brake does not know, or one known that is over",
        "SELECT c.id FROM changes c LEFT JOIN removals r ON r.organization = c.organization AND r.sender = c.sender \
         AND r.done_at = 9223372036854775807 AND r.change = c.id WHERE c.action = 'revoke' AND \
         (c.outcome IS NULL AND c.dormant = 0) <> (r.change IS NOT NULL)",
    ),
    ("an event that is there twice", "SELECT min(seq) FROM events GROUP BY id HAVING count(*) > 1"),
    ("a key of no event", "SELECT k.seq FROM keys k LEFT JOIN events e ON e.seq = k.seq WHERE e.seq IS NULL"),
    (
        "a change or an attempt of no event",
        "SELECT c.id FROM changes c WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = c.id >> 24) \
         UNION ALL SELECT a.change FROM attempts a WHERE NOT EXISTS (SELECT 1 FROM changes c WHERE c.id = a.change)",
    ),
    (
        "a lease of nobody who is there",
        "SELECT c.id FROM changes c WHERE leased = 1 AND NOT EXISTS (SELECT 1 FROM replicas r WHERE r.id = c.owner)",
    ),
    ("more replicas than one ledger", "SELECT max(id) FROM replicas HAVING count(*) > 1"),
];

/// Fails where an invariant does not hold.
pub(crate) fn check(backend: &Backend) {
    backend.prepared.get_or_init(|| {
        let all: Vec<_> =
            BROKEN.iter().map(|(what, sql)| format!("SELECT '{what}', * FROM ({sql}) broken (id)")).collect();
        backend.console.run(&format!("SET search_path = usher; PREPARE broken AS {}", all.join(" UNION ALL ")));
    });
    let found = backend.console.run("EXECUTE broken");
    assert!(found.is_empty(), "{found:?}");
}
