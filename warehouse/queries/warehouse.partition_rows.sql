-- How many rows each partition of a table has, of every node.
SELECT partition_id, sum(rows)
FROM @system(parts)
WHERE database = currentDatabase() AND table = {table:String} AND active
GROUP BY partition_id
