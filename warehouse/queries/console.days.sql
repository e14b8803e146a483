-- The first and the last day with a row of a person, and how many rows were looked at (0: none).
SELECT toUInt16(min(day)), toUInt16(max(day)), count()
FROM events
WHERE site = {site:UInt32} AND @people AND @shown
