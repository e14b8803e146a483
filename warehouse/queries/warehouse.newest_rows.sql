-- When the newest row of every site and day arrived, ms UTC.
SELECT site, toUInt16(day), toUnixTimestamp64Milli(max(received))
FROM events
GROUP BY site, day
