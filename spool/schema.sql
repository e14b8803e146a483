-- One segment of a spool: groups in, never changed, gone with the file.
CREATE TABLE groups (
    -- numbers of its records: from the first, gapless, to the last
    last INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    received INTEGER NOT NULL,
    -- events of all records up to the last
    total INTEGER NOT NULL,
    -- msgpack [[kind, events, body], …]
    records BLOB NOT NULL
);
