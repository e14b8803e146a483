-- The aggregates of one run, in the order of their digest.
SELECT
    site, dimension, parent, key, visitors, visits, pageviews, events, bounces, engaged_visits, single_page_visits,
    visit_pageviews, visit_ms, engaged_ms, amount
FROM rollups
WHERE site = {site:UInt32} AND day = toDate({day:UInt16}) AND run = {run:UInt64}
ORDER BY dimension, parent, key
