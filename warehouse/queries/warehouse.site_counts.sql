-- Raw rows of every site on some days.
SELECT site, toUInt16(day), count()
FROM events
WHERE day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16})
GROUP BY site, day
