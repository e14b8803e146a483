-- Rows in parts of these tables, in use or not.
SELECT sum(rows)
FROM @system(parts)
WHERE database = currentDatabase() AND table IN {tables:Array(String)}
