-- Every run that has left rows.
SELECT DISTINCT run
FROM rollups
