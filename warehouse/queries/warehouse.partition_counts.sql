-- Rows of every site and day, for the accounting of beacons.
SELECT site, toUInt16(day), count()
FROM events
GROUP BY site, day
