-- Raw rows of every site on one day.
SELECT site, toUInt16(day), count()
FROM events
WHERE day = toDate({day:UInt16})
GROUP BY site, day
