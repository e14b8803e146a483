-- Inserts of one batch that are still at work on any node.
SELECT count()
FROM @system(processes)
WHERE startsWith(Settings['log_comment'], {prefix:String})
