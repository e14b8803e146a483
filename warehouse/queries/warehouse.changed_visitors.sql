-- Different visitors of a site's day whom one of two choices of bot rules counts and the other does not.
SELECT uniqExact(visitor)
FROM
(
    SELECT site, visitor, bot
    FROM events
    WHERE site = {site:UInt32} AND day = toDate({day:UInt16}) AND bot != '' AND visitor != toFixedString('', 16)
    UNION ALL
    SELECT site, visitor, rule AS bot
    FROM visits FINAL
    WHERE site = {site:UInt32} AND day = toDate({day:UInt16}) AND rule != ''
)
WHERE
    (
        (site, bot) IN {kept:Array(Tuple(UInt32, String))}
        OR (site, concat(substringIndex(bot, ':', 1), ':*')) IN {kept:Array(Tuple(UInt32, String))}
    ) != (
        (site, bot) IN {before:Array(Tuple(UInt32, String))}
        OR (site, concat(substringIndex(bot, ':', 1), ':*')) IN {before:Array(Tuple(UInt32, String))}
    )
