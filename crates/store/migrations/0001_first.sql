-- The first schema. Words in CHECK lists, and what they stand for, never change their meaning; src/words.rs maps them.
-- Moments are milliseconds since 1970 (`_ms`). Counts are 64 bits without sign, kept in the 64 bits with sign that SQLite
-- has. Words are compared one after the other, frequent ones first: for `IN` with more than two members SQLite builds a
-- table anew for every row. A list of texts is one text: each member as its length in bytes, a colon, and itself.
PRAGMA application_id = 1400458567; -- "SyMG"

-- Identifiers are equal without case; `folded` is what is compared, `spelling` what is shown. Everything else refers to
-- them by number, so that history of a thing that is gone stays readable and small.
CREATE TABLE handler_names (
    id       INTEGER PRIMARY KEY,
    folded   TEXT NOT NULL UNIQUE,
    spelling TEXT NOT NULL
) STRICT;

CREATE TABLE item_names (
    id       INTEGER PRIMARY KEY,
    handler  INTEGER NOT NULL REFERENCES handler_names (id),
    folded   TEXT NOT NULL,
    spelling TEXT NOT NULL,
    UNIQUE (handler, folded)
) STRICT;

CREATE TABLE handlers (
    handler      INTEGER PRIMARY KEY REFERENCES handler_names (id),
    name         TEXT NOT NULL,
    comment      TEXT NOT NULL,
    version      TEXT NOT NULL,
    activation   TEXT NOT NULL CHECK (activation IN ('inactive', 'active')),
    enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    connected    TEXT NOT NULL CHECK (
        connected = 'yes' OR connected = 'no' OR connected = 'unknown'),
    always_list  INTEGER NOT NULL CHECK (always_list IN (0, 1)),
    hidden       INTEGER NOT NULL CHECK (hidden IN (0, 1)),
    capabilities TEXT NOT NULL,
    policies     TEXT NOT NULL,
    asked        INTEGER NOT NULL CHECK (asked IN (0, 1)),
    -- What failed before it listed its items, and since when it did not list them.
    failed_step   TEXT CHECK (
        failed_step = 'start' OR failed_step = 'initialize' OR failed_step = 'list'),
    problem       TEXT CHECK ((problem IS NULL) = (failed_step IS NULL)),
    problem_detail TEXT CHECK ((problem_detail IS NULL) = (failed_step IS NULL)),
    problem_since_ms INTEGER CHECK ((problem_since_ms IS NULL) = (failed_step IS NULL)),
    problem_last_ms INTEGER CHECK ((problem_last_ms IS NULL) = (failed_step IS NULL)),
    problem_times INTEGER CHECK ((problem_times IS NULL) = (failed_step IS NULL))
) STRICT;

CREATE TABLE items (
    item          INTEGER PRIMARY KEY REFERENCES item_names (id),
    handler       INTEGER NOT NULL REFERENCES handlers (handler) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    name          TEXT NOT NULL,
    comment       TEXT NOT NULL,
    labels        TEXT NOT NULL,
    checked       INTEGER NOT NULL CHECK (checked IN (0, 1)),
    tick          INTEGER CHECK (tick IN (0, 1)),
    enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    connected     TEXT NOT NULL CHECK (
        connected = 'yes' OR connected = 'no' OR connected = 'unknown'),
    temporary     INTEGER NOT NULL CHECK (temporary IN (0, 1)),
    hidden        INTEGER NOT NULL CHECK (hidden IN (0, 1)),
    capabilities  TEXT NOT NULL,
    policies      TEXT NOT NULL,
    since_ms      INTEGER NOT NULL,
    freshness_ms  INTEGER,
    attempted_ms  INTEGER,
    good_ms       INTEGER,
    last_run      INTEGER,
    last_status   TEXT CHECK (
        last_status = 'succeeded' OR last_status = 'updating' OR last_status = 'pending'
        OR last_status = 'indeterminate' OR last_status = 'paused' OR last_status = 'resuming'
        OR last_status = 'failed' OR last_status = 'skipped' OR last_status = 'stopped'
        OR last_status = 'disconnected' OR last_status = 'deleted' OR last_status = 'held'),
    last_problem  TEXT,
    retry_attempt INTEGER,
    retry_due_ms  INTEGER,
    CHECK ((retry_attempt IS NULL) = (retry_due_ms IS NULL))
) STRICT;
CREATE INDEX items_by_handler ON items (handler);

CREATE TABLE sessions (
    id        INTEGER PRIMARY KEY,
    request   INTEGER,
    cause     TEXT NOT NULL CHECK (
        cause = 'manual' OR cause = 'schedule' OR cause = 'logon' OR cause = 'logoff' OR cause = 'idle'
        OR cause = 'connect' OR cause = 'pending-disconnect' OR cause = 'invoke'
        OR cause = 'file-change' OR cause = 'device' OR cause = 'external' OR cause = 'retry'
        OR cause = 'answered' OR cause = 'catch-up' OR cause = 'lock' OR cause = 'unlock'
        OR cause = 'suspend' OR cause = 'resume' OR cause = 'after'),
    opened_ms INTEGER NOT NULL,
    closed_ms INTEGER,
    outcome   TEXT CHECK (
        outcome = 'succeeded' OR outcome = 'nothing' OR outcome = 'skipped' OR outcome = 'warnings'
        OR outcome = 'stopped' OR outcome = 'needs-you' OR outcome = 'failed')
) STRICT;
CREATE INDEX sessions_open ON sessions (id) WHERE closed_ms IS NULL;

CREATE TABLE runs (
    id             INTEGER PRIMARY KEY,
    session        INTEGER NOT NULL REFERENCES sessions (id) DEFERRABLE INITIALLY DEFERRED,
    handler        INTEGER NOT NULL REFERENCES handler_names (id),
    kind           TEXT NOT NULL CHECK (
        kind = 'synchronize' OR kind = 'undo' OR kind = 'resolve'),
    undone         INTEGER CHECK ((undone IS NOT NULL) = (kind = 'undo')),
    cause          TEXT NOT NULL CHECK (
        cause = 'manual' OR cause = 'schedule' OR cause = 'logon' OR cause = 'logoff' OR cause = 'idle'
        OR cause = 'connect' OR cause = 'pending-disconnect' OR cause = 'invoke'
        OR cause = 'file-change' OR cause = 'device' OR cause = 'external' OR cause = 'retry'
        OR cause = 'answered' OR cause = 'catch-up' OR cause = 'lock' OR cause = 'unlock'
        OR cause = 'suspend' OR cause = 'resume' OR cause = 'after'),
    opened_ms      INTEGER NOT NULL,
    closed_ms      INTEGER,
    outcome        TEXT NOT NULL CHECK (
        outcome = 'succeeded' OR outcome = 'open' OR outcome = 'warnings' OR outcome = 'skipped'
        OR outcome = 'stopped' OR outcome = 'needs-you' OR outcome = 'failed' OR outcome = 'interrupted'),
    sent           INTEGER NOT NULL,
    received       INTEGER NOT NULL,
    deleted        INTEGER NOT NULL,
    conflicts      INTEGER NOT NULL,
    failed         INTEGER NOT NULL,
    bytes          INTEGER NOT NULL,
    pid            INTEGER,
    pid_started    INTEGER,
    problem        TEXT,
    -- Last, so that lists of runs never read its pages.
    stderr         TEXT NOT NULL,
    CHECK ((pid IS NULL) = (pid_started IS NULL))
) STRICT;
CREATE INDEX runs_by_session ON runs (session);
CREATE INDEX runs_by_handler ON runs (handler, id);
CREATE INDEX runs_open ON runs (id) WHERE outcome = 'open';

CREATE TABLE run_items (
    run       INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    item      INTEGER NOT NULL REFERENCES item_names (id),
    status    TEXT NOT NULL CHECK (
        status = 'succeeded' OR status = 'updating' OR status = 'pending' OR status = 'indeterminate'
        OR status = 'paused' OR status = 'resuming' OR status = 'failed' OR status = 'skipped'
        OR status = 'stopped' OR status = 'disconnected' OR status = 'deleted' OR status = 'held'),
    failure   TEXT CHECK (failure IN ('soft', 'hard')),
    text      TEXT NOT NULL,
    sent      INTEGER NOT NULL,
    received  INTEGER NOT NULL,
    deleted   INTEGER NOT NULL,
    conflicts INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (run, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_items_by_item ON run_items (item, run);

-- `run` is no foreign key: what is asked without being recorded (a plan) may log too.
CREATE TABLE log (
    id      INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    level   TEXT NOT NULL CHECK (
        level = 'information' OR level = 'warning' OR level = 'error'),
    handler INTEGER REFERENCES handler_names (id),
    item    INTEGER REFERENCES item_names (id),
    run     INTEGER,
    text    TEXT NOT NULL,
    detail  TEXT,
    error   TEXT,
    jump    INTEGER NOT NULL CHECK (jump IN (0, 1))
) STRICT;
CREATE INDEX log_by_handler ON log (handler, id) WHERE handler IS NOT NULL;
CREATE INDEX log_by_item ON log (item, id) WHERE item IS NOT NULL;
CREATE INDEX log_by_run ON log (run, id) WHERE run IS NOT NULL;

CREATE TABLE needs (
    id             INTEGER PRIMARY KEY,
    handler        INTEGER NOT NULL REFERENCES handler_names (id),
    item           INTEGER REFERENCES item_names (id),
    key            TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (
        kind = 'prompt' OR kind = 'login' OR kind = 'guard' OR kind = 'stale-lock' OR kind = 'conflict'),
    durable        INTEGER NOT NULL CHECK (durable IN (0, 1)),
    text           TEXT NOT NULL,
    detail         TEXT,
    choices        TEXT NOT NULL,
    default_choice TEXT,
    deadline_ms    INTEGER,
    fields         TEXT,
    context        TEXT NOT NULL,
    opened_ms      INTEGER NOT NULL,
    run            INTEGER,
    state          TEXT NOT NULL CHECK (
        state = 'open' OR state = 'answered' OR state = 'used' OR state = 'withdrawn'
        OR state = 'expired'),
    choice         TEXT CHECK ((choice IS NOT NULL) = (state IN ('answered', 'used'))),
    answer_fields  TEXT CHECK ((answer_fields IS NOT NULL) = (state = 'answered')),
    answered_by    TEXT CHECK ((answered_by IS NOT NULL) = (state = 'answered')),
    answered_ms    INTEGER CHECK ((answered_ms IS NOT NULL) = (state = 'answered')),
    used_by_run    INTEGER CHECK ((used_by_run IS NOT NULL) = (state = 'used'))
) STRICT;
CREATE INDEX needs_by_handler ON needs (handler);
CREATE INDEX needs_by_item ON needs (item) WHERE item IS NOT NULL;
CREATE INDEX needs_waiting ON needs (id) WHERE state IN ('open', 'answered');

CREATE TABLE conflict_lists (
    item INTEGER PRIMARY KEY REFERENCES item_names (id),
    open INTEGER NOT NULL
) STRICT;

CREATE TABLE conflicts (
    item     INTEGER NOT NULL REFERENCES conflict_lists (item) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    summary  TEXT NOT NULL,
    found_ms INTEGER NOT NULL,
    choices  TEXT NOT NULL,
    PRIMARY KEY (item, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX conflicts_by_id ON conflicts (id);

CREATE TABLE conflict_versions (
    item        INTEGER NOT NULL,
    conflict    INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    place       TEXT NOT NULL,
    location    TEXT NOT NULL,
    deleted     INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    kind        TEXT NOT NULL,
    size_bytes  INTEGER,
    modified_ms INTEGER,
    PRIMARY KEY (item, conflict, position),
    FOREIGN KEY (item, conflict) REFERENCES conflicts (item, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What a person chose of items that the last complete list of their handler left out; their pauses stay too.
CREATE TABLE absent_items (
    item         INTEGER PRIMARY KEY REFERENCES item_names (id),
    enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    labels       TEXT NOT NULL,
    freshness_ms INTEGER,
    since_ms     INTEGER NOT NULL
) STRICT;

CREATE TABLE pauses (
    scope    TEXT NOT NULL CHECK (
        scope = 'all' OR scope = 'handler' OR scope = 'item'),
    handler  INTEGER REFERENCES handler_names (id) CHECK ((handler IS NOT NULL) = (scope = 'handler')),
    item     INTEGER REFERENCES item_names (id) CHECK ((item IS NOT NULL) = (scope = 'item')),
    since_ms INTEGER NOT NULL,
    until_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX pauses_once ON pauses (scope, coalesce(handler, 0), coalesce(item, 0));
CREATE INDEX pauses_by_handler ON pauses (handler) WHERE handler IS NOT NULL;
CREATE INDEX pauses_by_item ON pauses (item) WHERE item IS NOT NULL;

-- Up to when the schedules of each rule were looked at.
CREATE TABLE rules (
    name          TEXT NOT NULL PRIMARY KEY,
    considered_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Spelled out instead of referring to names: appended much, read in order, never searched.
CREATE TABLE events (
    number       INTEGER PRIMARY KEY,
    at_ms        INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (
        kind = 'item-finished' OR kind = 'handler-registered' OR kind = 'handler-unregistered'
        OR kind = 'item-added' OR kind = 'item-removed' OR kind = 'request-queued'
        OR kind = 'request-merged' OR kind = 'request-ended' OR kind = 'session-opened'
        OR kind = 'session-closed' OR kind = 'run-opened' OR kind = 'run-closed'
        OR kind = 'stop-requested' OR kind = 'skip-requested' OR kind = 'protocol-violation'
        OR kind = 'instance-abandoned' OR kind = 'need-opened' OR kind = 'need-closed'
        OR kind = 'conflicts-changed' OR kind = 'paused' OR kind = 'resumed' OR kind = 'lock-taken-over'
        OR kind = 'run-interrupted' OR kind = 'enabled-changed'),
    handler      TEXT,
    item_handler TEXT,
    item         TEXT CHECK ((item IS NULL) = (item_handler IS NULL)),
    subject      INTEGER,
    object       INTEGER,
    word         TEXT,
    text         TEXT
) STRICT;

-- The highest number ever used of each kind; rows go, numbers do not come back.
CREATE TABLE numbers (
    kind TEXT PRIMARY KEY CHECK (
        kind = 'request' OR kind = 'session' OR kind = 'run' OR kind = 'need' OR kind = 'log'
        OR kind = 'event'),
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
