-- The first day with a row of a person, and how many rows were looked at (0: none, and the day means nothing).
SELECT toUInt16(min(day)), count()
FROM events
WHERE site = {site:UInt32} AND @people AND @shown
