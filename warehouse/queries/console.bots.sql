-- What machines sent, by the rule that told them from people: events, page views, different pages. Rules are names of a
-- closed set and say nothing of a visitor.
SELECT bot, count(), countIf(name = 'pageview'), uniqExactIf((hostname, path), name = 'pageview')
FROM events
WHERE site = {site:UInt32} AND day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16}) AND bot != '' AND @shown
GROUP BY bot
ORDER BY count() DESC, bot
LIMIT 500
