-- When the first rows of each partition reach the legal maximum, s UTC.
SELECT partition_id, toUnixTimestamp(min(delete_ttl_info_min))
FROM @system(parts)
WHERE database = currentDatabase() AND table = {table:String} AND active AND rows > 0 AND delete_ttl_info_min > 0
GROUP BY partition_id
