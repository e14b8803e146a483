-- When the newest event of the browser or a server arrived (ms UTC), and how many there are: a mark that changes with
-- every load. Imports are left out, machines are not: this is about the collector, not about visitors.
SELECT toUnixTimestamp64Milli(max(received)), count()
FROM events
WHERE site = {site:UInt32} AND day >= toDate({first:UInt16}) AND import_id = 0 AND @shown
