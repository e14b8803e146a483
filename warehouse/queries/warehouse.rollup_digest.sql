-- How many aggregates a run has, and their digest: SHA-256 over the rows in their order (warehouse/seals.py).
SELECT count(), lower(hex(SHA256(arrayStringConcat(groupArray(line), ''))))
FROM
(
    SELECT concat(
        dimension, '\x1e', parent, '\x1e', key, '\x1e', arrayStringConcat(arrayMap(n -> toString(n), [
            visitors, visits, pageviews, events, bounces, engaged_visits, single_page_visits, visit_pageviews, visit_ms,
            engaged_ms]), ' '), if(amount = 0, '', concat(' ', toString(amount))), '\n') AS line
    FROM rollups
    WHERE site = {site:UInt32} AND day = toDate({day:UInt16}) AND run = {run:UInt64}
    ORDER BY dimension, parent, key
)
