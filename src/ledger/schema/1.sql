-- Times are milliseconds since 1970 in UTC, but for events.time, which is kept as exactly as it was sent.

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
    failure TEXT,                 -- JSON: rule, part, expression, message
    data TEXT NOT NULL            -- JSON
) STRICT;
CREATE UNIQUE INDEX event_by_id ON events (id);
CREATE INDEX event_by_age ON events (received_at);
CREATE INDEX event_failed ON events (seq) WHERE failure IS NOT NULL;

CREATE TABLE changes (
    id INTEGER PRIMARY KEY,       -- events.seq * 2^24 + index: an event's changes lie together without an index
    due_at INTEGER,               -- set while unfinished and the oldest of its key; the end of its lease while leased
    leased INTEGER NOT NULL DEFAULT 0,
    lease INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt_at INTEGER,
    answer_lost INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    step TEXT NOT NULL,
    organization TEXT NOT NULL,
    user TEXT NOT NULL,
    action TEXT NOT NULL,
    role TEXT,
    existing TEXT,
    lower TEXT,                   -- roles, separated by spaces
    rule TEXT NOT NULL,
    rules_digest BLOB NOT NULL,
    superseded_by INTEGER,
    membership_id TEXT,
    reason TEXT
) STRICT;
CREATE INDEX change_due ON changes (due_at, leased) WHERE due_at IS NOT NULL;
CREATE INDEX change_unfinished ON changes (organization, user) WHERE outcome IS NULL;
CREATE INDEX change_dead ON changes (id) WHERE outcome = 'dead';

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

CREATE TABLE pulse (id INTEGER PRIMARY KEY, beats INTEGER NOT NULL) STRICT;
INSERT INTO pulse (id, beats) VALUES (1, 0);
