-- Names of the active parts of one partition.
SELECT name
FROM system.parts
WHERE database = currentDatabase() AND table = {table:String} AND partition_id = {partition:String} AND active
