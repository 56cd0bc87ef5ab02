-- The tables of the embedded ledger (../../schema/1.sql tells what is in them), as several processes share them.
-- Times are milliseconds since 1970 in UTC, but for those that only the database compares.
-- In texts U+0000 is written as U+001A and `0`, U+001A as U+001A and `1`: PostgreSQL takes no U+0000.

CREATE TABLE usher.events (
    seq bigint PRIMARY KEY,       -- the order of acceptance
    received_at bigint NOT NULL,
    id bytea NOT NULL,
    content bytea NOT NULL,
    receipt bigint NOT NULL,      -- a random number of whoever wrote it: tells its own write from a repeat
    sender text NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    subject text,
    time text,
    extensions text,
    traceparent text,
    tracestate text,
    failure text,
    data text NOT NULL,
    discarded text
);
CREATE SEQUENCE usher.event_seq;
CREATE UNIQUE INDEX event_id ON usher.events (id);
CREATE INDEX event_failed ON usher.events (seq) WHERE failure IS NOT NULL AND discarded IS NULL;

-- Further claims on events.
CREATE TABLE usher.keys (
    id bytea PRIMARY KEY,
    seq bigint NOT NULL,
    late boolean NOT NULL         -- came with a repeat
);
CREATE INDEX key_event ON usher.keys (seq);

-- Each is written three times: when recorded, when claimed, when settled, and each time in most of its indexes, because they
-- follow its state. Room in its page keeps the three together until the first two are vacuumed, which is soon.
CREATE TABLE usher.changes (
    id bigint PRIMARY KEY,        -- events.seq * 2^24 + index
    due_at bigint,                -- when to look at the queue, on any change of it; or when to wake a dormant change
    sender text NOT NULL,
    urgent smallint NOT NULL,
    outcome text,
    step text NOT NULL,
    organization text NOT NULL,
    "user" text NOT NULL,
    action text NOT NULL,
    role text,
    existing text,
    lower text,
    missing_user text,
    metadata text,
    rule text NOT NULL,
    rules_digest bytea NOT NULL,
    superseded_by bigint,
    ends bigint,
    ends_at bigint,
    dormant smallint NOT NULL,
    leased smallint NOT NULL DEFAULT 0,
    lease bigint NOT NULL DEFAULT 0,
    not_before bigint,
    attempts bigint NOT NULL DEFAULT 0,
    first_attempt_at bigint,
    answer_lost smallint NOT NULL DEFAULT 0,
    covered_by bigint,
    replaces smallint NOT NULL DEFAULT 0,
    held smallint NOT NULL DEFAULT 0,
    released smallint NOT NULL DEFAULT 0,
    forced smallint NOT NULL DEFAULT 0,
    discarded smallint NOT NULL DEFAULT 0,
    named_organization text,
    named_user text,
    membership_id text,
    reason text,
    owner bigint                  -- the replica that claimed it last
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 1);
CREATE INDEX change_due ON usher.changes (sender, urgent, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX change_queue ON usher.changes (organization, "user") WHERE outcome IS NULL;
CREATE INDEX change_leased ON usher.changes (owner) WHERE leased = 1;
CREATE INDEX change_held ON usher.changes (id) WHERE held = 1;
CREATE INDEX change_dead ON usher.changes (id) WHERE outcome = 'dead' AND discarded = 0;

CREATE TABLE usher.attempts (
    change bigint NOT NULL,
    lease bigint NOT NULL,
    at bigint NOT NULL,
    status bigint,
    code text,
    duration_ms bigint NOT NULL,
    trace_id text,
    PRIMARY KEY (change, lease)
);

CREATE TABLE usher.memberships (
    organization text NOT NULL,
    "user" text NOT NULL,
    applied bigint NOT NULL,
    time text,
    PRIMARY KEY (organization, "user")
) WITH (fillfactor = 85);

CREATE TABLE usher.removals (
    organization text NOT NULL,
    sender text NOT NULL,
    done_at bigint NOT NULL,
    change bigint NOT NULL,
    PRIMARY KEY (organization, sender, done_at, change)
);

-- Left by a transaction until its commit was answered: tells whether one that got no answer took place.
CREATE TABLE usher.receipts (
    receipt bigint PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT now()
);

-- Who shares the ledger now; the database's clock alone tells who is still there.
CREATE TABLE usher.replicas (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    seen_at timestamptz NOT NULL,
    -- So long after it was seen last nothing that it began can still be on its way.
    gone_after interval NOT NULL
) WITH (fillfactor = 50);

-- Token buckets of which every replica takes slices.
CREATE TABLE usher.buckets (
    name text PRIMARY KEY,
    tokens double precision NOT NULL,
    filled_at timestamptz NOT NULL,
    given double precision NOT NULL  -- by whoever took some last
) WITH (fillfactor = 50);

-- What holds for all replicas; one row.
CREATE TABLE usher.standing (
    one boolean PRIMARY KEY CHECK (one),
    closed_until timestamptz,     -- Clerk asked for silence until then
    halted_at timestamptz,        -- Clerk refused usher itself then
    halted_why text,
    paused_at timestamptz         -- an operator wants no calls
) WITH (fillfactor = 50);
INSERT INTO usher.standing (one) VALUES (true);
