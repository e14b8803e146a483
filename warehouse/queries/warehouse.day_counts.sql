-- Rows of every site and day, and how many of them are bots', for the accounting of beacons.
SELECT site, toUInt16(day), count(), countIf(bot != '')
FROM events
GROUP BY site, day
