-- Visitors of a site's day whose rows arrived after its seal (ms UTC).
SELECT uniqExact(visitor)
FROM events
WHERE
    site = {site:UInt32} AND day = toDate({day:UInt16}) AND @people AND visitor != toFixedString('', 16)
    AND received > fromUnixTimestamp64Milli({sealed:Int64})
