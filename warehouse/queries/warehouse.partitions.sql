-- Every partition of raw rows and visits: its name tells (day, keep).
SELECT DISTINCT partition_id
FROM system.parts
WHERE database = currentDatabase() AND table IN ({events:String}, {visits:String}) AND active AND rows > 0
ORDER BY partition_id
