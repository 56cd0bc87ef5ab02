-- Times are milliseconds since 1970 in UTC, but for the times of events, which are kept as exactly as they were sent.

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,      -- the order of acceptance
    received_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    content BLOB NOT NULL,        -- tells a repeat from a conflict
    sender TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    subject TEXT,
    time TEXT,
    extensions TEXT,              -- JSON
    traceparent TEXT,
    tracestate TEXT,
    failure TEXT,                 -- JSON: rule, part, expression, message
    data TEXT NOT NULL,           -- JSON
    discarded TEXT,               -- why an operator wants to hear no more of its failure
    keys BLOB                     -- further claims on it that came with it, 16 bytes each
) STRICT;
CREATE INDEX event_keyed ON events (seq) WHERE keys IS NOT NULL;
CREATE INDEX event_failed ON events (seq) WHERE failure IS NOT NULL AND discarded IS NULL;

-- Which event an id names; those of the latest events are only in memory.
CREATE TABLE identities (id BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Every event up to this one is in it.
CREATE TABLE identities_moved (seq INTEGER NOT NULL) STRICT;
INSERT INTO identities_moved (seq) VALUES (0);

-- The same of keys.
CREATE TABLE keys (id BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE keys_moved (seq INTEGER NOT NULL) STRICT;
INSERT INTO keys_moved (seq) VALUES (0);
-- Those that came with a repeat, by their event.
CREATE TABLE keys_late (seq INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (seq, id)) STRICT, WITHOUT ROWID;

-- A membership's queue is its changes without an outcome in the order of id, without dormant ones.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY,       -- events.seq * 2^24 + index: an event's changes lie together without an index
    due_at INTEGER,               -- when to look at the queue, on the oldest of it; or when to wake a dormant change
    sender TEXT NOT NULL,
    urgent INTEGER NOT NULL,
    outcome TEXT,
    step TEXT NOT NULL,
    organization TEXT NOT NULL,
    user TEXT NOT NULL,
    action TEXT NOT NULL,
    role TEXT,
    existing TEXT,
    lower TEXT,                   -- roles, separated by spaces
    missing_user TEXT,
    metadata TEXT,                -- JSON
    rule TEXT NOT NULL,
    rules_digest BLOB NOT NULL,
    superseded_by INTEGER,        -- a change; the grant itself for the revoke of a grant that is dead
    ends INTEGER,                 -- the grant that this revoke is scheduled to end
    ends_at INTEGER,
    dormant INTEGER NOT NULL,     -- scheduled, and its time has not come
    leased INTEGER NOT NULL DEFAULT 0,
    lease INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER,           -- the end of its lease while leased, else the time of its next attempt
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt_at INTEGER,
    answer_lost INTEGER NOT NULL DEFAULT 0,
    covered_by INTEGER,           -- the change of its queue that is made in its place, as far as it is known now
    replaces INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    released INTEGER NOT NULL DEFAULT 0,
    forced INTEGER NOT NULL DEFAULT 0,    -- made although a later change took effect
    discarded INTEGER NOT NULL DEFAULT 0, -- dead, and an operator wants to hear no more of it
    named_organization TEXT,      -- how the sender named it, once it was looked up
    named_user TEXT,
    membership_id TEXT,
    reason TEXT
) STRICT;
CREATE INDEX change_due ON changes (sender, urgent DESC, due_at) WHERE due_at IS NOT NULL;
-- Its last two columns are always the same: with them a count needs the index alone.
CREATE INDEX change_queue ON changes (organization, user, outcome, dormant) WHERE outcome IS NULL AND dormant = 0;
CREATE INDEX change_dormant ON changes (organization, user) WHERE dormant = 1;
CREATE INDEX change_leased ON changes (id) WHERE leased = 1;
CREATE INDEX change_held ON changes (id) WHERE held = 1;
CREATE INDEX change_dead ON changes (id) WHERE outcome = 'dead' AND discarded = 0;

CREATE TABLE attempts (
    change INTEGER NOT NULL,
    lease INTEGER NOT NULL,       -- one attempt is made under one lease
    at INTEGER NOT NULL,
    status INTEGER,
    code TEXT,
    duration_ms INTEGER NOT NULL,
    trace_id TEXT,
    PRIMARY KEY (change, lease)
) STRICT, WITHOUT ROWID;

-- What was applied last to each membership.
CREATE TABLE memberships (
    organization TEXT NOT NULL,
    user TEXT NOT NULL,
    applied INTEGER NOT NULL,     -- the latest change by acceptance
    time TEXT,                    -- the latest time of an event
    PRIMARY KEY (organization, user)
) STRICT, WITHOUT ROWID;

-- What the brake counts: changes that end or lower a membership, or are about to.
CREATE TABLE removals (
    organization TEXT NOT NULL,
    sender TEXT NOT NULL,
    done_at INTEGER NOT NULL,     -- the largest number there is for one that is yet to come
    change INTEGER NOT NULL,
    PRIMARY KEY (organization, sender, done_at, change)
) STRICT, WITHOUT ROWID;

CREATE TABLE pulse (id INTEGER PRIMARY KEY, beats INTEGER NOT NULL) STRICT;
INSERT INTO pulse (id, beats) VALUES (1, 0);

-- Whether an operator wants no calls.
CREATE TABLE standing (id INTEGER PRIMARY KEY, paused INTEGER NOT NULL) STRICT;
INSERT INTO standing (id, paused) VALUES (1, 0);
