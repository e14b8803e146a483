"""The warehouse: the only room that speaks to ClickHouse, embedded (chDB) or a server, with the same SQL."""
