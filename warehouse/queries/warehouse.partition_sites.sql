-- Rows of one partition by site, and how many are machines'.
SELECT site, count(), countIf(bot != '')
FROM events
WHERE day = toDate({day:UInt16}) AND keep = {keep:UInt16}
GROUP BY site
ORDER BY site
