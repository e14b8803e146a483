-- The newest block of a partition; 0 without one.
SELECT toInt64(max(max_block_number))
FROM @system(parts)
WHERE database = currentDatabase() AND table = {table:String} AND partition_id = {partition:String}
