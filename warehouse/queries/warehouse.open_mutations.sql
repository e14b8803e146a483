-- Rewrites of a table that are not at their end, and whether one has failed.
SELECT count(), countIf(latest_fail_reason != '')
FROM @system(mutations)
WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done
