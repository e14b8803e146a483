-- Rows of what was forgotten: in parts of the one table that are out of use, in any part of the other.
SELECT sum(rows)
FROM @system(parts)
WHERE database = currentDatabase() AND ((table = {old:String} AND NOT active) OR table = {any:String})
