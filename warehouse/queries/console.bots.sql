-- What machines sent, by the rule that told them from people: events, page views, different pages. Rules are names of a
-- closed set and say nothing of a visitor. Whom a rule over behaviour found are the rows that no other rule has marked.
SELECT rule, count(), countIf(name = 'pageview'), uniqExactIf((hostname, path), name = 'pageview')
FROM
(
    SELECT bot AS rule, name, hostname, path
    FROM events
    WHERE site = {site:UInt32} AND day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16}) AND bot != '' AND @shown
    UNION ALL
    SELECT rule, name, hostname, path
    FROM events
    INNER JOIN
    (
        SELECT visitor, rule
        FROM visits FINAL
        WHERE site = {site:UInt32} AND day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16}) AND rule != ''
    ) AS found USING (visitor)
    WHERE site = {site:UInt32} AND day BETWEEN toDate({first:UInt16}) AND toDate({last:UInt16}) AND bot = '' AND @shown
)
GROUP BY rule
ORDER BY count() DESC, rule
LIMIT 500
