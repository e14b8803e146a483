-- When the newest row arrived, ms UTC. Of the newest parts by their day of storing, so that it costs little.
SELECT toUnixTimestamp64Milli(max(received))
FROM events
WHERE stored_on >= (SELECT max(stored_on) FROM events)
