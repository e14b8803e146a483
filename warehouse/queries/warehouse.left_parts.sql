-- Parts of a partition up to a block, active or not, and parts that were detached.
SELECT name, active, rows
FROM @system(parts)
WHERE database = currentDatabase() AND table = {table:String} AND partition_id = {partition:String}
    AND min_block_number <= {blocks:Int64}
UNION ALL
SELECT name, 2, 0
FROM @system(detached_parts)
WHERE database = currentDatabase() AND table = {table:String} AND partition_id = {partition:String}
