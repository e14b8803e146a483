-- The loader's journal: which records have been cut into which batches, so that a batch can be built again, the same.
CREATE TABLE spools (
    spool INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    -- the last record that is loaded: all before it too
    seq INTEGER NOT NULL DEFAULT 0,
    received INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    -- 1: it has gone for ever, and only its total still counts; its name may begin anew
    retired INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX living_spools ON spools (name) WHERE NOT retired;
-- A cut is open from the moment its batches are fixed until all of them have been counted in the warehouse.
CREATE TABLE cuts (cut INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE ranges (
    cut INTEGER NOT NULL,
    spool TEXT NOT NULL,
    after INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received INTEGER NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (cut, spool)
) WITHOUT ROWID;
-- Records of the cut that make no rows, so that a later try leaves out the same ones.
CREATE TABLE left_out (
    cut INTEGER NOT NULL,
    spool TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (cut, spool, seq)
) WITHOUT ROWID;
-- What becomes part of `totals` when the cut is closed.
CREATE TABLE tallies (
    cut INTEGER NOT NULL,
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    n INTEGER NOT NULL
);
-- AUTOINCREMENT: a number is never used again, not even after all rows have gone.
CREATE TABLE batches (
    batch INTEGER PRIMARY KEY AUTOINCREMENT,
    cut INTEGER NOT NULL,
    day INTEGER NOT NULL,
    keep INTEGER NOT NULL,
    -- rows [start, stop) of the cut's rows of (day, keep)
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    digest TEXT NOT NULL,
    -- 0 until counted in the warehouse, then when the cut was closed (ms since 1970)
    closed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX open_batches ON batches (cut) WHERE closed = 0;
CREATE INDEX closed_batches ON batches (closed) WHERE closed > 0;
CREATE TABLE totals (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (day, site, outcome, reason)
) WITHOUT ROWID;
-- With which records the events of a site and day came: of a cut (0: of all that are closed). `spool` is a row of `spools`.
CREATE TABLE numbers (
    cut INTEGER NOT NULL,
    spool INTEGER NOT NULL,
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (cut, day, site, spool)
) WITHOUT ROWID;
-- What was denied, once more by the hour: of a cut (0: of all that are closed), until its day is long over.
CREATE TABLE hours (
    cut INTEGER NOT NULL,
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    reason TEXT NOT NULL,
    hour INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (cut, day, site, reason, hour)
) WITHOUT ROWID;
CREATE TABLE dead_letters (
    letter INTEGER PRIMARY KEY AUTOINCREMENT,
    reason TEXT NOT NULL,
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    events INTEGER NOT NULL,
    spool TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    received INTEGER NOT NULL,
    -- the row, or the whole body of a record that could not be read
    body BLOB NOT NULL
);
CREATE INDEX dead_letters_by_day ON dead_letters (day, site);
-- Beacon ids by the 13 hours in which they were received; the sorted tables themselves are made as they are needed.
CREATE TABLE generations (generation INTEGER PRIMARY KEY, runs INTEGER NOT NULL);
-- Those not sorted in yet: 16 bytes each, one after the other.
CREATE TABLE fresh_beacons (generation INTEGER NOT NULL, ids BLOB NOT NULL);
