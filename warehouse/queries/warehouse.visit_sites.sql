-- Rows of one partition of visits that belong to these sites.
SELECT count()
FROM visits
WHERE day = toDate({day:UInt16}) AND keep = {keep:UInt16} AND site IN {sites:Array(UInt32)}
