-- Whether a table is there, and for how many seconds it has been.
SELECT toInt64(dateDiff('second', metadata_modification_time, now()))
FROM system.tables
WHERE database = currentDatabase() AND name = {table:String}
