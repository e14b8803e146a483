-- One segment of a spool: records in, never changed, gone with the file.
CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    received INTEGER NOT NULL,
    events INTEGER NOT NULL,
    total INTEGER NOT NULL,
    body BLOB NOT NULL
);
