-- Rows of one batch in its partition: the table is its own commit log.
SELECT count()
FROM events
WHERE day = toDate({day:UInt16}) AND keep = {keep:UInt16} AND batch = {batch:UInt64}
