-- Rows of every batch between two numbers.
SELECT batch, count()
FROM events
WHERE batch BETWEEN {first:UInt64} AND {last:UInt64}
GROUP BY batch
