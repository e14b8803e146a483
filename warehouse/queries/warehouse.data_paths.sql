-- Where a table's parts lie on this machine.
SELECT arrayJoin(data_paths)
FROM system.tables
WHERE database = currentDatabase() AND name = {table:String}
